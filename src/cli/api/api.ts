import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { readEnvironment } from '../process/environment.ts'
import { CommandError, exitCode } from '../process/exit.ts'
import {
  describeForeign,
  describeRedirect,
  describeRefusal,
  describeUnreachable,
  NotTheApi,
  Refused,
  Unreachable,
} from './api-errors.ts'

/** How long a call goes on trying: while nobody answers at all, and while the server says it is busy. */
export interface Patience {
  readonly unreachableMs: number
  readonly busyMs: number
}

/** Long enough for a server that is being restarted, short enough for a person who forgot to start one. */
export const ordinaryPatience: Patience = { unreachableMs: 3_000, busyMs: 30_000 }

/** Ends only by the call's own `signal`. */
export const endlessPatience: Patience = { unreachableMs: Number.POSITIVE_INFINITY, busyMs: Number.POSITIVE_INFINITY }

/** A server that accepts and then says nothing counts as away after this long. */
const requestTimeoutMs = 30_000
const firstDelayMs = 100
const maxDelayMs = 5_000
/** A Retry-After beyond this is a mistake of somebody in between, not something to sit out. */
const maxRetryAfterMs = 60_000

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Call {
  /** Encoded as JSON; `json` is the same, encoded already. */
  readonly body?: unknown
  readonly json?: string
  readonly signal?: AbortSignal
  readonly patience?: Patience
  /** Called before each wait, with what went wrong and for how long it has been trying. */
  readonly onRetry?: (reason: string, triedMs: number) => void
}

export interface Reply {
  readonly body: unknown
  /** The `Event-Id` of a mutation: everything up to here is in the log. */
  readonly eventId: string | undefined
}

/** The JSON API of one server. Paths are given without `/api/v1`. */
export interface Api {
  readonly baseUrl: string
  /** What identifies the caller, for requests that go past this client (streams). */
  readonly credentials: Readonly<Record<string, string>>
  send(method: Method, path: string, call?: Call): Promise<Reply>
  /** `send`, with the body checked: rejects when the server answers something this program cannot read. */
  read<Schema extends z.ZodType>(
    schema: Schema,
    method: Method,
    path: string,
    call?: Call,
  ): Promise<{ value: z.infer<Schema>; eventId: string | undefined }>
}

export interface ApiOptions {
  readonly url?: string | undefined
  readonly token?: string | undefined
}

/** Options win over the environment; without either it is the server that `npm start` starts. */
export function createApi(options: ApiOptions): Api {
  const environment = readEnvironment()
  const baseUrl = baseUrlOf(options.url ?? environment.url, environment.port)
  const token = options.token ?? environment.token
  const credentials: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` }

  async function send(method: Method, path: string, call: Call = {}): Promise<Reply> {
    const patience = call.patience ?? ordinaryPatience
    const request = { url: `${baseUrl}/api/v1${path}`, init: initOf(method, call, credentials), signal: call.signal }
    const startedAt = performance.now()
    for (let tries = 0; ; tries += 1) {
      const outcome = await attempt(request)
      if (outcome.kind === 'answer') return outcome.reply
      const asked = { method, path, baseUrl, hasToken: token !== undefined }
      if (outcome.kind === 'redirected') throw new NotTheApi(describeRedirect(outcome.status, outcome.location, asked))
      if (outcome.kind === 'foreign') throw new NotTheApi(describeForeign(outcome.status, outcome.otherThanJson, asked))
      if (outcome.kind === 'refused') {
        throw new Refused(outcome.status, outcome.code, describeRefusal(outcome, asked))
      }
      const away = outcome.kind === 'unreachable'
      const delayMs = Math.max(backOffMs(tries), outcome.kind === 'busy' ? outcome.retryAfterMs : 0)
      const limitMs = away ? patience.unreachableMs : patience.busyMs
      const triedMs = performance.now() - startedAt
      if (triedMs + delayMs > limitMs) {
        if (away) throw new Unreachable(describeUnreachable(baseUrl, outcome.reason))
        throw new Unreachable(`${baseUrl} stays busy (${outcome.reason}). Try again in a while.`)
      }
      call.onRetry?.(outcome.reason, triedMs)
      await sleep(delayMs, undefined, call.signal ? { signal: call.signal } : {})
    }
  }

  return {
    baseUrl,
    credentials,
    send,
    async read(schema, method, path, call) {
      const { body, eventId } = await send(method, path, call)
      const parsed = schema.safeParse(body)
      if (!parsed.success) {
        throw new CommandError(
          exitCode.failed,
          `${baseUrl} answered ${method} ${path} with something unexpected. Check that --url names a Boardcast server of this version.`,
          { cause: parsed.error },
        )
      }
      return { value: parsed.data, eventId }
    },
  }
}

/** Where a person looks at a board. */
export function boardPage(baseUrl: string, boardId: string): string {
  return `${baseUrl}/?board=${encodeURIComponent(boardId)}`
}

function baseUrlOf(url: string | undefined, port: string | undefined): string {
  // PORT=0 means "any free port" to a server and says nothing about where one is.
  const text = url ?? `http://127.0.0.1:${port === undefined || port === '0' ? '3000' : port}`
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new CommandError(
      exitCode.usage,
      `"${text}" is not a server address: expected something like --url http://127.0.0.1:3000.`,
    )
  }
  const { origin, pathname } = new URL(text)
  return origin + pathname.replace(/\/+$/, '')
}

function initOf(method: Method, call: Call, credentials: Readonly<Record<string, string>>): RequestInit {
  const headers: Record<string, string> = { Accept: 'application/json', ...credentials }
  if (method === 'GET') return { method, headers }
  // One key for all tries of one call: a retry whose first try did arrive gets the first answer again.
  headers['Idempotency-Key'] = randomUUID()
  if (method === 'DELETE') return { method, headers }
  headers['Content-Type'] = 'application/json'
  return { method, headers, body: call.json ?? JSON.stringify(call.body ?? {}) }
}

type Outcome =
  | { kind: 'answer'; reply: Reply }
  | { kind: 'redirected'; status: number; location: string }
  | { kind: 'foreign'; status: number; otherThanJson: string }
  | { kind: 'refused'; status: number; code: string | undefined; body: unknown; otherThanJson: string | undefined }
  | { kind: 'busy'; reason: string; retryAfterMs: number }
  | { kind: 'unreachable'; reason: string }

interface Request {
  readonly url: string
  readonly init: RequestInit
  readonly signal: AbortSignal | undefined
}

async function attempt({ url, init, signal }: Request): Promise<Outcome> {
  signal?.throwIfAborted()
  // Not AbortSignal.any: it keeps every derived signal alive as long as the long-lived one, and a run posts for hours.
  const controller = new AbortController()
  const abort = () => controller.abort()
  const timer = setTimeout(abort, requestTimeoutMs)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    // A redirect is not followed: fetch would make a GET of a POST, which succeeds and does nothing.
    const response = await fetch(url, { ...init, redirect: 'manual', signal: controller.signal })
    return outcomeOf(response, await response.text())
  } catch (error) {
    signal?.throwIfAborted()
    return { kind: 'unreachable', reason: controller.signal.aborted ? 'no answer in time' : reasonOf(error) }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

function outcomeOf(response: Response, text: string): Outcome {
  const { status, headers } = response
  const body = parseJson(text)
  const otherThanJson = body === undefined && status !== 204 ? kindOf(headers.get('Content-Type'), text) : undefined
  if (response.ok) {
    if (otherThanJson !== undefined) return { kind: 'foreign', status, otherThanJson }
    return { kind: 'answer', reply: { body, eventId: headers.get('Event-Id') ?? undefined } }
  }
  if (status >= 300 && status < 400) return { kind: 'redirected', status, location: headers.get('Location') ?? '' }
  // 502 and 504 come from a proxy in front of a server that is away; the key makes it safe to ask again.
  if (status === 429 || status === 502 || status === 503 || status === 504) {
    return { kind: 'busy', reason: `HTTP ${status}`, retryAfterMs: retryAfterMs(headers.get('Retry-After')) }
  }
  return { kind: 'refused', status, code: stringField(body, 'code'), body, otherThanJson }
}

function kindOf(contentType: string | null, text: string): string {
  if (text === '') return 'nothing'
  return contentType?.split(';')[0]?.trim() || 'text'
}

function stringField(body: unknown, name: string): string | undefined {
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
  return typeof value === 'string' ? value : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function retryAfterMs(header: string | null): number {
  if (header === null) return 0
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), maxRetryAfterMs) : 0
}

/** Doubling, with the upper half left to chance so that many runs do not come back together. */
function backOffMs(tries: number): number {
  const full = Math.min(firstDelayMs * 2 ** Math.min(tries, 16), maxDelayMs)
  return full / 2 + Math.random() * (full / 2)
}

/** What OpenSSL calls an answer that is not TLS. */
const NO_TLS = /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/

/** fetch says only "fetch failed"; the cause has the system's own word, such as ECONNREFUSED. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (cause instanceof Error) {
    if ('code' in cause && typeof cause.code === 'string') {
      if (cause.code === 'ECONNREFUSED') return 'connection refused'
      return NO_TLS.test(cause.code) ? 'what listens there does not speak TLS: is it http://?' : cause.code
    }
    return cause.message
  }
  return String(cause)
}
