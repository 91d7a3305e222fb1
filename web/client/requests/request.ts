/** Requests to the API, retried where a repetition cannot do anything twice. */
import { API_PREFIX, HEADER } from '../../../shared/src/protocol.ts'
import { delayMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { BoardcastError, type Problem } from '../base/errors.ts'
import type { Auth, Credentials } from '../base/options.ts'
import type { HubCore, Reply, RequestOptions } from '../base/types.ts'
import { headersOf, queryOf, retryAfterMs } from '../connection/transport.ts'
import { bodyOf, fetchUnchanged } from './reply.ts'

const RETRIES = 5
const RETRY_BACKOFF = { firstMs: 500, maxMs: 12_000 }
/** Ends a request on a connection that is dead without knowing it. */
const TIMEOUT_MS = 30_000
const TEMPORARY: ReadonlySet<number> = new Set([429, 502, 503, 504])

export interface RequesterOptions {
  readonly baseUrl: string
  readonly fetch: typeof globalThis.fetch
  readonly auth: Auth | undefined
  readonly clock: Clock
}

type Outcome<T> =
  | { readonly reply: Reply<T> }
  | { readonly error: BoardcastError; readonly mayRetry: boolean; readonly inMs?: number | undefined }

interface Prepared {
  readonly headers: Record<string, string>
  readonly body: string | null
  readonly signal: AbortSignal
}

/** The `Cursor` headers of refusals, by their errors. */
const refusedAt = new WeakMap<object, string>()

/** The cursor at which a refused read is exact; null if the refusal has none. */
export function cursorOfRefusal(error: unknown): string | null {
  return typeof error === 'object' && error !== null ? (refusedAt.get(error) ?? null) : null
}

/** `closing` aborts the request when the hub closes, whatever the request's own `signal`. */
export type Requester = <T>(
  ...request: [...Parameters<HubCore['request']>, closing?: AbortSignal | undefined]
) => Promise<Reply<T>>

export function createRequester({ baseUrl, fetch, auth, clock }: RequesterOptions): Requester {
  return async <T>(
    method: string,
    path: string,
    body?: unknown,
    options: RequestOptions = {},
    closing?: AbortSignal,
  ): Promise<Reply<T>> => {
    const controller = new AbortController()
    const unfollow = follow(controller, options.signal)
    const unfollowClosing = closing ? followClosing(controller, closing) : undefined
    try {
      return await withRetries<T>(method, path, body, { ...options, signal: controller.signal })
    } finally {
      unfollow()
      unfollowClosing?.()
    }
  }

  async function withRetries<T>(
    method: string,
    path: string,
    body: unknown,
    options: RequestOptions & { readonly signal: AbortSignal },
  ): Promise<Reply<T>> {
    const { signal, retries = RETRIES } = options
    const headers: Record<string, string> = { Accept: 'application/json' }
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    if (method === 'POST') headers[HEADER.idempotencyKey] = options.idempotencyKey ?? randomKey()
    const text = body === undefined ? null : JSON.stringify(body)

    /** An earlier attempt may have been carried out: its answer was lost. */
    let mayBeDone = false
    for (let failures = 1; ; failures++) {
      signal.throwIfAborted()
      const outcome = await once<T>(method, path, { headers, body: text, signal })
      if ('reply' in outcome) return outcome.reply
      const { error, mayRetry, inMs = 0 } = outcome
      // An earlier attempt has deleted it.
      if (method === 'DELETE' && error.status === 404 && mayBeDone) {
        return { status: 204, body: undefined as T, eventId: null }
      }
      // The conflict may be with the change of an earlier attempt.
      if (method === 'PATCH' && error.status === 409 && mayBeDone) throw unknownOutcome(error, `${method} ${path}`)
      if (!mayRetry || failures > retries) throw error
      // A proxy that answers 502 or 504 does not know either whether the request was carried out.
      mayBeDone ||= error.code === 'unreachable' || error.status === 502 || error.status === 504
      await pause(Math.max(inMs, delayMs(RETRY_BACKOFF, failures)), signal)
    }
  }

  async function once<T>(method: string, path: string, { headers, body, signal }: Prepared): Promise<Outcome<T>> {
    const controller = new AbortController()
    const unfollow = follow(controller, signal)
    const timer = clock.setTimeout(() => controller.abort(), TIMEOUT_MS)
    try {
      const credentials = await credentialsWithin(controller.signal, `${method} ${path}`)
      const asked = {
        method,
        url: withQuery(`${baseUrl}${API_PREFIX}${path}`, credentials),
        init: { body, headers: { ...headers, ...headersOf(credentials) }, signal: controller.signal },
      }
      const response = await fetchUnchanged(fetch, asked)
      const text = await response.text()
      if (!response.ok) return refusal(response, text, `${method} ${path}`)
      const made = bodyOf(text, response, asked) as T
      const eventId = response.headers.get(HEADER.eventId) ?? response.headers.get(HEADER.cursor)
      return { reply: { status: response.status, body: made, eventId } }
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof BoardcastError) return { error: cause, mayRetry: false }
      return { error: new BoardcastError('unreachable', `${method} ${path}: no answer`, { cause }), mayRetry: true }
    } finally {
      clock.clearTimeout(timer)
      unfollow()
    }
  }

  async function credentialsWithin(signal: AbortSignal, what: string): Promise<Credentials> {
    try {
      return await Promise.race([auth?.(), whenAborted(signal)])
    } catch (cause) {
      throw new BoardcastError('unreachable', `${what}: no credentials, auth failed: ${cause}`, { cause })
    }
  }

  function refusal(response: Response, text: string, what: string): Outcome<never> {
    const { status, headers } = response
    const problem = problemOf(text)
    const error = new BoardcastError('refused', problem?.detail ?? `${what}: ${status}`, {
      status,
      ...(problem && { problem }),
    })
    const cursor = headers.get(HEADER.cursor)
    if (cursor !== null) refusedAt.set(error, cursor)
    return { error, mayRetry: TEMPORARY.has(status), inMs: retryAfterMs(headers, clock.now()) }
  }

  function pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.setTimeout(done, ms)
      signal.addEventListener('abort', done, { once: true })
      function done(): void {
        clock.clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
    })
  }
}

/** Aborts with the signal and for the same reason. Returns the function that stops following. */
function follow(controller: AbortController, signal: AbortSignal | undefined): () => void {
  const abort = () => controller.abort(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  return () => signal?.removeEventListener('abort', abort)
}

const inFlight = new WeakMap<AbortSignal, Set<AbortController>>()

/** Like `follow`, with one listener for all requests of a hub: Node warns about more than ten. */
function followClosing(controller: AbortController, closing: AbortSignal): () => void {
  if (closing.aborted) controller.abort(closing.reason)
  const controllers = inFlight.get(closing) ?? new Set()
  if (!inFlight.has(closing)) {
    inFlight.set(closing, controllers)
    const abortAll = () => {
      for (const each of controllers) each.abort(closing.reason)
    }
    closing.addEventListener('abort', abortAll, { once: true })
  }
  controllers.add(controller)
  return () => controllers.delete(controller)
}

/** Rejects when the signal aborts, and never resolves. */
function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function unknownOutcome(refusal: BoardcastError, what: string): BoardcastError {
  return new BoardcastError(
    'unreachable',
    `${what}: an answer was lost, so the change may have been made. The retry was refused with "${refusal.message}". Read it again.`,
    { cause: refusal },
  )
}

function withQuery(url: string, credentials: Credentials): string {
  const query = new URLSearchParams(queryOf(credentials, false)).toString()
  return query === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${query}`
}

/** Undefined if the text is not a problem body, such as the page of a proxy. */
function problemOf(text: string): Problem | undefined {
  try {
    const problem: unknown = JSON.parse(text)
    if (typeof problem === 'object' && problem !== null && 'code' in problem && 'detail' in problem) {
      return problem as Problem
    }
  } catch {
    // The status is enough.
  }
  return undefined
}

/** `randomUUID` is not available on plain http, except on localhost. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
