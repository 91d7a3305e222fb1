/** Requests with any method, headers and bytes, and checks of what every answer and every error must contain. */
import { expect } from 'vitest'
import * as z from 'zod'
import type { ErrorCode } from '../../shared/src/errors.ts'
import type { TestServer } from './server.ts'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
  readonly body: any
}

export interface Asking {
  /** Sent as it is. */
  readonly raw?: string | Uint8Array<ArrayBuffer> | ReadableStream
  /** Sent as JSON. */
  readonly json?: unknown
  readonly headers?: Record<string, string>
}

/** Requests a path under /api/v1, or any other path when it begins with `//`. */
export async function ask(server: TestServer, method: string, path: string, asking: Asking = {}): Promise<Reply> {
  const body = asking.raw ?? (asking.json === undefined ? undefined : JSON.stringify(asking.json))
  const response = await fetch(server.url + (path.startsWith('//') ? path.slice(1) : `/api/v1${path}`), {
    method,
    headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...asking.headers },
    ...(body !== undefined && { body, duplex: 'half' }),
  } as RequestInit)
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('Content-Type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : undefined,
  }
}

const problem = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string().min(1),
  status: z.int(),
  detail: z.string().min(1),
  code: z.string().regex(/^[a-z_]+$/),
  error: z.string(),
  errors: z
    .array(z.strictObject({ path: z.string(), message: z.string().min(1) }))
    .min(1)
    .optional(),
})

/** Expects a complete error; of a 422 also that these are the paths of its faults. */
export function expectProblem(reply: Reply, status: number, code: ErrorCode, ...paths: readonly string[]): void {
  expect([reply.status, reply.body?.code], reply.text.slice(0, 500)).toEqual([status, code])
  expect(reply.headers.get('Content-Type')).toBe('application/problem+json')
  expect(reply.headers.get('X-Request-Id')).toMatch(/^[\w.:-]+$/)
  const body = problem.parse(reply.body)
  expect(body.status).toBe(status)
  expect(body.error).toBe(body.title)
  expect(body.errors !== undefined, 'errors are for 422 only, and always there').toBe(status === 422)
  expect(body.detail, 'a sentence, without internals').not.toMatch(/\bat .*\(|node_modules|SQLITE|undefined|\[object/)
  if (paths.length > 0) expect(body.errors?.map(({ path }) => path)).toEqual(paths)
}

/** The newest id of the log. */
export async function newestId(server: TestServer): Promise<string> {
  const { log } = (await (await fetch(`${server.url}/stats`)).json()) as { log: { newest: string } }
  return log.newest
}

/** Expects that `work` commits nothing, and returns its result. */
export async function withoutEvents<T>(server: TestServer, work: () => Promise<T>): Promise<T> {
  const before = await newestId(server)
  const value = await work()
  expect(await newestId(server), 'nothing was committed').toBe(before)
  return value
}
