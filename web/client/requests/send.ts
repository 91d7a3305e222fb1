/** One attempt at a request: credentials, a time limit, and what the answer means for another attempt. */
import { API_PREFIX, HEADER } from '../../../shared/src/protocol.ts'
import { follow, whenAborted } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import { BoardcastError, type Problem } from '../base/errors.ts'
import type { Auth, Credentials } from '../base/options.ts'
import type { Reply } from '../base/types.ts'
import { areSame, askAgain, askFor } from '../connection/credentials.ts'
import { headersOf, queryOf, retryAfterMs } from '../connection/transport.ts'
import { bodyOf, fetchUnchanged } from './reply.ts'

/** Ends a request on a connection that is dead without knowing it. */
const TIMEOUT_MS = 30_000
const TEMPORARY: ReadonlySet<number> = new Set([429, 502, 503, 504])

export interface RequesterOptions {
  readonly baseUrl: string
  readonly fetch: typeof globalThis.fetch
  readonly auth: Auth | undefined
  readonly clock: Clock
}

export interface Prepared {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | null
  readonly signal: AbortSignal
}

export type Outcome<T> =
  | { readonly reply: Reply<T> }
  | { readonly error: BoardcastError; readonly mayRetry: boolean; readonly inMs?: number | undefined }

/** The `Cursor` headers of refusals, by their errors. */
const refusedAt = new WeakMap<object, string>()

/** The cursor at which a refused read is exact; null if the refusal has none. */
export function cursorOfRefusal(error: unknown): string | null {
  return typeof error === 'object' && error !== null ? (refusedAt.get(error) ?? null) : null
}

/** After a 401, `auth` is asked once more: its credentials may have expired on the way. */
export async function send<T>(options: RequesterOptions, prepared: Prepared): Promise<Outcome<T>> {
  const { auth, clock } = options
  const { method, path, signal } = prepared
  const what = `${method} ${path}`
  const controller = new AbortController()
  const unfollow = follow(controller, signal)
  const timer = clock.setTimeout(() => controller.abort(), TIMEOUT_MS)
  try {
    const within = { ...prepared, signal: controller.signal }
    const credentials = await credentialsWithin(controller.signal, auth, what)
    const outcome = await sendWith<T>(options, within, credentials)
    if (!('error' in outcome) || outcome.error.status !== 401 || !auth) return outcome
    const others = await Promise.race([askAgain(auth, credentials, clock), whenAborted(controller.signal)])
    return areSame(others, credentials) ? outcome : await sendWith<T>(options, within, others)
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof BoardcastError) return { error: cause, mayRetry: false }
    return { error: new BoardcastError('unreachable', `${what}: no answer`, { cause }), mayRetry: true }
  } finally {
    clock.clearTimeout(timer)
    unfollow()
  }
}

async function sendWith<T>(
  { baseUrl, fetch, clock }: RequesterOptions,
  { method, path, headers, body, signal }: Prepared,
  credentials: Credentials,
): Promise<Outcome<T>> {
  const asked = {
    method,
    url: withQuery(`${baseUrl}${API_PREFIX}${path}`, credentials),
    init: { body, headers: { ...headers, ...headersOf(credentials) }, signal },
  }
  const response = await fetchUnchanged(fetch, asked)
  const text = await response.text()
  if (!response.ok) return refusal(response, text, `${method} ${path}`, clock)
  const made = bodyOf(text, response, asked) as T
  const eventId = response.headers.get(HEADER.eventId) ?? response.headers.get(HEADER.cursor)
  return { reply: { status: response.status, body: made, eventId } }
}

async function credentialsWithin(signal: AbortSignal, auth: Auth | undefined, what: string): Promise<Credentials> {
  try {
    return await Promise.race([askFor(auth), whenAborted(signal)])
  } catch (cause) {
    throw new BoardcastError('unreachable', `${what}: no credentials, auth failed: ${cause}`, { cause })
  }
}

function refusal(response: Response, text: string, what: string, clock: Clock): Outcome<never> {
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

function withQuery(url: string, credentials: Credentials): string {
  const query = new URLSearchParams(queryOf(credentials)).toString()
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
