/** The head of a stream's response and how its bytes are sent. Rules S1 to S6, S14. */
import { connect, Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { eventually, makeBoard, makeWork, stats } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ node: 'node-1' })
  await makeBoard(server, 'demo')
})
afterAll(() => server[Symbol.asyncDispose]())

const REQUEST_ID = /^X-Request-Id: [\w.:-]{1,128}$/
const DATE = /^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/

/** The lines of a head; values that differ between responses are checked and removed. */
function headLines(head: string): string[] {
  return head.split('\r\n').map((line) => {
    if (REQUEST_ID.test(line)) return 'X-Request-Id: ID'
    return DATE.test(line) ? 'Date: NOW' : line
  })
}

const HEAD = [
  'HTTP/1.1 200 OK',
  'Boardcast-Node: node-1',
  'X-Request-Id: ID',
  'content-type: text/event-stream; charset=utf-8',
  'cache-control: no-cache, no-transform',
  'x-accel-buffering: no',
  'vary: Accept-Encoding, Origin',
  'x-content-type-options: nosniff',
  'cross-origin-resource-policy: same-origin',
]

const PATHS = ['/sse', '/sse?boardId=demo', '/sse?channels=agent:a', '/events/a', '/api/v1/sse?projectId=demo']

describe('the head of a stream', () => {
  it.each(PATHS)('[S2] [S3] of GET %s has these lines and no others', async (path) => {
    await using listener = await listen(server.url, path)
    expect(headLines(listener.head)).toEqual([...HEAD, 'Date: NOW', 'Transfer-Encoding: chunked'])
  })

  it('[S3] has no Connection, whatever the client asks for', async () => {
    for (const connection of ['close', 'keep-alive']) {
      await using listener = await listen(server.url, '/sse', { headers: { Connection: connection } })
      for (const name of ['Connection', 'Keep-Alive', 'Content-Length', 'ETag']) {
        expect(listener.header(name), name).toBeUndefined()
      }
    }
  })

  it('[S2] names the compression of the body', async () => {
    await using listener = await listen(server.url, '/sse', { headers: { 'Accept-Encoding': 'gzip' } })
    expect(headLines(listener.head)).toEqual([
      ...HEAD,
      'content-encoding: gzip',
      'Date: NOW',
      'Transfer-Encoding: chunked',
    ])
  })

  it('[S2] repeats the request id that the client gave', async () => {
    await using listener = await listen(server.url, '/sse', { headers: { 'X-Request-Id': 'job-7' } })
    expect(listener.header('X-Request-Id')).toBe('job-7')
  })

  it.each(PATHS)('[S4] of HEAD %s has no body', async (path) => {
    // On a kept connection: bytes after the head would be read as the next response.
    await using listener = new Listener(server.url, path, { method: 'HEAD', headers: { Connection: 'keep-alive' } })
    await listener.until('the head', () => listener.head)
    expect(headLines(listener.head)).toEqual([...HEAD, 'Date: NOW'])
    listener.socket.write(`HEAD ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    await listener.untilClosed()
    expect(listener.body).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(listener.body.slice(listener.body.indexOf('\r\n\r\n'))).toBe('\r\n\r\n')
  })

  it('[S4] of HEAD leaves no listener behind', async () => {
    await using listener = new Listener(server.url, '/sse?channels=agent:head', { method: 'HEAD' })
    await listener.until('the head', () => listener.head)
    const { channelStats } = await stats(server)
    expect(channelStats).not.toHaveProperty('agent:head')
  })
})

describe('the bytes', () => {
  it('[S5] for HTTP/1.0 are bare, up to the end of the connection', async () => {
    await using listener = await listen(server.url, '/sse?boardId=demo&limit=1', { httpVersion: '1.0' })
    expect(headLines(listener.head)).toEqual([...HEAD, 'Date: NOW'])
    await listener.frame('state')
    await server.call('PATCH', '/boards/demo', { name: 'For HTTP/1.0' })
    await listener.untilClosed()
    expect(listener.ended).toBe(true)
    expect(listener.body).toMatch(/^retry: \d+\nevent: hello\n/)
    expect(listener.body).toMatch(/\ndata: \{"boardId":"demo","changes":\{"name":"For HTTP\/1\.0"\}\}\nid: \S+\n\n$/)
  })

  it('[S5] for HTTP/1.0 are sent for a request without a host', async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.write('GET /sse?boardId=demo&timeout=0.1 HTTP/1.0\r\n\r\n')
    let answer = ''
    for await (const chunk of socket) answer += chunk
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer).toContain('\r\n\r\nretry: ')
  })

  it('[S6] of head and opening come in one write, hello first', async () => {
    const { boardId } = await makeWork(server)
    for (const httpVersion of ['1.0', '1.1'] as const) {
      await using listener = await listen(server.url, `/sse?boardId=${boardId}`, { httpVersion })
      await listener.frame('attempt_status')
      const order = ['HTTP/1.1 200', '\r\n\r\n', 'retry: ', 'event: hello', 'event: state', '"replayed":true']
      const found = order.map((text) => listener.firstRead.indexOf(text))
      expect(found).not.toContain(-1)
      expect(found).toEqual([...found].sort((a, b) => a - b))
      expect(listener.body).toMatch(/^retry: \d+\nevent: hello\n/)
    }
  })

  it.each(['', 'gzip'])(
    '[S6] of head and opening are passed to the kernel at once (encoding: %j)',
    async (encoding) => {
      type Pieces = ReadonlyArray<{ readonly chunk: Buffer | string }>
      const writes: string[] = []
      const socket = Socket.prototype as unknown as {
        _writev(pieces: Pieces): void
        _write(piece: Buffer | string): void
      }
      const together = vi.spyOn(socket, '_writev')
      const alone = vi.spyOn(socket, '_write')
      try {
        await using listener = await listen(server.url, '/sse?boardId=demo', {
          headers: { 'Accept-Encoding': encoding },
        })
        await listener.frame('state')
        // Neither those of the client, nor those to a database.
        const isOurs = (writer: unknown) => writer instanceof Socket && writer.localPort === server.port
        for (const [index, [pieces]] of together.mock.calls.entries())
          if (isOurs(together.mock.contexts[index]))
            writes.push(
              pieces.map(({ chunk }) => (typeof chunk === 'string' ? chunk : chunk.toString('latin1'))).join(''),
            )
        for (const [index, [piece]] of alone.mock.calls.entries())
          if (isOurs(alone.mock.contexts[index]))
            writes.push(typeof piece === 'string' ? piece : piece.toString('latin1'))
        expect(writes.map((text) => text.length)).toEqual([listener.bytes])
      } finally {
        together.mockRestore()
        alone.mockRestore()
      }
    },
  )

  it('[S6] are sent at once on a stream where nothing happens', async () => {
    await using listener = await listen(server.url, '/sse?channels=topic:silence')
    expect(listener.frames.map(({ event }) => event)).toEqual(['hello'])
  })

  it('[S1] are the same at /sse and /api/v1/sse', async () => {
    await using one = await listen(server.url, '/sse?boardId=demo')
    await using other = await listen(server.url, '/api/v1/sse?boardId=demo')
    const [first, second] = [await one.frame('state'), await other.frame('state')]
    expect(second).toEqual(first)
  })

  it('[S6] are no longer rendered for a listener that has gone away', async () => {
    const listener = await listen(server.url, '/sse?channels=agent:gone')
    expect((await stats(server)).channelStats).toMatchObject({ 'agent:gone': 1 })
    listener.close()
    await listener.untilClosed()
    await eventually('the end of the listener', async () => !('agent:gone' in (await stats(server)).channelStats))
  })
})

describe('pages of other origins', () => {
  const allowed = 'https://app.example'
  it('[S14] may read streams when they are listed, and not otherwise', async () => {
    await using open = await startTestServer({ corsOrigins: [allowed] })
    for (const path of ['/sse', '/events/a', '/sse?channels=agent:a']) {
      await using listed = await listen(open.url, path, { headers: { Origin: allowed } })
      expect(listed.header('Access-Control-Allow-Origin')).toBe(allowed)
      expect(listed.header('Access-Control-Expose-Headers')).toBe(
        'Event-Id,X-Request-Id,Retry-After,Idempotency-Replayed',
      )
      expect(listed.header('Vary')).toBe('Accept-Encoding, Origin')
      await using other = await listen(open.url, path, { headers: { Origin: 'https://evil.example' } })
      expect(other.header('Access-Control-Allow-Origin')).toBeUndefined()
      expect(other.header('Vary')).toBe('Accept-Encoding, Origin')
    }
    await using refused = new Listener(open.url, '/sse?boardId=none', { headers: { Origin: allowed } })
    await refused.until('the head', () => refused.head)
    expect(refused.status).toBe(404)
    expect(refused.header('Access-Control-Allow-Origin')).toBe(allowed)
  })

  it('[S14] get no CORS headers when none is listed', async () => {
    await using listener = await listen(server.url, '/sse', { headers: { Origin: allowed } })
    expect(listener.head).not.toMatch(/access-control/i)
  })
})
