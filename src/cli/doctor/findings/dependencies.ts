/** Which probe depends on which: one cause fails one probe, and those that it spoils are skipped. */
import type { ProbeName } from './finding.ts'

type Dependencies = Readonly<Record<ProbeName, readonly ProbeName[]>>

/** A probe is not begun when one of these has failed: there would be nothing to measure. */
export const NEEDS: Dependencies = {
  reach: [],
  head: ['reach'],
  'first-byte': ['head'],
  buffering: ['head'],
  compression: ['head', 'buffering'],
  heartbeat: ['head'],
  idle: ['head'],
  resume: ['head', 'buffering'],
  headers: ['reach'],
  parallel: ['head', 'buffering'],
  websocket: ['reach'],
}

/**
 * A probe that does not succeed is skipped when one of these has failed, which explains it. A finding may exclude some: two
 * causes that have nothing to do with each other are both named.
 */
export const EXPLAINED_BY: Dependencies = {
  reach: [],
  head: ['headers'],
  'first-byte': ['buffering'],
  buffering: ['headers'],
  compression: ['first-byte'],
  heartbeat: ['first-byte', 'buffering'],
  idle: ['first-byte', 'buffering'],
  resume: ['first-byte'],
  headers: [],
  parallel: ['first-byte'],
  websocket: ['headers', 'buffering', 'idle'],
}
