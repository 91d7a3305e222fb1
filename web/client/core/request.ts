/** Requests to the API, tried again where that cannot do anything twice. */
import { API_PREFIX, HEADER } from '../../../shared/src/protocol.ts'
import { delayMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import { BoardcastError, type Problem } from './errors.ts'
import type { HubCore, Reply, RequestOptions } from './hub-core.ts'
import type { Auth, Credentials } from './options.ts'
import { bodyOf, fetchAsAsked } from './reply.ts'
import { headersOf, queryOf, retryAfterMs } from './transport.ts'

const RETRIES = 5
const RETRY_BACKOFF = { firstMs: 500, maxMs: 12_000 }
/** A connection that is dead and does not know it. */
const TIMEOUT_MS = 30_000

export interface RequesterOptions {
  readonly baseUrl: string
  readonly fetch: typeof globalThis.fetch
  readonly auth: Auth | undefined
  readonly clock: Clock
}

type Outcome<T> =
  | { readonly reply: Reply<T> }
  | { readonly error: BoardcastError; readonly mayRetry: boolean; inMs?: number | undefined }

/** Where the server was when it refused to give what was asked for. */
const positions = new WeakMap<object, string>()

/** The position that a refused read is exact at; null: there is none. */
export function refusedAt(error: unknown): string | null {
  return typeof error === 'object' && error !== null ? (positions.get(error) ?? null) : null
}

/** `closing` ends what is under way, whatever the `signal` of the request. */
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
    const both = new AbortController()
    const undos = [follow(both, options.signal), closing ? followClosing(both, closing) : () => {}]
    try {
      return await carryOut<T>(method, path, body, { ...options, signal: both.signal })
    } finally {
      for (const undo of undos) undo()
    }
  }

  async function carryOut<T>(
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

    let mayBeDone = false
    for (let failures = 1; ; failures++) {
      signal.throwIfAborted()
      const outcome = await once<T>(method, path, { headers, body: text, signal })
      if ('reply' in outcome) return outcome.reply
      const { error, mayRetry, inMs = 0 } = outcome
      // Deleted by a try whose answer was lost.
      if (method === 'DELETE' && error.status === 404 && mayBeDone)
        return { status: 204, body: undefined as T, eventId: null }
      // The conflict may be with what the lost try did.
      if (method === 'PATCH' && error.status === 409 && mayBeDone) throw unknownOutcome(error, `${method} ${path}`)
      if (!mayRetry || failures > retries) throw error
      // A proxy that says 502 or 504 does not know what became of it either.
      mayBeDone ||= error.code === 'unreachable' || error.status === 502 || error.status === 504
      await pause(Math.max(inMs, delayMs(RETRY_BACKOFF, failures)), signal)
    }
  }

  async function once<T>(
    method: string,
    path: string,
    { headers, body, signal }: { headers: Record<string, string>; body: string | null; signal: AbortSignal },
  ): Promise<Outcome<T>> {
    const controller = new AbortController()
    const undo = follow(controller, signal)
    const timer = clock.setTimeout(() => controller.abort(), TIMEOUT_MS)
    let credentials: Credentials
    try {
      credentials = await Promise.race([auth?.(), aborted(controller.signal)])
    } catch (cause) {
      clock.clearTimeout(timer)
      undo()
      signal.throwIfAborted()
      const error = new BoardcastError('unreachable', `${method} ${path}: no credentials, auth failed: ${cause}`, {
        cause,
      })
      return { error, mayRetry: false }
    }
    try {
      const asked = {
        method,
        url: withQuery(`${baseUrl}${API_PREFIX}${path}`, credentials),
        init: { body, headers: { ...headers, ...headersOf(credentials) }, signal: controller.signal },
      }
      const response = await fetchAsAsked(fetch, asked)
      const text = await response.text()
      const { status } = response
      if (response.ok) {
        const made = bodyOf(text, response, asked) as T
        return {
          reply: {
            status,
            body: made,
            eventId: response.headers.get(HEADER.eventId) ?? response.headers.get(HEADER.cursor),
          },
        }
      }
      const problem = problemOf(text)
      const error = new BoardcastError('refused', problem?.detail ?? `${method} ${path}: ${status}`, {
        status,
        ...(problem && { problem }),
      })
      const readAt = response.headers.get(HEADER.cursor)
      if (readAt !== null) positions.set(error, readAt)
      const mayRetry = status === 429 || status === 503 || status === 502 || status === 504
      return { error, mayRetry, inMs: retryAfterMs(response.headers, clock.now()) }
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof BoardcastError) return { error: cause, mayRetry: false }
      return { error: new BoardcastError('unreachable', `${method} ${path}: no answer`, { cause }), mayRetry: true }
    } finally {
      clock.clearTimeout(timer)
      undo()
    }
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

/** Aborts with the signal, and for its reason. Returns the undo. */
function follow(controller: AbortController, signal: AbortSignal | undefined): () => void {
  const abort = () => controller.abort(signal?.reason)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  return () => signal?.removeEventListener('abort', abort)
}

const underWay = new WeakMap<AbortSignal, Set<AbortController>>()

/** As `follow`, with one listener for all requests of a hub: Node warns of more than ten. */
function followClosing(controller: AbortController, closing: AbortSignal): () => void {
  if (closing.aborted) controller.abort(closing.reason)
  const controllers = underWay.get(closing) ?? new Set()
  if (!underWay.has(closing)) {
    underWay.set(closing, controllers)
    const abortAll = () => {
      for (const each of controllers) each.abort(closing.reason)
    }
    closing.addEventListener('abort', abortAll, { once: true })
  }
  controllers.add(controller)
  return () => controllers.delete(controller)
}

/** Never resolves. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function unknownOutcome(refusal: BoardcastError, what: string): BoardcastError {
  return new BoardcastError(
    'unreachable',
    `${what}: the answer was lost, and it may have been carried out: then it was refused with "${refusal.message}". Read it again.`,
    { cause: refusal },
  )
}

function withQuery(url: string, credentials: Credentials): string {
  const query = new URLSearchParams(queryOf(credentials, false)).toString()
  return query === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${query}`
}

/** Undefined for what is not a problem body: some proxy's page. */
function problemOf(text: string): Problem | undefined {
  try {
    const problem: unknown = JSON.parse(text)
    if (typeof problem === 'object' && problem !== null && 'code' in problem && 'detail' in problem)
      return problem as Problem
  } catch {
    // Its status says enough.
  }
  return undefined
}

/** `randomUUID` is missing on plain http beyond this machine. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
