/**
 * What a transport is: it opens a stream and reports its frames until the stream ends or is closed. With what transports
 * share: the address of a stream, credentials, and the meaning of answers that are not streams.
 */
import { fieldOf } from '../base/frames.ts'
import type { Credentials, TransportName } from '../base/options.ts'
import type { StopReason } from '../base/types.ts'

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
  /** Gives the open stream another token. If it is refused, the stream ends. Only for transports that can. */
  renew?(token: string, accepted: () => void): void
}

export interface Transport {
  readonly name: TransportName
  open(request: StreamRequest, events: TransportEvents): OpenStream
}

/** The address of a channel stream. A token is never in it. */
export function streamUrl({ baseUrl, channels, cursor, credentials }: StreamRequest): string {
  const query = new URLSearchParams({ channels: channels.join(','), ...queryOf(credentials) })
  query.set(cursor === null ? 'since' : 'lastEventId', cursor ?? 'now')
  return `${baseUrl}/sse?${query}`
}

export function headersOf(credentials: Credentials): Record<string, string> {
  if (typeof credentials === 'string') return { Authorization: `Bearer ${credentials}` }
  return { ...credentials?.headers }
}

export function queryOf(credentials: Credentials): Record<string, string> {
  return typeof credentials === 'string' ? {} : { ...credentials?.query }
}

/** The longest wait that a server can ask for. Anything longer is a mistake of something in between. */
export const MAX_WAIT_MS = 86_400_000

/** `Retry-After` in milliseconds, a day at most; undefined without one. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const text = headers.get('Retry-After')
  if (!text) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), MAX_WAIT_MS)
}

/** Ignores the case and the parameters of the type. */
export function isEventStream({ headers }: Response): boolean {
  const [essence = ''] = (headers.get('Content-Type') ?? '').split(';')
  return essence.trim().toLowerCase() === 'text/event-stream'
}

/** For a 200 that is not a stream. It may be temporary, such as the page of a login or a proxy. */
export function notAStream({ headers, url }: Response): StreamEnd {
  const type = headers.get('Content-Type') ?? 'an answer without a type'
  const from = url ? ` from ${withoutQuery(url)}` : ''
  return { detail: `expected an event stream but got ${type}${from}: a login page or a proxy may be in between` }
}

/** For an answer other than 200. */
export async function refusalOf(response: Response, now: number): Promise<StreamEnd> {
  const { status, headers } = response
  const detail = fieldOf(await response.json().catch(() => null), 'detail')
  return {
    status,
    retryAfterMs: retryAfterMs(headers, now),
    detail: typeof detail === 'string' ? detail : undefined,
  }
}

/** Why an answer with this status stops the stream; undefined for 200 and for failures that may be temporary. */
export function stopReason(status: number): StopReason | undefined {
  switch (status) {
    case 200:
      return undefined
    case 204:
      return 'no-content'
    case 401:
      return 'unauthenticated'
    case 403:
      return 'forbidden'
    case 404:
      return 'not-found'
    case 408:
    case 425:
    case 429:
      return undefined
    default:
      return status >= 200 && status < 500 ? 'refused' : undefined
  }
}

/** For error messages: the query may contain credentials. */
export function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
