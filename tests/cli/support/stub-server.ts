import { createServer, type IncomingHttpHeaders } from 'node:http'

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
  /** Sent as JSON; `text` is sent verbatim. */
  readonly body?: unknown
  readonly text?: string
  /** Cuts the connection instead of answering: the request arrived, its answer did not. */
  readonly cut?: boolean
}

/** A server that answers from a list, repeats the last entry, and records the requests. */
export async function startStub(answers: readonly Answer[]) {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? { status: 500 }
      const { method = '', url = '', headers } = request
      asked.push({ method, path: url, headers, body: Buffer.concat(parts).toString() })
      if (answer.cut) {
        request.socket.destroy()
        return
      }
      response.writeHead(answer.status, { 'Content-Type': 'application/json', ...answer.headers })
      response.end(answer.text ?? JSON.stringify(answer.body ?? {}))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
