/** What a probe finds. */

export const PROBES = [
  'reach',
  'head',
  'first-byte',
  'buffering',
  'compression',
  'heartbeat',
  'idle',
  'resume',
  'headers',
  'parallel',
  'websocket',
] as const
export type ProbeName = (typeof PROBES)[number]

/** What was measured. Times are in milliseconds, and their names end in `Ms`. */
export type Measured = Readonly<Record<string, unknown>>

export interface Finding {
  readonly verdict: 'ok' | 'warn' | 'fail' | 'skip'
  readonly measured: Measured
  /** The same in a few words, for people. */
  readonly summary: string
  /** What is in the way, and what shows it. */
  readonly culprit?: string
  /** The setting that removes it. */
  readonly fix?: string
  /** Of the probes that may explain this one (dependencies.ts), those that can explain this finding; default: all. */
  readonly explainedBy?: readonly ProbeName[]
}

export function ok(measured: Measured, summary: string): Finding {
  return { verdict: 'ok', measured, summary }
}

/** `cause`: the culprit and the fix. */
export function fail(measured: Measured, cause: { readonly culprit: string; readonly fix?: string }): Finding {
  return { verdict: 'fail', measured, summary: cause.culprit, ...cause }
}

/** It works, but not as well as it could. */
export function warn(measured: Measured, cause: { readonly culprit: string; readonly fix?: string }): Finding {
  return { ...fail(measured, cause), verdict: 'warn' }
}

export function skip(measured: Measured, summary: string): Finding {
  return { verdict: 'skip', measured, summary }
}
