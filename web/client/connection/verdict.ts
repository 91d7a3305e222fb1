/** What the end of an attempt means for the next one, which may have to be asked of the server or of `auth`. */
import type { Clock } from '../base/clock.ts'
import type { Auth, Credentials } from '../base/options.ts'
import type { ConnectionAttempt } from './connection-attempt.ts'
import { areSame, askAgain } from './credentials.ts'
import { type Refusal, refusedChannels } from './probe.ts'
import { type StreamEnd, stopReason } from './transport.ts'

export type Verdict =
  /** It may be temporary: try again later. */
  | { readonly kind: 'lost' | 'stopped'; readonly end: StreamEnd }
  /** Go on without these channels. */
  | { readonly kind: 'without'; readonly refusals: readonly Refusal[] }
  /** Try again with these. */
  | { readonly kind: 'again'; readonly credentials: Credentials }

export interface VerdictOptions {
  readonly auth: Auth | undefined
  readonly clock: Clock
  /** The attempt before this one was refused for its credentials too. */
  readonly wasRefused: boolean
  /** The status with which the server would answer a stream of these channels. */
  probe(channels: readonly string[]): Promise<StreamEnd>
}

/** Whether the attempt may just be made again. */
export function isTemporary({ isRefusal, status }: StreamEnd): boolean {
  return !isRefusal && (status === undefined || !stopReason(status))
}

export async function verdictOn(
  { channels, credentials: used }: ConnectionAttempt,
  end: StreamEnd,
  { auth, clock, wasRefused, probe }: VerdictOptions,
): Promise<Verdict> {
  const answer = end.isRefusal ? { ...(await probe(channels)), isRefusal: false } : end
  if (isTemporary(answer)) return { kind: 'lost', end: answer }
  const stopped: Verdict = { kind: 'stopped', end: answer }
  if (answer.status === 204) return stopped
  if (answer.status === 401) {
    // Once: the credentials may have expired since they were given.
    const others = wasRefused ? used : await askAgain(auth, used, clock)
    return areSame(others, used) ? stopped : { kind: 'again', credentials: others }
  }
  const refusals = await refusedChannels(channels, answer, probe)
  return refusals.length > 0 ? { kind: 'without', refusals } : stopped
}
