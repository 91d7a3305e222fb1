/** API calls without retries: a request whose connection ends without an answer is rejected. */
import { Agent, request } from 'node:http'
import type { Random } from './random.ts'

export interface Reply {
  readonly status: number
  readonly eventId: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
  readonly body: any
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'

export interface ApiClient extends Disposable {
  /** Calls a route under /api/v1. Rejects when there is no complete answer. */
  call(method: Method, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>
  /** As `call` with GET, and throws unless the answer is 200. */
  get(path: string): Promise<Reply['body']>
}

export function createApiClient(url: string): ApiClient {
  const { hostname, port } = new URL(url)
  const agent = new Agent({ keepAlive: true })

  function call(method: Method, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const outgoing = request(
        {
          agent,
          hostname,
          port,
          method,
          path: path.startsWith('/stats') ? path : `/api/v1${path}`,
          headers: {
            ...(text !== undefined && {
              'Content-Type': 'application/json',
              'Content-Length': Buffer.byteLength(text),
            }),
            ...headers,
          },
        },
        (incoming) => {
          const chunks: Buffer[] = []
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
          incoming.on('error', reject)
          incoming.on('end', () => {
            const answer = Buffer.concat(chunks).toString()
            resolve({
              status: incoming.statusCode ?? 0,
              eventId: String(incoming.headers['event-id'] ?? ''),
              body: answer === '' ? undefined : JSON.parse(answer),
            })
          })
        },
      )
      outgoing.on('error', reject)
      outgoing.end(text)
    })
  }

  return {
    call,
    async get(path) {
      const reply = await call('GET', path)
      if (reply.status !== 200) throw new Error(`GET ${path}: ${reply.status} ${JSON.stringify(reply.body)}`)
      return reply.body
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}

/** Sends every call to any of the servers, as a proxy in front of several nodes may do. */
export function spreadOver(clients: readonly ApiClient[], random: Random): ApiClient {
  const any = () => {
    const client = random.pick(clients)
    if (!client) throw new Error('there is no server')
    return client
  }
  return {
    call: (...request) => any().call(...request),
    get: (path) => any().get(path),
    [Symbol.dispose]() {
      for (const client of clients) client[Symbol.dispose]()
    },
  }
}
