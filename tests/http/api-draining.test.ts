/** A server that shuts down while requests are in progress. Rules OPS7 and T24. */
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { makeBoard } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

/** Far longer than a test may take, so that waiting for it fails the test. */
const LONG_MS = 600_000
const BODY = '{"name":"Too late"}'
const POST = [
  'POST /api/v1/boards HTTP/1.1',
  'Host: localhost',
  'Content-Type: application/json',
  `Content-Length: ${BODY.length}`,
]

/** A connection on which a request was answered, and which is kept open. */
async function keptSocket(server: TestServer): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('data', () => resolve())
    socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n')
  })
  return socket
}

/** A request whose head has begun, so that its connection is not idle. */
class Begun {
  readonly answer: Promise<string>
  readonly #socket: Socket
  readonly #rest: string

  private constructor(socket: Socket, rest: string) {
    this.#socket = socket
    this.#rest = rest
    this.answer = new Promise((resolve, reject) => {
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('error', reject)
      // The server closes the connection itself: a client that keeps it does not delay the shutdown.
      socket.on('end', () => resolve(text))
    })
  }

  /** Sends a whole request on the connection, and once it is answered the first line of `lines`. */
  static async on(server: TestServer, lines: readonly string[], body = ''): Promise<Begun> {
    const socket = await keptSocket(server)
    const [first, ...rest] = lines
    socket.write(`${first}\r\n`)
    // Served later on the same event loop: when it is answered, the line has been read.
    await fetch(`${server.url}/health/live`, { headers: { Connection: 'close' } })
    return new Begun(socket, `${rest.join('\r\n')}\r\n\r\n${body}`)
  }

  finish(): Promise<string> {
    this.#socket.write(this.#rest)
    return this.answer
  }
}

/** Sends the lines, and resolves to what the server sends until it closes the connection. */
function askOn(socket: Socket, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', reject)
    socket.on('end', () => resolve(text))
    socket.write(lines.join('\r\n'))
  })
}

/** Begins to close, and resolves when a listener was told. */
async function drain(server: TestServer, listener: Listener): Promise<Promise<void>> {
  const closed = server.close()
  await listener.frame('draining')
  return closed.then(() => undefined)
}

describe('a server that shuts down', () => {
  it('[OPS7] [T3] answers a mutation on a kept connection with 503, and commits nothing', async () => {
    await using server = await startTestServer({ drainMs: LONG_MS })
    const { eventId } = await makeBoard(server, 'demo')
    await using listener = await listen(server.url, '/sse?boardId=demo')
    const begun = await Begun.on(server, POST, BODY)
    const closed = server.close()
    await listener.frame('draining')
    const answer = await begun.finish()
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    expect(answer).toMatch(/\r\nretry-after: [1-9]\d*\r\n/i)
    expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/i)
    expect(answer).toMatch(/\r\nconnection: close\r\n/i)
    expect(answer).toContain(`event-id: ${eventId}\r\n`)
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
    expect(problem).toMatchObject({ status: 503, code: 'draining', type: 'about:blank' })
    // Long before the limit of a drain, because no client is left.
    await closed
    await server.restart()
    const { boards } = await server.get<{ boards: Array<{ id: string }> }>('/boards')
    expect(boards.map(({ id }) => id)).toEqual(['demo'])
  })

  it('[OPS7] still answers reads, and is not ready', async () => {
    await using server = await startTestServer({ drainMs: LONG_MS })
    await makeBoard(server, 'demo')
    await using listener = await listen(server.url, '/sse?boardId=demo')
    const paths = ['/api/v1/boards/demo', '/health/live', '/health/ready', '/health']
    const begun: Begun[] = []
    for (const path of paths) begun.push(await Begun.on(server, [`GET ${path} HTTP/1.1`, 'Host: localhost']))
    const closed = drain(server, listener)
    await listener.frame('draining')
    const answers = await Promise.all(begun.map((one) => one.finish()))
    expect(answers.map((answer) => answer.slice(9, 12))).toEqual(['200', '200', '503', '200'])
    expect(answers[2]).toMatch(/"code":"draining"/)
    expect(answers[2]).toMatch(/\r\nretry-after: /i)
    await closed
  })

  it('[OPS7] first carries out what comes on kept connections, and the answer ends each of them', async () => {
    await using server = await startTestServer({ drainMs: LONG_MS })
    const [first, second, idle] = [await keptSocket(server), await keptSocket(server), await keptSocket(server)]
    const closed = server.close()
    const [made, ready, nothing] = await Promise.all([
      askOn(first, [...POST, '', BODY]),
      askOn(second, ['GET /health/ready HTTP/1.1', 'Host: localhost', '', '']),
      askOn(idle, []),
    ])
    expect(made).toMatch(/^HTTP\/1\.1 201 /)
    expect(made).toMatch(/\r\nconnection: close\r\n/i)
    expect(ready).toMatch(/^HTTP\/1\.1 503 /)
    expect(ready).toContain('"code":"draining"')
    expect(nothing).toBe('')
    await closed
    await server.restart()
    const { boards } = await server.get<{ boards: Array<{ name: string }> }>('/boards')
    expect(boards.map(({ name }) => name)).toEqual(['Too late'])
  })

  it('[OPS7] accepts no new connections', async () => {
    await using server = await startTestServer({ drainMs: LONG_MS })
    await using listener = await listen(server.url, '/sse')
    const holding = await Begun.on(server, ['GET /health/live HTTP/1.1', 'Host: localhost'])
    const closed = server.close()
    await listener.frame('draining')
    await expect(fetch(`${server.url}/health`)).rejects.toThrow()
    await holding.finish()
    await closed
  })

  it('[OPS7] finishes requests that came before', async () => {
    await using server = await startTestServer()
    const replies = Array.from({ length: 50 }, (_, i) => server.call('POST', '/boards', { id: `b${i}`, name: 'x' }))
    // When one is answered, all have arrived; the others are in progress or done.
    await replies[0]
    const settled = Promise.allSettled(replies)
    await server.close()
    const made = (await settled).flatMap((one, i) =>
      one.status === 'fulfilled' && one.value.status === 201 ? [`b${i}`] : [],
    )
    await server.restart()
    const { boards } = await server.get<{ boards: Array<{ id: string }> }>('/boards')
    // Answered ones are committed; the others may be.
    expect(boards.map(({ id }) => id)).toEqual(expect.arrayContaining(made))
    expect(made.length).toBeGreaterThan(0)
  })
})
