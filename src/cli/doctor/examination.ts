/** The order of the probes: which of them is begun when, and which is skipped because another one has failed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { backOffMs, isNobody, reasonOf } from '../api/retry.ts'
import { EXPLAINED_BY, NEEDS } from './findings/dependencies.ts'
import { type Finding, fail, PROBES, type ProbeName, skip } from './findings/finding.ts'
import { type Bench, MissingRight, Unmeasurable } from './probes/bench.ts'
import { probeBuffering } from './probes/buffering.ts'
import { probeCompression } from './probes/compression.ts'
import { probeFirstByte } from './probes/first-byte.ts'
import { probeHead } from './probes/head.ts'
import { probeHeaders } from './probes/headers.ts'
import { probeParallel } from './probes/parallel.ts'
import { probeHeartbeat, probeIdle } from './probes/quiet.ts'
import { probeReach } from './probes/reach.ts'
import { probeResume } from './probes/resume.ts'
import { probeWebSocket } from './probes/websocket.ts'

const MEASURE: Readonly<Record<ProbeName, (bench: Bench) => Promise<Finding>>> = {
  reach: probeReach,
  head: probeHead,
  'first-byte': probeFirstByte,
  buffering: probeBuffering,
  compression: probeCompression,
  heartbeat: probeHeartbeat,
  idle: probeIdle,
  resume: probeResume,
  headers: probeHeaders,
  parallel: probeParallel,
  websocket: probeWebSocket,
}

/** These take as long as heartbeats do, and disturb nobody; the others run one after the other meanwhile. */
const BESIDE: ReadonlySet<ProbeName> = new Set(['heartbeat', 'idle', 'websocket'])

/** A server that refuses connections is given this long to come back. */
const PASSING_MS = 3_000

/** Of these, those that have nothing to measure on a road that hands nothing on. */
const QUIET: ReadonlySet<ProbeName> = new Set(['heartbeat', 'idle'])

export interface Watcher {
  /** It is being measured. */
  begun(probe: ProbeName): void
  /** Called once for each probe, as soon as its finding is known. */
  found(probe: ProbeName, finding: Finding): void
  /** The token lacks a right, or there is none. */
  missing(right: string, sentence: string): void
}

/** Runs all probes. Rejects when nobody listens at the address. Probes that are not known when `signal` aborts are skipped. */
export async function examine(bench: Bench, watcher: Watcher, signal: AbortSignal): Promise<void> {
  const findings = new Map<ProbeName, Promise<Finding>>()
  const timeUp = new Promise<Finding>((resolve) => {
    const finish = () => resolve(skip({ timeUp: true }, 'the time was up'))
    if (signal.aborted) finish()
    else signal.addEventListener('abort', finish, { once: true })
  })

  function settle(probe: ProbeName): Promise<Finding> {
    let finding = findings.get(probe)
    if (finding === undefined) {
      finding = Promise.race([findingOf(probe), timeUp]).then((known) => {
        watcher.found(probe, known)
        return known
      })
      finding.catch(() => {}) // whoever waits for it hears of it
      findings.set(probe, finding)
    }
    return finding
  }

  async function findingOf(probe: ProbeName): Promise<Finding> {
    const cause = await firstFailed(NEEDS[probe])
    if (cause !== undefined) return spoiled(cause)
    watcher.begun(probe)
    const found = await Promise.race([measured(probe), ...(QUIET.has(probe) ? [spoiledByBuffering()] : [])])
    if (found.verdict !== 'fail' && found.verdict !== 'warn') return found
    const explanation = await firstFailed(found.explainedBy ?? EXPLAINED_BY[probe])
    return explanation === undefined ? found : spoiled(explanation)
  }

  async function spoiledByBuffering(): Promise<Finding> {
    const { verdict } = await settle('buffering')
    return verdict === 'fail' ? spoiled('buffering') : new Promise<Finding>(() => {})
  }

  async function measured(probe: ProbeName): Promise<Finding> {
    const until = performance.now() + PASSING_MS
    for (let tries = 0; ; tries += 1) {
      try {
        return await MEASURE[probe](bench)
      } catch (error) {
        if (error instanceof MissingRight) {
          watcher.missing(error.right, error.message)
          return skip({ missing: error.right }, `needs the right to ${error.right}`)
        }
        if (error instanceof Unmeasurable) return fail({ error: error.message }, { culprit: error.message })
        if (!(error instanceof Error) || !('code' in error)) throw error
        // `reach` has waited long enough, if it was to. A server that was reached before may just be restarting.
        const isOver = performance.now() > until || signal.aborted
        if (isNobody(error) && (probe === 'reach' || isOver)) throw error
        const reason = reasonOf(error)
        // A connection may break off once by chance.
        if (!isNobody(error) && tries > 0) {
          return fail({ error: reason }, { culprit: `the connection breaks off (${reason})` })
        }
        await sleep(backOffMs(tries))
      }
    }
  }

  /** The probe at the root of it: one that failed, or that the first failed one was skipped for. */
  async function firstFailed(probes: readonly ProbeName[]): Promise<ProbeName | undefined> {
    for (const probe of probes) {
      const { verdict, measured } = await settle(probe)
      if (verdict === 'fail') return probe
      const { because, missing } = measured
      if (verdict === 'skip' && missing !== undefined && probe === 'head') return probe
      const root = PROBES.find((each) => each === because)
      if (verdict === 'skip' && root !== undefined) return root
    }
    return undefined
  }

  await settle('reach')
  await settle('head')
  const beside = PROBES.filter((probe) => BESIDE.has(probe)).map(settle)
  for (const probe of PROBES) if (!BESIDE.has(probe)) await settle(probe)
  await Promise.all(beside)
}

function spoiled(because: ProbeName): Finding {
  return skip({ because }, `skipped, because of ${because}`)
}
