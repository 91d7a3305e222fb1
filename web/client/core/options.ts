/** What `createClient` takes. */
import type { Clock } from './clock.ts'

/** A token (`Authorization: Bearer`), or headers and query parameters; asked for anew before every request. */
export type Credentials =
  | string
  | { readonly headers?: Readonly<Record<string, string>>; readonly query?: Readonly<Record<string, string>> }
  | null
  | undefined
export type Auth = () => Credentials | Promise<Credentials>

export interface Backoff {
  /** Ceiling of the first delay; doubles with every failure. Default: 1,500. */
  readonly firstMs?: number | undefined
  /** The highest ceiling. Default: 12,000. */
  readonly maxMs?: number | undefined
  /** After so many failures in a row the client rests. Default: 8. */
  readonly failures?: number | undefined
  /** While it rests, it tries so often. Default: 60,000. */
  readonly restMs?: number | undefined
}

export type TransportName = 'eventsource' | 'fetch' | 'ws'

export interface ClientOptions {
  /** Where the server is, such as `https://hub.example` or `/boardcast`. Default: the origin of the page. */
  readonly baseUrl?: string | undefined
  readonly auth?: Auth | undefined
  /**
   * Who `auth` speaks for, such as the id of the user. Streams are shared only among those of one identity; without it, only
   * with the very same `auth`. `share: 'browser'` with `auth` needs it.
   */
  readonly identity?: string | undefined
  /** Default: `auto`, which is `fetch` where bodies stream and `eventsource` elsewhere. */
  readonly transport?: TransportName | 'auto' | undefined
  /** Who shares the stream. Default: `tab`. */
  readonly share?: 'tab' | 'browser' | 'none' | undefined
  readonly backoff?: Backoff | undefined
  /** A silence of so long is a dead stream. Default: 2.5 heartbeats of the server. */
  readonly heartbeatTimeoutMs?: number | undefined
  /** Whether payloads are compared with their schemas: counted (`warn`), or counted and dropped (`strict`). Default: `off`. */
  readonly validate?: 'off' | 'warn' | 'strict' | undefined
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly EventSource?: EventSourceMaker | undefined
  readonly WebSocket?: WebSocketMaker | undefined
  readonly clock?: Clock | undefined
}

/** As far as the client uses it, so that packages for Node fit too. */
export interface EventSourceLike {
  readonly readyState: number
  addEventListener(
    name: string,
    listener: (event: { readonly data?: unknown; readonly lastEventId?: string }) => void,
  ): void
  close(): void
}
export type EventSourceMaker = new (url: string) => EventSourceLike

export interface WebSocketLike {
  readonly readyState: number
  addEventListener(
    name: 'open' | 'message' | 'close' | 'error',
    listener: (event: {
      readonly type?: string
      readonly data?: unknown
      readonly code?: number
      readonly reason?: string
    }) => void,
  ): void
  send(text: string): void
  close(code?: number): void
}
export type WebSocketMaker = new (url: string) => WebSocketLike
