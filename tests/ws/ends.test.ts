/** How sockets end. Rules W60 to W63. */
import { connect } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Problem } from '../../src/base/errors.ts'
import { Snapshot } from '../../src/db/snapshot.ts'
import { Snapshots } from '../../src/sse/delivery/snapshots.ts'
import { boardState, eventually, makeBoard, makeCard, stats } from '../support/board.ts'
import { gate } from '../support/gate.ts'
import { clientFrame, OPCODE, RawSocket } from '../support/raw-socket.ts'
import { startTestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const ofEvents = ({ messages }: SocketClient) =>
  messages.filter(({ type, event }) => type === 'card_created' || event === 'card.created')

describe('an end that the client or a setting asked for', () => {
  it('[W60] comes after a number of events, among which answers do not count', async () => {
    await using server = await startTestServer()
    const board = await makeBoard(server)
    await using byBoard = await SocketClient.open(server.url, `/ws?boardId=${board.id}&view=diff&limit=3`)
    await using byChannel = await SocketClient.open(server.url, '/ws?limit=3')
    await byChannel.ask({ type: 'subscribe', channel: 'topic:x' })
    await byBoard.ask({ type: 'get_state' })
    const cards = []
    for (let n = 0; n < 4; n++) cards.push(await makeCard(server, board.id))
    for (const socket of [byBoard, byChannel]) {
      expect(await socket.untilClosed()).toEqual({ code: 1000, reason: '' })
      expect(ofEvents(socket).map(({ id }) => id)).toEqual(cards.slice(0, 3).map(({ eventId }) => eventId))
    }
  })

  it('[W60] comes after a number of seconds', async () => {
    await using server = await startTestServer()
    for (const path of ['/ws?timeout=0.2', '/ws/dashboard?timeout=0.2']) {
      const since = performance.now()
      await using socket = await SocketClient.open(server.url, path)
      expect(await socket.untilClosed()).toEqual({ code: 1000, reason: '' })
      expect(performance.now() - since).toBeGreaterThan(195)
    }
  })

  it('[W60] comes at the maximum age, within 20 %', async () => {
    await using server = await startTestServer({ streamMaxAgeMs: 300 })
    const since = performance.now()
    const sockets = await Promise.all(Array.from({ length: 8 }, () => SocketClient.open(server.url, '/ws')))
    for (const socket of sockets) expect(await socket.untilClosed()).toEqual({ code: 1000, reason: '' })
    expect(performance.now() - since).toBeGreaterThan(235)
  })
})

describe('a server that shuts down', () => {
  it('[W61] sends every socket draining, refuses mutations, and closes with 1001', async () => {
    await using server = await startTestServer({ drainMs: 2_000 })
    const board = await makeBoard(server)
    const others = await Promise.all(Array.from({ length: 18 }, () => SocketClient.open(server.url, '/ws')))
    // The sockets of the last group still answer.
    await using onBoard = await SocketClient.open(server.url, `/ws?boardId=${board.id}`)
    await using onChannels = await SocketClient.open(server.url, '/ws')
    await onChannels.first('hello', ({ event }) => event === 'hello')
    // A connection from before the drain.
    const early = connect(server.port)
    const { host } = new URL(server.url)
    await eventually('the connection', async () => {
      await stats(server)
      return early.readyState === 'open'
    })
    const closing = server.close()
    await onChannels.first('the word', ({ event }) => event === 'draining')
    expect(onChannels.named('draining')[0]).toMatchObject({ channel: '*', data: { retryMs: expect.any(Number) } })
    await onBoard.until(() => onBoard.ofType('draining').length > 0)
    expect(onBoard.ofType('draining')).toEqual([{ type: 'draining', payload: { retryMs: expect.any(Number) } }])
    const [asBoard, asChannels] = await Promise.all([
      onBoard.ask({ type: 'create_card', payload: { title: 'too late' } }),
      onChannels.ask({ type: 'publish', channel: 'topic:x', event: 'e', data: 1 }),
    ])
    expect(asBoard).toEqual({ id: 'ask-1', success: false, error: expect.any(String), code: 'draining' })
    expect(asChannels).toMatchObject({ success: false, code: 'DRAINING' })
    let answer = ''
    early.on('data', (chunk) => {
      answer += chunk
    })
    early.write(
      `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    )
    for (const socket of [...others, onBoard, onChannels]) {
      expect(await socket.untilClosed()).toEqual({ code: 1001, reason: 'The server is going down' })
    }
    await closing
    expect(answer).toMatch(/^HTTP\/1\.1 503 /)
    expect(answer).toMatch(/^Retry-After: \d+\r$/m)
    expect(answer).toContain('"code":"draining"')
    await using refused = new SocketClient(server.url, '/ws')
    await refused.untilClosed()
    expect(refused.messages).toEqual([])
  })

  it('[W61] sends hello first to a socket that was still opening', async () => {
    await using server = await startTestServer({ drainMs: 1_000 })
    const board = await makeBoard(server)
    await using open = await SocketClient.open(server.url, '/ws')
    const { opening } = Snapshots.prototype
    const [asked, held] = [gate(), gate()]
    vi.spyOn(Snapshots.prototype, 'opening').mockImplementationOnce(async function (this: Snapshots, ...given) {
      asked.resolve()
      await held.promise
      return opening.apply(this, given)
    })
    await using late = await SocketClient.open(server.url, `/ws?boardId=${board.id}`)
    await asked.promise
    const closed = server.close()
    await open.untilClosed()
    held.resolve()
    expect((await late.untilClosed()).code).toBe(1001)
    expect(late.messages.map(({ type }) => type)).toEqual(['hello', 'state', 'draining'])
    await closed
  })

  it('[W61] does not wait indefinitely for clients that do not answer', async () => {
    await using server = await startTestServer({ drainMs: 100 })
    await using deaf = await RawSocket.open(server.url, '/ws')
    await using gone = await RawSocket.open(server.url, '/ws')
    gone.socket.pause()
    const since = performance.now()
    await server.close()
    // More than the drain takes, less than the limit on a closing handshake.
    expect(performance.now() - since).toBeLessThan(4_500)
    expect(await deaf.untilCloseCode()).toBe(1001)
  })
})

describe('an internal error', () => {
  it('[W62] while a socket opens closes it with 1011', async () => {
    await using server = await startTestServer({ logLevel: 'silent' })
    const board = await makeBoard(server)
    vi.spyOn(Snapshots.prototype, 'opening').mockRejectedValueOnce(new Error('of this test'))
    await using socket = await SocketClient.open(server.url, `/ws?boardId=${board.id}`)
    expect(await socket.untilClosed()).toEqual({ code: 1011, reason: 'It could not be opened' })
    expect(socket.messages).toEqual([])
    await using next = await SocketClient.open(server.url, `/ws?boardId=${board.id}`)
    await next.first('the state', ({ type }) => type === 'state')
  })

  it('[W62] of the storage closes it with a code after which clients come back', async () => {
    await using server = await startTestServer({ logLevel: 'silent' })
    const fails = async () => {
      throw new Problem('storage_unavailable', 'The disk is away.')
    }
    vi.spyOn(Snapshot.prototype, 'oldestOf').mockImplementationOnce(fails)
    await using socket = await SocketClient.open(server.url, `/ws?channels=topic:x&since=earliest`)
    expect((await socket.untilClosed()).code).toBe(1011)
  })

  it('[W62] on an open socket closes it with 1012; the client comes back and misses nothing', async () => {
    await using server = await startTestServer({ logLevel: 'silent' })
    const board = await makeBoard(server)
    const { eventId } = await makeCard(server, board.id)
    await using socket = await SocketClient.open(server.url, '/ws?global=0&agent_id=unlucky')
    await socket.first('hello', ({ event }) => event === 'hello')
    vi.spyOn(Snapshot.prototype, 'readAfter').mockRejectedValueOnce(new Error('of this test'))
    const channel = `board:${board.id}`
    socket.send({ type: 'subscribe', channel, since: board.eventId })
    expect(await socket.untilClosed()).toEqual({ code: 1012, reason: 'Come back with your cursor' })
    await using next = await SocketClient.open(server.url, '/ws?global=0')
    await next.ask({ type: 'subscribe', channel, since: board.eventId })
    expect(await next.id(eventId)).toMatchObject({ event: 'card_created' })
    expect((await stats(server)).connections.total).toBe(1)
  })
})

describe('a command sent just before the close', () => {
  it('[W63] may be carried out, but is not answered after the close', async () => {
    await using server = await startTestServer()
    const board = await makeBoard(server)
    await using peer = await RawSocket.open(server.url, `/ws?boardId=${board.id}&view=diff`)
    await peer.until('its opening', () => peer.messages.length === 2)
    const command = JSON.stringify({ type: 'create_card', payload: { title: 'last words' }, id: 1 })
    const close = clientFrame({ opcode: OPCODE.close, payload: Buffer.from([0x03, 0xe8]) })
    peer.write(Buffer.concat([clientFrame({ payload: command }), close]))
    await peer.until('the end', () => peer.ended)
    expect(peer.closeCode).toBe(1000)
    expect(peer.frames.at(-1)?.opcode).toBe(OPCODE.close)
    const { cards } = await boardState(server, board.id)
    expect(Object.values(cards).every(({ title }) => title === 'last words')).toBe(true)
    peer.socket.end()
    await eventually('no connection', async () => (await stats(server)).connections.total === 0)
  })
})
