/** Requests to a server, as a test writes them. */
import { parseCursor } from '../../shared/src/cursor.ts'
import { type Api, apiOf, baseUrlOf, type Method } from '../cli/api/api.ts'
import { Refused, reasonIn } from '../cli/api/api-errors.ts'
import { fixed } from '../cli/api/token.ts'
import { includes } from '../cli/stream/envelope.ts'

/** What a server answers: an entity, or an object with other fields. */
export type Answer = { readonly id: string } & Readonly<Record<string, unknown>>

export interface CallOptions {
  /** Requests with the same key are done once. Default: one for each call, which its retries share. */
  readonly idempotencyKey?: string
}

/**
 * The API of a server. Paths are written without `/api/v1`. Each call resolves to the JSON of the answer, and rejects with
 * an `ApiError` if the server refuses it. While the server is busy or restarts, it is sent again with the same key.
 */
export interface TestApi {
  get<T = Answer>(path: string): Promise<T>
  post<T = Answer>(path: string, body?: object, options?: CallOptions): Promise<T>
  patch<T = Answer>(path: string, body?: object, options?: CallOptions): Promise<T>
  put<T = Answer>(path: string, body?: object, options?: CallOptions): Promise<T>
  delete<T = Answer>(path: string, options?: CallOptions): Promise<T>
}

/** The server has refused a request. `message` has its sentence, with every faulty field. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  /** Such as `card_not_found`; undefined if something in front of the server answered. */
  readonly code: string | undefined
  /** The problem that the server answered with. */
  readonly body: unknown

  constructor(method: string, path: string, { status, code, body, message }: Refused) {
    const reason = reasonIn(body)
    super(
      code === undefined
        ? message
        : `${method} ${path} was refused: ${status} ${code}${reason === '' ? '' : `: ${reason}`}`,
    )
    this.status = status
    this.code = code
    this.body = body
  }
}

/** The newest event that calls of this process have caused, for each log: a server may have several addresses. */
const newestIds = new Map<string, string>()

/** In the log that an id is of; undefined if no call has changed anything there. */
export function newestIdIn(cursor: string): string | undefined {
  return newestIds.get(parseCursor(cursor)?.epoch ?? '')
}

function noteNewest(id: string): void {
  const known = newestIdIn(id)
  // Answers may come in another order than the changes were made.
  if (!includes(known, id)) newestIds.set(parseCursor(id)?.epoch ?? '', id)
}

/** The API of a server that is known to be there. */
export function connectedApi(url: string, token: string | undefined): Api {
  const api = apiOf(baseUrlOf(url), { token: fixed(token) })
  api.reached()
  return api
}

export function testApi(url: string, token: string | undefined): TestApi {
  const api = connectedApi(url, token)

  async function call<T>(
    method: Method,
    path: string,
    body?: object,
    { idempotencyKey }: CallOptions = {},
  ): Promise<T> {
    try {
      const reply = await api.send(method, withoutPrefix(path), { ...(body && { body }), idempotencyKey })
      if (reply.eventId !== undefined) noteNewest(reply.eventId)
      return reply.body as T
    } catch (error) {
      if (error instanceof Refused) throw new ApiError(method, path, error)
      throw error
    }
  }

  return {
    get: (path) => call('GET', path),
    post: (path, body, options) => call('POST', path, body, options),
    patch: (path, body, options) => call('PATCH', path, body, options),
    put: (path, body, options) => call('PUT', path, body, options),
    delete: (path, options) => call('DELETE', path, undefined, options),
  }
}

function withoutPrefix(path: string): string {
  return path.replace(/^(?:\/api\/v1)?\/?/, '/')
}
