/** Durations of more than 2^31 ms, where setTimeout fires at once, and connections that are kept. Rules OPS15 and OPS16. */
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import { startServer } from '../../src/main.ts'
import { makeBoard, makeCard } from '../support/board.ts'
import { missing, startNginx } from '../support/debian-proxy.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { SocketIoClient } from '../support/socketio.ts'
import { storeAt } from '../support/stores.ts'
import { listen } from '../support/stream.ts'

const DAY_MS = 86_400_000
/** A timer that overflows fires within a millisecond or two. */
const beyondATimer = () => new Promise((resolve) => setTimeout(resolve, 50))

describe('long durations', () => {
  it.each([30, 25, 365])('[OPS16] streams and sockets of %d days stay', async (days) => {
    await using server = await startTestServer({ streamMaxAgeMs: days * DAY_MS, hasSocketIo: true })
    await makeBoard(server, 'demo')
    await using stream = await listen(server.url, '/sse?channels=board:demo')
    await using socket = await SocketClient.open(server.url, '/ws?boardId=demo&view=diff')
    await using socketIo = await SocketIoClient.open(server.url, ['websocket'])
    await socketIo.ask('subscribe', 'board:demo')
    await beyondATimer()
    await makeCard(server, 'demo')
    await stream.frame('card_created')
    await socket.until(() => socket.messages.some(({ type }) => type === 'card_created'))
    await socketIo.until(() => socketIo.messages.some(({ type }) => type === 'card_created'))
  })

  it.each([2_147_484, 31_536_000, 1e300])('[OPS16] timeout=%d does not end a stream at once', async (seconds) => {
    await using server = await startTestServer()
    await makeBoard(server, 'demo')
    await using stream = await listen(server.url, `/sse?boardId=demo&view=diff&timeout=${encodeURIComponent(seconds)}`)
    await using socket = await SocketClient.open(
      server.url,
      `/ws?boardId=demo&view=diff&timeout=${encodeURIComponent(seconds)}`,
    )
    await beyondATimer()
    await makeCard(server, 'demo')
    await stream.frame('card_created')
    await socket.until(() => socket.messages.some(({ type }) => type === 'card_created'))
  })

  it('[OPS16] every duration works up to a year, or is refused by name', () => {
    const names = [
      'BOARDCAST_RETENTION_AGE',
      'BOARDCAST_STREAM_MAX_AGE',
      'BOARDCAST_KEEP_ALIVE',
      'BOARDCAST_DRAIN_MS',
      'BOARDCAST_HEARTBEAT_MS',
    ]
    const year = { unit: '365d', ms: String(365 * DAY_MS) }
    const values = names.map((name) => [name, name.endsWith('_MS') ? year.ms : year.unit] as const)
    const { retention, streamMaxAgeMs } = loadConfig(Object.fromEntries(values.slice(0, 2)))
    expect([retention.maxAgeMs, streamMaxAgeMs]).toEqual([365 * DAY_MS, 365 * DAY_MS])
    for (const [name, value] of values.slice(2)) {
      expect(() => loadConfig({ [name]: value }), name).toThrow(new RegExp(`${name} must be `))
    }
    for (const name of names) {
      const far = name.endsWith('_MS') ? '9'.repeat(400) : `${'9'.repeat(400)}d`
      expect(() => loadConfig({ [name]: far }), name).toThrow(new RegExp(`${name} must be `))
    }
    expect(() => loadConfig({ BOARDCAST_STREAM_MAX_AGE: '0s' })).toThrow(/BOARDCAST_STREAM_MAX_AGE must be off, or/)
  })
})

describe('kept connections', () => {
  it('[OPS15] are kept longer than proxies keep them, for the configured time', async () => {
    expect(loadConfig({}).keepAliveMs).toBe(75_000)
    expect(loadConfig({ BOARDCAST_KEEP_ALIVE: '2m' }).keepAliveMs).toBe(120_000)
    for (const text of ['500ms', '0s', '2d', 'long'])
      expect(() => loadConfig({ BOARDCAST_KEEP_ALIVE: text }), text).toThrow(/BOARDCAST_KEEP_ALIVE must be/)
    await using server = await startTestServer()
    await using longer = await startTestServer({ keepAliveMs: 600_000 })
    const keptFor = async ({ url }: TestServer) => (await fetch(`${url}/health`)).headers.get('Keep-Alive')
    expect([await keptFor(server), await keptFor(longer)]).toEqual(['timeout=75', 'timeout=600'])
  })

  const absent = missing('nginx')
  const why = absent.length > 0 ? ` (not installed: ${absent.join(', ')})` : ''

  it.skipIf(absent.length > 0).concurrent(
    `[OPS15] accept a POST after six idle seconds through nginx${why}`,
    async ({ expect }) => {
      await using server = await startTestServer()
      await using proxy = await startNginx(() => ({
        http: `upstream hub { server 127.0.0.1:${server.port}; keepalive 4; }`,
        server:
          'location / { proxy_pass http://hub; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; }',
      }))
      const headers = { 'Content-Type': 'application/json' }
      expect((await fetch(`${proxy.url}/health`)).status).toBe(200)
      await idle()
      const body = '{"id":"late","name":"Late"}'
      expect((await fetch(`${proxy.url}/api/v1/boards`, { method: 'POST', headers, body })).status).toBe(201)
    },
  )

  it.concurrent('[OPS15] accept a POST after six idle seconds', async ({ expect }) => {
    await using server = await startTestServer()
    const body = '{"id":"late","name":"Late"}'
    const post = `POST /api/v1/boards HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const connection = open(server.port)
    connection.socket.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await expect.poll(() => connection.text).toContain('healthy')
    await idle()
    connection.socket.write(post)
    await expect.poll(() => connection.text).toContain('HTTP/1.1 201 Created')
    connection.socket.destroy()
  })

  it('[OPS15] that are idle are closed at once by a drain', async () => {
    await using server = await startTestServer()
    // On a separate server: a connection that is not closed would stay for an hour.
    const draining = await startServer({
      port: 0,
      ...(await storeAt(`${server.dbPath}.second`)),
      logLevel: 'error',
      drainMs: 3_600_000,
      keepAliveMs: 3_600_000,
    })
    const idle = open(draining.port)
    idle.socket.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await expect.poll(() => idle.text).toContain('healthy')
    const silent = open(draining.port)
    await expect.poll(() => silent.isOpen).toBe(true)
    await draining.close()
    await expect.poll(() => [idle.isOver, silent.isOver]).toEqual([true, true])
  })
})

/** Longer than Node keeps connections by default. */
function idle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 6_100))
}

function open(port: number) {
  const socket = connect(port, '127.0.0.1')
  const connection = { socket, text: '', isOpen: false, isOver: false }
  socket.setEncoding('utf8')
  socket.on('connect', () => {
    connection.isOpen = true
  })
  socket.on('data', (text: string) => {
    connection.text += text
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    connection.isOver = true
  })
  return connection
}
