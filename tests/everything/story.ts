/**
 * Makes everything happen that the catalogue knows, on the server in `BOARDCAST_URL`: a program for `boardcast expect`.
 * Scenarios are in tests/support/scenarios; a type of the catalogue without one does not compile.
 */
import { scenarios } from '../support/scenarios/all.ts'
import type { Answer, TestServer } from '../support/server.ts'

const url = process.env.BOARDCAST_URL ?? 'http://127.0.0.1:3000'

async function call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  })
  const { status, headers } = response
  const text = await response.text()
  return { status, headers, eventId: headers.get('Event-Id') ?? '', body: (text && JSON.parse(text)) as T }
}

async function ok<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
  const answer = await call<T>(method, path, body)
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer
}

/** What scenarios need of a server in the same process. */
const server: Pick<TestServer, 'url' | 'call' | 'post' | 'get'> = {
  url,
  call,
  async post<T>(path: string, body: unknown) {
    const { body: answer, eventId } = await ok<T>('POST', path, body)
    return { ...answer, eventId }
  },
  get: async <T>(path: string) => (await ok<T>('GET', path)).body,
}

for (const scenario of Object.values(scenarios)) {
  const scene = await scenario(server as TestServer)
  await scene.act()
}
// Sockets of agents are still open.
process.exit(0)
