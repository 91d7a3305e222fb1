/** Requests to the API, retried where a repetition cannot do anything twice. */
import { HEADER } from '../../../shared/src/protocol.ts'
import { follow, pause } from '../base/abort.ts'
import { delayMs } from '../base/backoff.ts'
import { BoardcastError } from '../base/errors.ts'
import type { HubCore, Reply, RequestOptions } from '../base/types.ts'
import { type Prepared, type RequesterOptions, send } from './send.ts'

const RETRIES = 5
const RETRY_BACKOFF = { firstMs: 500, maxMs: 12_000 }

/** `closing` aborts the request when the hub closes, whatever the request's own `signal`. */
export type Requester = <T>(
  ...request: [...Parameters<HubCore['request']>, closing?: AbortSignal | undefined]
) => Promise<Reply<T>>

export function createRequester(options: RequesterOptions): Requester {
  return async <T>(
    method: string,
    path: string,
    body?: unknown,
    { idempotencyKey, signal, retries = RETRIES }: RequestOptions = {},
    closing?: AbortSignal,
  ): Promise<Reply<T>> => {
    const controller = new AbortController()
    const unfollow = follow(controller, signal)
    const unfollowClosing = closing ? followClosing(controller, closing) : undefined
    try {
      const prepared = prepare(method, path, body, idempotencyKey)
      return await withRetries<T>(options, { ...prepared, signal: controller.signal }, retries)
    } finally {
      unfollow()
      unfollowClosing?.()
    }
  }
}

function prepare(
  method: string,
  path: string,
  body: unknown,
  idempotencyKey: string | undefined,
): Omit<Prepared, 'signal'> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (method === 'POST') headers[HEADER.idempotencyKey] = idempotencyKey ?? randomKey()
  return { method, path, headers, body: body === undefined ? null : JSON.stringify(body) }
}

async function withRetries<T>(options: RequesterOptions, request: Prepared, retries: number): Promise<Reply<T>> {
  const { method, path, signal } = request
  /** An earlier attempt may have been carried out: its answer was lost. */
  let mayBeDone = false
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted()
    const outcome = await send<T>(options, request)
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
    await pause(options.clock, Math.max(inMs, delayMs(RETRY_BACKOFF, failures)), signal)
  }
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

function unknownOutcome(refusal: BoardcastError, what: string): BoardcastError {
  return new BoardcastError(
    'unreachable',
    `${what}: an answer was lost, so the change may have been made. The retry was refused with "${refusal.message}". Read it again.`,
    { cause: refusal },
  )
}

/** `randomUUID` is not available on plain http, except on localhost. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
