/** One connection to a stream, whatever carries it. */
import type { Api } from '../api/api.ts'

export type TransportName = 'sse' | 'ws'

export interface StreamQuery {
  readonly channels: readonly string[]
  /** A cursor, `now` or `earliest`. */
  readonly since: string
  /** As the `types` parameter takes them; none: every event. */
  readonly types: readonly string[]
}

export interface Frame {
  /** The text of an envelope, or of a message of a socket with its fields. */
  readonly text: string
  /** The frame as it came. */
  readonly raw: string
  /** A stream that is cut after this frame may be resumed from here. */
  readonly checkpoint: string | undefined
  /** A message of a socket that is no event: it has no place in the stream. */
  readonly isNoEvent?: true
  /** Of an SSE event: its fields but for `data`. */
  readonly fields?: { readonly event?: string; readonly id?: string; readonly retry?: number }
}

/**
 * Yields the frames of each read, and returns when the stream ends. Nothing more is read until the caller asks for more.
 * Throws `StreamRefused` if there is no stream, and any other error if the connection could not be made or broke off.
 */
export type OpenStream = (api: Api, query: StreamQuery, signal: AbortSignal) => AsyncGenerator<readonly Frame[]>

/** An answer other than a stream. */
export class StreamRefused extends Error {
  override readonly name = 'StreamRefused'
  /** 0: something other than the server answered. */
  readonly status: number
  readonly body: unknown
  readonly retryAfterMs: number

  constructor(status: number, message: string, { body, retryAfterMs = 0 }: { body?: unknown; retryAfterMs?: number }) {
    super(message)
    this.status = status
    this.body = body
    this.retryAfterMs = retryAfterMs
  }
}

/** The query of a stream. A token is never in it. */
export function queryOf({ channels, since, types }: StreamQuery): string {
  const query = new URLSearchParams({ channels: channels.join(','), since })
  if (types.length > 0) query.set('types', types.join(','))
  return query.toString()
}
