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
import { fetchFrom, socketPathOf } from './fetch.ts'
import { backOffMs, isBusy, isNobody, reasonOf, retryAfterMs } from './retry.ts'
import { type TokenSource, tokenFrom } from './token.ts'

/** How long a call keeps retrying while no server answers, and while the server answers that it is busy. */
export interface Patience {
  readonly unreachableMs: number
  readonly busyMs: number
}

/** Long enough to survive a restart of the server, short enough for a user who forgot to start one. */
export const ordinaryPatience: Patience = { unreachableMs: 3_000, busyMs: 30_000 }

/** Retries until the call's `signal` aborts. */
export const endlessPatience: Patience = { unreachableMs: Number.POSITIVE_INFINITY, busyMs: Number.POSITIVE_INFINITY }

/** A server that accepts a connection but does not answer counts as unreachable after this long. */
const requestTimeoutMs = 30_000

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Call {
  /** Sent as JSON. `json` is the alternative for a body that is already encoded. */
  readonly body?: unknown
  readonly json?: string
  /** Default: one that is drawn for each call. */
  readonly idempotencyKey?: string | undefined
  readonly signal?: AbortSignal
  readonly patience?: Patience
  /** Called before each wait, with the reason and the time since the first try. */
  readonly onRetry?: (reason: string, triedMs: number) => void
}

export interface ApiResponse {
  readonly body: unknown
  /** The `Event-Id` of a mutation: the log holds everything up to this id. */
  readonly eventId: string | undefined
  /** The `Cursor` of a read: the id that it is exact at. */
  readonly cursor: string | undefined
}

/** The JSON API of one server. Paths are given without `/api/v1`. */
export interface Api {
  readonly baseUrl: string
  /** Headers that identify the caller, for requests that do not go through this client (streams). */
  credentials(): Readonly<Record<string, string>>
  /** After a 401: whether there are other credentials by now than these. */
  renewed(used: Readonly<Record<string, string>>): boolean
  /** Whether a server has answered. Until then a refused connection is not retried. */
  readonly wasReached: boolean
  /** A stream has reached the server. */
  reached(): void
  send(method: Method, path: string, call?: Call): Promise<ApiResponse>
  /** Like `send`, but validates the body. Rejects when it does not match the schema. */
  read<Schema extends z.ZodType>(
    schema: Schema,
    method: Method,
    path: string,
    call?: Call,
  ): Promise<{ value: z.infer<Schema>; eventId: string | undefined; cursor: string }>
}

export interface ApiOptions {
  readonly url?: string | undefined
  /** `@FILE` reads it from a file. */
  readonly token?: string | undefined
  /** How long a server that nobody has reached yet may take to start, in milliseconds; default 0. */
  readonly waitServer?: number | undefined
}

/** Options take precedence over the environment; the default is the server that `npm start` starts. */
export function createApi({ url, token, waitServer }: ApiOptions): Api {
  const environment = readEnvironment()
  return apiOf(baseUrlOf(url ?? environment.url, environment.port), {
    token: tokenFrom(token, environment.token),
    waitServer,
  })
}

/** The API of a server, whatever the environment says. */
export function apiOf(baseUrl: string, options: { token: TokenSource; waitServer?: number | undefined }): Api {
  const { token } = options
  const createdAt = performance.now()
  let wasReached = false

  /** A server that has answered once may restart; one that never did is not there, or is just being started. */
  function limitOf(outcome: Outcome, patience: Patience, startedAt: number): number {
    if (outcome.kind !== 'unreachable') return patience.busyMs
    if (wasReached || !outcome.isNobody) return patience.unreachableMs
    return createdAt + (options.waitServer ?? 0) - startedAt
  }

  async function send(method: Method, path: string, call: Call = {}): Promise<ApiResponse> {
    const patience = call.patience ?? ordinaryPatience
    const init = initOf(method, call)
    const request = { baseUrl, path: `/api/v1${path}`, signal: call.signal }
    const startedAt = performance.now()
    for (let tries = 0; ; tries += 1) {
      const used = token.current()
      const headers = { ...init.headers, ...headersOf(used) }
      const outcome = await tryOnce({ ...request, init: { ...init, headers } })
      wasReached ||= outcome.kind !== 'unreachable'
      if (outcome.kind === 'answer') return outcome.reply
      // Nothing was done: it is the same call, under the same key.
      if (outcome.kind === 'refused' && outcome.status === 401 && token.renewed(used)) continue
      const asked = { method, path, baseUrl, hasToken: used !== undefined }
      if (outcome.kind === 'redirected') throw new NotTheApi(describeRedirect(outcome.status, outcome.location, asked))
      if (outcome.kind === 'foreign') throw new NotTheApi(describeForeign(outcome.status, outcome.otherThanJson, asked))
      if (outcome.kind === 'refused') {
        throw new Refused(outcome.status, outcome.code, describeRefusal(outcome, asked), outcome.body)
      }
      const isUnreachable = outcome.kind === 'unreachable'
      const delayMs = Math.max(backOffMs(tries), outcome.kind === 'busy' ? outcome.retryAfterMs : 0)
      const limitMs = limitOf(outcome, patience, startedAt)
      const triedMs = performance.now() - startedAt
      if (triedMs + delayMs > limitMs) {
        if (isUnreachable) throw new Unreachable(describeUnreachable(baseUrl, outcome.reason))
        throw new Unreachable(`${baseUrl} stays busy (${outcome.reason}). Try again later.`)
      }
      call.onRetry?.(outcome.reason, triedMs)
      await sleep(delayMs, undefined, call.signal ? { signal: call.signal } : {})
    }
  }

  return {
    baseUrl,
    credentials: () => headersOf(token.current()),
    renewed: ({ Authorization }) => token.renewed(Authorization?.slice(SCHEME.length)),
    get wasReached() {
      return wasReached
    },
    reached() {
      wasReached = true
    },
    send,
    async read(schema, method, path, call) {
      const { body, eventId, cursor = 'now' } = await send(method, path, call)
      const parsed = schema.safeParse(body)
      if (!parsed.success) {
        throw new CommandError(
          exitCode.failed,
          `${baseUrl} answered ${method} ${path} with an unexpected body. Check that --url names a Boardcast server of this version.`,
          { cause: parsed.error },
        )
      }
      return { value: parsed.data, eventId, cursor }
    },
  }
}

/** Where to see a board: the URL of its page. */
export function boardPage(baseUrl: string, boardId: string): string {
  // No browser can open a Unix socket.
  if (socketPathOf(baseUrl) !== undefined) return `board ${boardId} on ${baseUrl}`
  return `${baseUrl}/?board=${encodeURIComponent(boardId)}`
}

/** Throws a usage error for what is not the address of a server. */
export function baseUrlOf(url: string | undefined, port?: string): string {
  // PORT=0 lets a server pick a free port, so it does not tell where the server listens.
  const text = url ?? `http://127.0.0.1:${port === undefined || port === '0' ? '3000' : port}`
  if (socketPathOf(text)) return text
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new CommandError(
      exitCode.usage,
      `"${text}" is not a server address: use a URL such as --url http://127.0.0.1:3000, or unix:/path of a socket.`,
    )
  }
  const { origin, pathname } = new URL(text)
  return origin + pathname.replace(/\/+$/, '')
}

const SCHEME = 'Bearer '

function headersOf(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { Authorization: SCHEME + token }
}

function initOf(method: Method, call: Call): RequestInit & { readonly headers: Record<string, string> } {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (method === 'GET') return { method, headers }
  // One key for all tries of a call: if the first try did arrive, a retry gets its answer.
  headers['Idempotency-Key'] = call.idempotencyKey ?? randomUUID()
  if (method === 'DELETE') return { method, headers }
  headers['Content-Type'] = 'application/json'
  return { method, headers, body: call.json ?? JSON.stringify(call.body ?? {}) }
}

type Outcome =
  | { kind: 'answer'; reply: ApiResponse }
  | { kind: 'redirected'; status: number; location: string }
  | { kind: 'foreign'; status: number; otherThanJson: string }
  | { kind: 'refused'; status: number; code: string | undefined; body: unknown; otherThanJson: string | undefined }
  | { kind: 'busy'; reason: string; retryAfterMs: number }
  | { kind: 'unreachable'; reason: string; isNobody: boolean }

interface Request {
  readonly baseUrl: string
  readonly path: string
  readonly init: RequestInit
  readonly signal: AbortSignal | undefined
}

async function tryOnce({ baseUrl, path, init, signal }: Request): Promise<Outcome> {
  signal?.throwIfAborted()
  // Not AbortSignal.any: it keeps every derived signal alive as long as the long-lived one, and a run posts for hours.
  const controller = new AbortController()
  const abort = () => controller.abort()
  const timer = setTimeout(abort, requestTimeoutMs)
  signal?.addEventListener('abort', abort, { once: true })
  try {
    // Redirects are not followed: fetch would turn a POST into a GET, which succeeds and does nothing.
    const response = await fetchFrom(baseUrl, path, { ...init, redirect: 'manual', signal: controller.signal })
    return outcomeOf(response, await response.text())
  } catch (error) {
    signal?.throwIfAborted()
    const reason = controller.signal.aborted ? 'no answer in time' : reasonOf(error)
    return { kind: 'unreachable', reason, isNobody: isNobody(error) }
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
    const [eventId, cursor] = [headers.get('Event-Id') ?? undefined, headers.get('Cursor') ?? undefined]
    return { kind: 'answer', reply: { body, eventId, cursor } }
  }
  if (status >= 300 && status < 400) return { kind: 'redirected', status, location: headers.get('Location') ?? '' }
  // The idempotency key makes a retry safe.
  if (isBusy(status)) {
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
