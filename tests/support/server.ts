/** A real server in this process, on a free port, with a real database that is removed with it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, startServer } from '../../src/main.ts'
import { dropDatabaseAt, storeAt } from './stores.ts'

export interface Answer<T> {
  readonly status: number
  readonly headers: Headers
  readonly eventId: string
  readonly body: T
}

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly dbPath: string
  /** Calls a route under /api/v1 and parses the answer. */
  call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>
  /** As `call` with POST, and throws unless the answer is 2xx. */
  post<T = Record<string, never>>(path: string, body: unknown): Promise<T & { eventId: string }>
  get<T = Record<string, unknown>>(path: string): Promise<T>
  /** Stops the server and starts another on the same port and file. */
  restart(changes?: Partial<Config>): Promise<void>
  /** Drains the streams and stops the server. */
  close(): Promise<void>
}

export async function startTestServer(overrides: Partial<Config> = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-'))
  const ownPath = join(folder, 'boardcast.db')
  const config = {
    port: 0,
    ...(await storeAt(overrides.dbPath ?? ownPath)),
    logLevel: 'error',
    drainMs: 50,
    // Tests of other things change more in a second than a client usually does.
    rateMutations: Infinity,
    rateBadTokens: Infinity,
    ...overrides,
  } as const
  let server = await startServer(config)
  const { url, port } = server

  async function call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      eventId: response.headers.get('Event-Id') ?? '',
      body: (text === '' ? undefined : JSON.parse(text)) as T,
    }
  }

  async function expectOk<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const answer = await call<T>(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }

  return {
    url,
    port,
    dbPath: config.dbPath,
    call,
    async post<T>(path: string, body: unknown) {
      const answer = await expectOk<T>('POST', path, body)
      return { ...answer.body, eventId: answer.eventId }
    },
    async get<T>(path: string) {
      return (await expectOk<T>('GET', path)).body
    },
    async restart(changes) {
      await server.close()
      server = await startServer({ ...config, ...changes, port })
    },
    close: () => server.close(),
    async [Symbol.asyncDispose]() {
      await server.abort()
      await dropDatabaseAt(ownPath)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
