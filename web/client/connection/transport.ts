/** What a transport is: it opens a stream and reports its frames until the stream ends or is closed. */
import type { Credentials, TransportName } from '../base/options.ts'

export interface StreamRequest {
  readonly baseUrl: string
  /** In the order in which the stream must name them. */
  readonly channels: readonly string[]
  /** Resume after this id; null: from now on. */
  readonly cursor: string | null
  /** Event names that are not in the catalogue. */
  readonly names: Iterable<string>
  readonly credentials: Credentials
}

export interface RawFrame {
  readonly event: string
  readonly data: string
  /** From the `id:` line; undefined if the frame has none. */
  readonly id?: string | undefined
}

export interface StreamEnd {
  /** The status of an answer that is not a stream. */
  readonly status?: number
  readonly retryAfterMs?: number | undefined
  readonly detail?: string | undefined
  /** The stream was refused, and the transport cannot see the status. */
  readonly isRefusal?: boolean
  /** The stream ended instead of breaking off, as far as the transport can tell. */
  readonly isCleanEnd?: boolean
}

/** After `close`, or after `end`, a transport reports nothing more. */
export interface TransportEvents {
  frame(frame: RawFrame): void
  /** The server's `retry:`. */
  retry(ms: number): void
  end(end: StreamEnd): void
}

export interface OpenStream {
  close(): void
  /** Listens for these event names too. Only for transports that must ask for each name. */
  listenFor?(names: Iterable<string>): void
}

export interface Transport {
  readonly name: TransportName
  open(request: StreamRequest, events: TransportEvents): OpenStream
}

/** The address of a channel stream. */
export function streamUrl({ baseUrl, channels, cursor, credentials }: StreamRequest, tokenInQuery: boolean): string {
  const query = new URLSearchParams({ channels: channels.join(','), ...queryOf(credentials, tokenInQuery) })
  query.set(cursor === null ? 'since' : 'lastEventId', cursor ?? 'now')
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
