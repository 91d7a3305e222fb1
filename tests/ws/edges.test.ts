/** Edge cases, found by attacking a running server. */
import { connect } from 'node:net'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBoard, makeCard } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ hasSocketIo: true })
})

afterAll(() => server[Symbol.asyncDispose]())

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'

/** Writes everything at once. Resolves to what was received until the condition held. */
async function raw(text: string, until: (got: string) => boolean): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  let got = ''
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk) => {
        got += chunk.toString('latin1')
        if (until(got)) resolve()
      })
      socket.on('error', reject)
      socket.on('close', () => resolve())
      socket.write(text)
    })
  } finally {
    socket.destroy()
  }
  return got
}

describe('behind a request on the same connection', () => {
  const first = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n'

  it('[W6] a request that offers h2c is answered in order, as are those after it', async () => {
    const offer =
      'GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n'
    const got = await raw(first + offer + first, (text) => (text.match(/HTTP\/1\.1 200/g) ?? []).length === 3)
    expect([...got.matchAll(/\{"status":"(\w+)"/g)].map(([, status]) => status)).toEqual(['live', 'ready', 'live'])
  })

  it('[W1] an upgrade waits for the answer', async () => {
    const upgrade = `GET /ws?global=0 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${KEY}\r\n`
    const got = await raw(first + first + upgrade, (text) => text.includes('"hello"'))
    const order = ['"live"', '"live"', 'HTTP/1.1 101', '"connected"', '"hello"']
    let at = -1
    for (const one of order) {
      at = got.indexOf(one, at + 1)
      expect(at, one).toBeGreaterThan(-1)
    }
    expect(got.slice(got.indexOf('"hello"'))).not.toContain('HTTP/1.1')
  })
})

describe('an invalid handshake', () => {
  it.each([
    ['without a key', 'GET /ws', 'Upgrade: websocket\r\nSec-WebSocket-Version: 13', 400, 'bad_request'],
    ['by another method', 'POST /ws', `Upgrade: websocket\r\n${KEY.trim()}`, 404, 'not_found'],
    [
      'Socket.IO from a foreign page',
      'GET /socket.io/?EIO=4&transport=websocket',
      `Upgrade: websocket\r\nOrigin: http://evil.example\r\n${KEY.trim()}`,
      403,
      'forbidden',
    ],
  ])('[W3] [W4] [SIO10] %s is refused as everything is', async (_name, line, headers, status, code) => {
    const got = await raw(
      `${line} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine\r\nConnection: Upgrade\r\n${headers}\r\n\r\n`,
      () => false,
    )
    expect(got).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(got).toContain('application/problem+json')
    expect(got).toContain(`"code":"${code}"`)
    expect(got).toMatch(/X-Request-Id: mine\r\n/i)
  })

  it('[W6] a WebSocket may be one of several offers', async () => {
    const got = await raw(
      `GET /ws?global=0 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c, websocket\r\n${KEY}\r\n`,
      (text) => text.includes('"hello"'),
    )
    expect(got).toMatch(/^HTTP\/1.1 101 /)
  })
})

describe('channels', () => {
  it('[W22] named in the address are joined when the socket opens, as on a stream', async () => {
    const board = await makeBoard(server)
    await using socket = await SocketClient.open(server.url, `/ws?channels=topic:opened,board:${board.id}`)
    await socket.until(() => socket.named('state').length > 0)
    expect(socket.named('state')[0]).toMatchObject({ channel: `board:${board.id}` })
    await server.post('/topics/opened/events', { event: 'said', data: 1 })
    await socket.until(() => socket.named('said').length > 0)
    expect(socket.named('said').map(({ channel }) => channel)).toEqual(['topic:opened'])
  })

  it('[W43] mark the messages that are not safe to resume from, if the client asks for it', async () => {
    const board = await makeBoard(server)
    await using plain = await SocketClient.open(server.url, `/ws?channels=board:${board.id},global`)
    await using marked = await SocketClient.open(server.url, `/ws?more=1&channels=board:${board.id},global`)
    for (const socket of [plain, marked]) await socket.until(() => socket.named('state').length > 0)
    const { eventId } = await makeCard(server, board.id)
    for (const socket of [plain, marked]) await socket.until(() => socket.named('card.created').length > 0)
    const shown = (socket: SocketClient) =>
      socket.messages
        .filter(({ id, type }) => type === 'event' && id === eventId)
        .map(({ event, more }) => [event, more])
    expect(shown(marked)).toEqual([
      ['card_created', true],
      ['card.created', undefined],
    ])
    expect(shown(plain)).toEqual([
      ['card_created', undefined],
      ['card.created', undefined],
    ])
  })

  it('[W22] are refused together with a board', async () => {
    await using socket = new SocketClient(server.url, '/ws?boardId=x&channels=topic:a')
    await socket.until(() => socket.refused !== null)
    expect(socket.refused).toBe(400)
  })

  it('[W26] that are held repeat nothing while another one replays its past', async () => {
    const board = await makeBoard(server)
    const { cursor } = await server.get<{ cursor: string }>('/cursor')
    await server.post('/topics/past/events', { event: 'said', data: 1 })
    await using socket = await SocketClient.open(server.url, '/ws?global=0')
    socket.send({ type: 'subscribe', channel: `board:${board.id};full`, id: 1 })
    await socket.until(() => socket.named('state').length > 0)
    socket.send({ type: 'subscribe', channel: 'topic:past', since: cursor, id: 2 })
    await socket.until(() => socket.named('said').length > 0)
    socket.send({ type: 'subscribe', channel: 'topic:none', since: 'earliest', id: 3 })
    socket.send({ type: 'ping', timestamp: 4 })
    await socket.until(() => socket.ofType('pong').length > 0)
    await makeCard(server, board.id)
    await socket.until(() => socket.named('state').some(({ data }) => Object.keys(data.cards).length > 0))
    expect(socket.named('state')).toHaveLength(2)
  })
})

describe('answers', () => {
  it('[W52] are in the order of the messages, refusals included', async () => {
    await using socket = await SocketClient.open(server.url, '/ws?global=0')
    const ids = Array.from({ length: 40 }, (_, id) => id)
    for (const id of ids) socket.send({ type: 'publish', channel: 'topic:burst', event: 'said', data: id, id })
    await socket.until(() => socket.ofType('ack').length === 40)
    expect(socket.ofType('ack').map(({ id }) => id)).toEqual(ids)
    expect(socket.ofType('ack').filter(({ success }) => !success).length).toBeGreaterThan(10)
  })

  it('[W13] name the fields of the command, not of the route', async () => {
    const board = await makeBoard(server)
    const card = await makeCard(server, board.id)
    await using socket = await SocketClient.open(server.url, `/ws?boardId=${board.id}`)
    socket.send({ type: 'move_card', payload: { cardId: card.id, toColumnId: 'none', toIndex: 0 }, id: 1 })
    await socket.until(() => socket.ofType('ack').length > 0)
    expect(socket.ofType('ack')[0]?.payload).toMatchObject({
      success: false,
      error: expect.stringMatching(/^toColumnId /),
    })
  })

  it('[PR3] keep a session that is not named again', async () => {
    await using socket = await SocketClient.open(server.url, '/ws?global=0')
    socket.send({ type: 'auth', agent_id: 'again', session_id: 'ses-1', id: 1 })
    await socket.until(() => socket.named('agent.connected').length > 0)
    socket.send({ type: 'auth', agent_id: 'again', id: 2 })
    socket.send({ type: 'publish', channel: 'agent:again', event: 'message.new', data: 'end', id: 3 })
    await socket.until(() => socket.named('message.new').length > 0)
    expect(socket.named('agent.disconnected')).toEqual([])
  })

  it('[SIO5] reach the acknowledgement even if the channel is missing', async () => {
    const client = io(server.url, { transports: ['websocket'], reconnection: false })
    try {
      const answer = await new Promise((resolve) => client.emit('subscribe', resolve))
      expect(answer).toMatchObject({ success: false, code: 'INVALID_MESSAGE' })
    } finally {
      client.disconnect()
    }
  })
})
