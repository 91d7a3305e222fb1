/**
 * Asks why a stream was refused, and for which of its channels. The server refuses a whole list if one board does not
 * exist; readers of the other channels must not lose their stream for it.
 */
import type { Clock } from '../base/clock.ts'
import { BoardcastError } from '../base/errors.ts'
import type { Auth, TransportName } from '../base/options.ts'
import { askFor } from './credentials.ts'
import { headersOf, isEventStream, notAStream, refusalOf, type StreamEnd, stopReason, streamUrl } from './transport.ts'

const PROBE_TIMEOUT_MS = 10_000
const NO_SOCKETS =
  'the WebSocket was refused, but a stream over HTTP would be accepted: a proxy in between may not support WebSockets'

export type Refusal = readonly [channel: string, error: BoardcastError]

/** The channels of a refused list that are refused on their own; empty if only the whole list is. */
export async function refusedChannels(
  channels: readonly string[],
  end: StreamEnd,
  probe: (channels: readonly string[]) => Promise<StreamEnd>,
): Promise<Refusal[]> {
  const answers = channels.length === 1 ? [end] : await Promise.all(channels.map((channel) => probe([channel])))
  return channels.flatMap((channel, index) => {
    const { status, detail } = answers[index] ?? {}
    if (status === undefined || !stopReason(status)) return []
    return [[channel, new BoardcastError('refused', `${channel}: ${detail ?? status}`, { status })] as const]
  })
}

export interface ProbeOptions {
  readonly baseUrl: string
  readonly fetch: typeof globalThis.fetch
  readonly auth: Auth | undefined
  readonly clock: Clock
  /** The transport that was refused. */
  readonly transport: TransportName
}

/**
 * The status with which the server would answer a stream. A HEAD is judged like a GET and opens no stream. Before it stops
 * anything a GET must confirm it, because some proxies and login pages do not support HEAD.
 */
export async function probe(options: ProbeOptions, channels: readonly string[]): Promise<StreamEnd> {
  const answer = await ask(options, channels, 'HEAD')
  return answer.status && stopReason(answer.status) ? ask(options, channels, 'GET') : answer
}

async function ask(options: ProbeOptions, channels: readonly string[], method: 'HEAD' | 'GET'): Promise<StreamEnd> {
  const { clock } = options
  const controller = new AbortController()
  let timer: unknown
  const timeout = new Promise<StreamEnd>((resolve) => {
    timer = clock.setTimeout(() => resolve({ detail: `no answer within ${PROBE_TIMEOUT_MS} ms` }), PROBE_TIMEOUT_MS)
  })
  try {
    return await Promise.race([answerTo(options, channels, method, controller.signal), timeout])
  } catch (error) {
    return { detail: String(error) }
  } finally {
    clock.clearTimeout(timer)
    // Only the head of a stream was needed.
    controller.abort()
  }
}

async function answerTo(
  { baseUrl, fetch, auth, clock, transport }: ProbeOptions,
  channels: readonly string[],
  method: 'HEAD' | 'GET',
  signal: AbortSignal,
): Promise<StreamEnd> {
  const credentials = await askFor(auth)
  const url = streamUrl({ baseUrl, channels, cursor: null, names: [], credentials })
  // A probe can send a token in a header. Other headers are judged as on the transport, which cannot send them.
  const sendsHeaders = transport === 'fetch' || typeof credentials === 'string'
  const headers = { Accept: 'text/event-stream', ...(sendsHeaders && headersOf(credentials)) }
  const init = { method, headers, signal, cache: 'no-store' } as const
  const response = await fetch(url, init)
  if (response.status !== 200) return refusalOf(response, clock.now())
  if (!isEventStream(response)) return notAStream(response)
  return transport === 'ws' ? { detail: NO_SOCKETS } : {}
}
