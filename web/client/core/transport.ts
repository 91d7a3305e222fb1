/** How the bytes of a stream come. One that is opened says what it hears until it is closed, or has said `end`. */
import type { Credentials } from './options.ts'

export interface StreamRequest {
  readonly baseUrl: string
  /** In the order in which the stream names them. */
  readonly channels: readonly string[]
  /** Goes on after this; null: from now on. */
  readonly position: string | null
  /** Names of events beside those of the catalogue. */
  readonly names: Iterable<string>
  readonly credentials: Credentials
}

export interface RawFrame {
  readonly event: string
  readonly data: string
  /** Of the `id:` line; undefined without one. */
  readonly id?: string | undefined
}

export interface StreamEnd {
  /** Of an answer that is no stream. */
  readonly status?: number
  readonly retryAfterMs?: number | undefined
  readonly detail?: string | undefined
  /** Refused, and the transport cannot tell with which status. */
  readonly isRefusal?: boolean
  /** The stream ended, and did not break off, as far as the transport can tell the two apart. */
  readonly isProper?: boolean
}

export interface TransportEvents {
  frame(frame: RawFrame): void
  /** The server's `retry:`. */
  retry(ms: number): void
  /** Once, and nothing after it; not after `close`. */
  end(end: StreamEnd): void
}

export interface OpenStream {
  close(): void
  /** Listens to these names as well. Only where names must be asked for. */
  hear?(names: Iterable<string>): void
}

export interface Transport {
  readonly name: 'eventsource' | 'fetch' | 'ws'
  open(request: StreamRequest, events: TransportEvents): OpenStream
}

/** The address of a channel stream. */
export function streamUrl({ baseUrl, channels, position, credentials }: StreamRequest, tokenInQuery: boolean): string {
  const query = new URLSearchParams({ channels: channels.join(','), ...queryOf(credentials, tokenInQuery) })
  query.set(position === null ? 'since' : 'lastEventId', position ?? 'now')
  return `${baseUrl}/sse?${query}`
}

export function headersOf(credentials: Credentials): Record<string, string> {
  if (typeof credentials === 'string') return { Authorization: `Bearer ${credentials}` }
  return { ...credentials?.headers }
}

export function queryOf(credentials: Credentials, tokenInQuery: boolean): Record<string, string> {
  if (typeof credentials === 'string') return tokenInQuery ? { token: credentials } : {}
  return { ...credentials?.query }
}

/** The longest wait that a server may ask for: what is longer is a slip of somebody in between. */
export const MAX_WAIT_MS = 86_400_000

/** `Retry-After` in milliseconds, a day at most; undefined without one. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const text = headers.get('Retry-After')
  if (!text) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), MAX_WAIT_MS)
}
