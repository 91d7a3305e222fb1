/** Clients that send or read slowly, or not at all. Rules HA20 to HA24 of docs/security.md. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { stats } from '../support/board.ts'
import { RawSocket } from '../support/raw-socket.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

const SHORT_MS = 1_000

class Client {
  readonly socket: Socket
  received = ''
  isClosed = false

  constructor({ port }: { readonly port: number }, localAddress = '127.0.0.1') {
    this.socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true })
    this.socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1')
    })
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.isClosed = true
    })
    onTestFinished(() => {
      this.socket.destroy()
    })
  }

  get isEnded(): boolean {
    return this.isClosed || this.socket.readableEnded
  }

  /** Sends a piece now and then until the server ends the connection. */
  async drip(piece: string): Promise<void> {
    while (!this.isEnded) {
      this.socket.write(piece)
      await pause(50)
    }
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 30_000; performance.now() < end; await pause(20)) {
    if (await condition()) return
  }
  throw new Error(`waited for ${what}`)
}

const HEAD = `POST /api/v1/topics/t/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`

describe('a request', () => {
  it.each([
    ['headers', `${HEAD}X-Slow: `, 'x'],
    ['a second request on the connection', 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health', 'x'],
    ['a body', `${HEAD}Content-Length: 100000\r\n\r\n{"event":"said","data":"`, 'x'],
    ['a body in chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, '1\r\n \r\n'],
  ])('[HA20] that comes too slowly is 408: %s', async (_, beginning, piece) => {
    await using server = await startTestServer({ requestTimeoutMs: SHORT_MS })
    const client = new Client(server)
    client.socket.write(beginning)
    await client.drip(piece)
    expect(client.received).toMatch(/HTTP\/1\.1 408 Request Timeout\r\n(?:.+\r\n)+\r\n\{.*"code":"request_timeout"/)
    expect((await server.call('GET', '/events?channels=topic:t')).body.events).toEqual([])
  })

  it('[HA20] that never comes ends the connection, without an answer', async () => {
    await using server = await startTestServer({ requestTimeoutMs: SHORT_MS })
    const client = new Client(server)
    await until('the end', () => client.isEnded)
    expect(client.received).toBe('')
  })

  it('[HA20] that is slow and in time is served', async () => {
    await using server = await startTestServer({ requestTimeoutMs: 60_000 })
    const client = new Client(server)
    const body = JSON.stringify({ event: 'said', data: 'x'.repeat(200) })
    client.socket.write(`${HEAD}Content-Length: ${body.length}\r\n\r\n`)
    for (let at = 0; at < body.length; at += 20) {
      client.socket.write(body.slice(at, at + 20))
      await pause(20)
    }
    await until('the answer', () => client.received.includes('HTTP/1.1 202'))
  })

  it('[HA20] of a stream or socket is short: they stay', async () => {
    await using server = await startTestServer({ requestTimeoutMs: SHORT_MS })
    await using stream = await listen(server.url, '/sse?channels=topic:t')
    await using socket = await RawSocket.open(server.url, '/ws?channels=topic:t')
    const late = new Client(server)
    await until('the end of one that came later', () => late.isEnded)
    const { eventId } = await server.call('POST', '/topics/t/events', { event: 'said' })
    await stream.id(eventId)
    await socket.until('the event', () => socket.texts.find((text) => text.includes(eventId)))
  })

  it('[HA24] that cannot be read ends the connection even if the client keeps its side', async () => {
    await using server = await startTestServer()
    const unused = new Client(server)
    const client = new Client(server)
    client.socket.write('nonsense\r\n\r\n')
    await until('the answer', () => client.received.includes('HTTP/1.1 400'))
    const answeredAt = performance.now()
    await until('the end', () => !isHeld(server, client))
    // Within 2 s, and some more on a busy machine.
    expect(performance.now() - answeredAt).toBeLessThan(8_000)
    // Long before the time for the headers is up.
    expect(isHeld(server, unused)).toBe(true)
  })
})

describe('half-open connections', () => {
  it('[HA21] from one address are limited where others reach the server; the oldest end', async () => {
    await using server = await startTestServer({ host: '0.0.0.0', isAuthOff: true })
    const others = Array.from({ length: 5 }, () => new Client(server, '127.0.0.3'))
    const many = Array.from({ length: 300 }, () => new Client(server, '127.0.0.2'))
    for (const client of many) client.socket.write('GET /health HTTP/1.1\r\nX-Slow: ')
    await until('the end of the oldest', () => many.filter(({ isEnded }) => isEnded).length >= 200)
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
    expect(many.findLastIndex(({ isEnded }) => isEnded)).toBeLessThan(210)
    expect(others.some(({ isEnded }) => isEnded)).toBe(false)
    // One that was kept is served.
    const last = many.at(-1)
    last?.socket.write('x\r\nHost: localhost\r\n\r\n')
    await until('the answer', () => last?.received.includes('"healthy"') ?? false)
  })

  it('[HA21] of trusted proxies are not counted by address, nor are those on loopback', async () => {
    await using open = await startTestServer({ host: '0.0.0.0', isAuthOff: true, trustedProxies: ['127.0.0.2'] })
    await using local = await startTestServer()
    const proxied = Array.from({ length: 150 }, () => new Client(open, '127.0.0.2'))
    const strangers = Array.from({ length: 150 }, () => new Client(open, '127.0.0.3'))
    const near = Array.from({ length: 150 }, () => new Client(local))
    await until('the end of the strangers', () => strangers.filter(({ isEnded }) => isEnded).length >= 50)
    expect([...proxied, ...near].some(({ isEnded }) => isEnded)).toBe(false)
  })
})

describe('bodies that are never complete', () => {
  it('[HA22] have a limit together: the oldest is refused, and others are served', async () => {
    await using server = await startTestServer()
    const filler = 'x'.repeat(1_000_000)
    const clients: Client[] = []
    for (let n = 0; n < 80; n++) {
      const client = new Client(server)
      clients.push(client)
      client.socket.write(`${HEAD}Content-Length: 1048576\r\n\r\n${filler}`)
      if (client.socket.writableLength > 0) await once(client.socket, 'drain')
    }
    await until('the refusals', () => clients.filter(({ received }) => received !== '').length >= 10)
    for (const { received } of clients) expect(received).toMatch(/^$|^HTTP\/1\.1 503 .*"code":"overloaded"/s)
    expect(clients.at(-1)?.received).toBe('')
    const { status } = await server.call('POST', '/topics/t/events', { event: 'said', data: filler.slice(0, 900_000) })
    expect(status).toBe(202)
  })
})

describe('answers that nobody reads', () => {
  const PATH = '/api/v1/events?channels=topic:t&limit=1000'
  /** Roughly; a page of the log ends there. */
  const ANSWER_BYTES = 5_000_000
  const ANSWERS = 4

  async function fill(server: TestServer): Promise<void> {
    for (let n = 0; n < 12; n++) {
      await server.post('/topics/t/events', { event: 'said', data: 'x'.repeat(1_000_000) })
    }
  }

  it('[HA23] are given up, and a stream that nobody reads is not', async () => {
    await using server = await startTestServer({ requestTimeoutMs: SHORT_MS })
    const stream = new Client(server)
    stream.socket.write('GET /sse?channels=topic:t HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until('hello', () => stream.received.includes('event: hello'))
    stream.socket.pause()
    await fill(server)
    const client = new Client(server)
    await once(client.socket, 'connect')
    client.socket.pause()
    client.socket.write(`GET ${PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(ANSWERS))
    await until('the cut', () => !isHeld(server, client))
    expect((await stats(server)).connections.sse).toBe(1)
    client.socket.resume()
    await until('the end', () => client.isEnded)
    expect(client.received.length).toBeLessThan(ANSWERS * ANSWER_BYTES)
  })

  it('[HA23] arrive complete at a client that reads slowly', async () => {
    await using server = await startTestServer({ requestTimeoutMs: SHORT_MS })
    await fill(server)
    const client = new Client(server)
    client.socket.write(`GET ${PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    const begun = performance.now()
    client.socket.on('data', () => {
      if (client.received.length > ANSWER_BYTES - 300_000) return
      client.socket.pause()
      setTimeout(() => client.socket.resume(), 30)
    })
    await until('the end', () => client.isEnded)
    expect(performance.now() - begun).toBeGreaterThan(2 * SHORT_MS)
    expect(client.received.length).toBeGreaterThan(ANSWER_BYTES)
    expect(client.received.endsWith('}')).toBe(true)
  })
})

/** Whether the server still has its end of the connection. The client does not notice before it reads what it was sent. */
function isHeld({ port }: TestServer, { socket }: Client): boolean {
  const table = readFileSync('/proc/net/tcp', 'latin1').split('\n')
  return table.some((line) => {
    const [, local = '', remote = '', , , , , , , inode = '0'] = line.trim().split(/\s+/)
    // The kernel goes on with a connection that no process has any more.
    return local.endsWith(hex(port)) && remote.endsWith(hex(socket.localPort)) && inode !== '0'
  })
}

function hex(port = 0): string {
  return `:${port.toString(16).toUpperCase().padStart(4, '0')}`
}
