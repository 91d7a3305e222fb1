/** The options of `createClient`, and the checks on them. */
import type { Clock } from './clock.ts'
import { misuse } from './errors.ts'

/** A token (`Authorization: Bearer`), or headers and query parameters. */
export type Credentials =
  | string
  | { readonly headers?: Readonly<Record<string, string>>; readonly query?: Readonly<Record<string, string>> }
  | null
  | undefined
/** Called again before every request, and when the server reports that the credentials expire, or refuses them. */
export type Auth = () => Credentials | Promise<Credentials>

export interface Backoff {
  /** Upper bound of the first delay; doubles with every failure. Default: 1,500. */
  readonly firstMs?: number | undefined
  /** Upper bound of every delay. Default: 12,000. */
  readonly maxMs?: number | undefined
  /** After this many failures in a row, attempts become rare. Default: 8. */
  readonly failures?: number | undefined
  /** The delay between those rare attempts. Default: 60,000. */
  readonly restMs?: number | undefined
}

export type TransportName = 'eventsource' | 'fetch' | 'ws'

export interface ClientOptions {
  /** The server's address, such as `https://hub.example` or `/boardcast`. Default: the origin of the page. */
  readonly baseUrl?: string | undefined
  /** A token, or a function that returns credentials. */
  readonly auth?: string | Auth | undefined
  /** `include`: cookies go to another origin too, which must list this page's. Default: `same-origin`. */
  readonly credentials?: 'same-origin' | 'include' | undefined
  /**
   * Whom `auth` authenticates, such as the user's id. Hubs of one page share a stream only if they have the same identity or,
   * without one, the very same `auth`.
   */
  readonly identity?: string | undefined
  /** Default: `auto`, which is `fetch` where response bodies can be streamed, else `eventsource`. */
  readonly transport?: TransportName | 'auto' | undefined
  /** Who shares the stream. Default: `tab`. */
  readonly share?: 'tab' | 'browser' | 'none' | undefined
  readonly backoff?: Backoff | undefined
  /** After this long without a frame the stream is considered dead. Default: 2.5 of the server's heartbeats. */
  readonly heartbeatTimeoutMs?: number | undefined
  /** Checks payloads against their schemas: `warn` counts mismatches, `strict` also drops them. Default: `off`. */
  readonly validate?: 'off' | 'warn' | 'strict' | undefined
  readonly fetch?: typeof globalThis.fetch | undefined
  readonly EventSource?: EventSourceMaker | undefined
  readonly WebSocket?: WebSocketMaker | undefined
  readonly clock?: Clock | undefined
}

/** The part of EventSource that is used, so that packages for Node fit too. */
export interface EventSourceLike {
  readonly readyState: number
  addEventListener(
    name: string,
    listener: (event: { readonly data?: unknown; readonly lastEventId?: string }) => void,
  ): void
  close(): void
}
export type EventSourceMaker = new (url: string, init?: { readonly withCredentials: boolean }) => EventSourceLike

/** The part of WebSocket that is used. */
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

/** The transport that the options select. */
export interface ChosenTransport {
  readonly name: TransportName
  /** The constructor that opens its streams; `fetch` needs none. */
  readonly Maker: EventSourceMaker | WebSocketMaker | undefined
}

const CHOICES = {
  credentials: ['same-origin', 'include'],
  transport: ['auto', 'fetch', 'eventsource', 'ws'],
  share: ['tab', 'browser', 'none'],
  validate: ['off', 'warn', 'strict'],
} as const satisfies { readonly [Name in keyof ClientOptions]: ReadonlyArray<ClientOptions[Name]> }

/** Throws for options that cannot work, with the option's name and a fix. */
export function checkOptions(options: ClientOptions): void {
  for (const [name, choices] of Object.entries(CHOICES)) {
    const given: unknown = options[name as keyof typeof CHOICES]
    if (given === undefined || choices.some((choice) => choice === given)) continue
    throw misuse(`${name} cannot be ${JSON.stringify(given)}: use one of ${choices.join(', ')}.`)
  }
  const { heartbeatTimeoutMs, backoff } = options
  for (const [name, given] of Object.entries({ heartbeatTimeoutMs, ...backoff })) {
    if (given !== undefined && !(typeof given === 'number' && given >= 0)) {
      throw misuse(`${name} cannot be ${given}: use a number, 0 or more.`)
    }
  }
}

/** Throws when the transport is not available here. */
export function chooseTransport(options: ClientOptions): ChosenTransport {
  const { transport = 'auto' } = options
  const name = transport !== 'auto' ? transport : canStreamBodies() ? 'fetch' : 'eventsource'
  if (name === 'fetch') return { name, Maker: undefined }
  const needed = name === 'ws' ? 'WebSocket' : 'EventSource'
  const Maker = options[needed] ?? (globalThis as ClientOptions)[needed]
  if (!Maker) throw misuse(`transport "${name}" needs ${needed}, which is not available: pass the option ${needed}.`)
  return { name, Maker }
}

function canStreamBodies(): boolean {
  return typeof Response === 'function' && 'body' in Response.prototype
}
