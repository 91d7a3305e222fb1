/**
 * Streams and channels that cannot be had. The server refuses a list for one board that is not there; that must not cost
 * the readers of the other channels their stream.
 */
import type { Clock } from './clock.ts'
import { BoardcastError } from './errors.ts'
import type { Auth } from './options.ts'
import { stopReason } from './status.ts'
import { headersOf, retryAfterMs, type StreamEnd, streamUrl } from './transport.ts'

export type Refusal = readonly [channel: string, error: BoardcastError]

/** The channels of a refused list that are refused by themselves; none when it is the list as a whole. */
export async function culprits(
  channels: readonly string[],
  end: StreamEnd,
  probe: (channels: readonly string[]) => Promise<StreamEnd>,
): Promise<Refusal[]> {
  const answers = channels.length === 1 ? [end] : await Promise.all(channels.map((channel) => probe([channel])))
  return channels.flatMap((channel, at) => {
    const { status, detail } = answers[at] ?? {}
    if (status === undefined || !stopReason(status)) return []
    return [[channel, new BoardcastError('refused', `${channel}: ${detail ?? status}`, { status })] as const]
  })
}

export interface ProbeOptions {
  readonly baseUrl: string
  readonly fetch: typeof globalThis.fetch
  readonly auth: Auth | undefined
  readonly clock: Clock
}

/** The status with which a stream would be answered; a HEAD is judged as a GET is, and opens none. */
export async function probe(
  { baseUrl, fetch, auth, clock }: ProbeOptions,
  channels: readonly string[],
): Promise<StreamEnd> {
  try {
    const credentials = await auth?.()
    const url = streamUrl({ baseUrl, channels, position: null, names: [], credentials }, false)
    const { status, headers } = await fetch(url, { method: 'HEAD', headers: headersOf(credentials) })
    return { status, retryAfterMs: retryAfterMs(headers, clock.now()) }
  } catch (error) {
    return { detail: String(error) }
  }
}
