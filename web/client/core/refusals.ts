/**
 * Streams and channels that cannot be had. The server refuses a list for one board that is not there; that must not cost
 * the readers of the other channels their stream.
 */
import { isEventStream, notAStream, refusalOf } from './answers.ts'
import type { Clock } from './clock.ts'
import { BoardcastError } from './errors.ts'
import type { Auth, TransportName } from './options.ts'
import { stopReason } from './status.ts'
import { headersOf, type StreamEnd, streamUrl } from './transport.ts'

/** One that hangs is no answer. */
const PROBE_MS = 10_000
const NO_SOCKETS =
  'the WebSocket was refused, and a stream over HTTP would not be: a proxy in between may pass no WebSockets'

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
  /** What was refused: the question is put as it was, with the credentials where that one has them. */
  readonly transport: TransportName
}

/**
 * The status with which a stream would be answered. A HEAD is judged as a GET is, and opens none; but before it ends
 * anything a GET must agree, as some proxies and login pages know no HEAD.
 */
export async function probe(options: ProbeOptions, channels: readonly string[]): Promise<StreamEnd> {
  const answer = await ask(options, channels, 'HEAD')
  return answer.status && stopReason(answer.status) ? ask(options, channels, 'GET') : answer
}

async function ask(options: ProbeOptions, channels: readonly string[], method: 'HEAD' | 'GET'): Promise<StreamEnd> {
  const { clock } = options
  const controller = new AbortController()
  let timer: unknown
  const late = new Promise<StreamEnd>((resolve) => {
    timer = clock.setTimeout(() => resolve({ detail: `no answer within ${PROBE_MS} ms` }), PROBE_MS)
  })
  try {
    return await Promise.race([answerTo(options, channels, method, controller.signal), late])
  } catch (error) {
    return { detail: String(error) }
  } finally {
    clock.clearTimeout(timer)
    // Of a stream nothing more than its head is wanted.
    controller.abort()
  }
}

async function answerTo(
  { baseUrl, fetch, auth, clock, transport }: ProbeOptions,
  channels: readonly string[],
  method: 'HEAD' | 'GET',
  signal: AbortSignal,
): Promise<StreamEnd> {
  const credentials = await auth?.()
  const sendsHeaders = transport === 'fetch'
  const url = streamUrl({ baseUrl, channels, position: null, names: [], credentials }, !sendsHeaders)
  const headers = { Accept: 'text/event-stream', ...(sendsHeaders && headersOf(credentials)) }
  const init = { method, headers, signal, cache: 'no-store' } as const
  const response = await fetch(url, init)
  if (response.status !== 200) return refusalOf(response, clock.now())
  if (!isEventStream(response)) return notAStream(response)
  return transport === 'ws' ? { detail: NO_SOCKETS } : {}
}
