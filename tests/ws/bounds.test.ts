/** Limits on the messages of a socket. Rules W50 to W53. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boardState, eventually, makeBoard, stats } from '../support/board.ts'
import { newestId } from '../support/http.ts'
import { clientFrame, OPCODE, RawSocket } from '../support/raw-socket.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'

const MOST = 64 * 1024

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

/** A ping message of a given size. */
function ping(bytes: number, fill = 'x'): string {
  const rest = bytes - Buffer.byteLength('{"type":"ping","timestamp":""}')
  const width = Buffer.byteLength(fill)
  return `{"type":"ping","timestamp":"${fill.repeat(Math.floor(rest / width))}${'x'.repeat(rest % width)}"}`
}

describe('a message', () => {
  it.each(['x', '🚀'])(
    '[W50] of 64 KiB is carried out; one byte more closes the socket with 1009 (%s)',
    async (fill) => {
      await using socket = await SocketClient.open(server.url, '/ws')
      socket.send(ping(MOST, fill))
      await socket.first('the pong', ({ type }) => type === 'pong')
      socket.send(ping(MOST + 1, fill))
      expect((await socket.untilClosed()).code).toBe(1009)
    },
  )

  it('[W50] is measured as a whole when it comes in fragments', async () => {
    await using peer = await RawSocket.open(server.url, '/ws')
    const half = Buffer.alloc(40_000, 'x')
    peer.write(clientFrame({ payload: half, isFinal: false }))
    peer.write(clientFrame({ opcode: OPCODE.continuation, payload: half }))
    expect(await peer.untilCloseCode()).toBe(1009)
  })

  it('[W50] is refused by the length that it announces', async () => {
    await using peer = await RawSocket.open(server.url, '/ws')
    peer.write(Buffer.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0]))
    expect(await peer.untilCloseCode()).toBe(1009)
  })
})

describe('the rate limit', () => {
  it('[W51] is a burst of 20 and then 10 a second; further messages are not carried out', async () => {
    const board = await makeBoard(server)
    await using socket = await SocketClient.open(server.url, `/ws?boardId=${board.id}&view=diff`)
    await socket.first('the state', ({ type }) => type === 'state')
    const started = performance.now()
    const sent = 60
    for (let id = 0; id < sent; id++) socket.send({ type: 'create_card', payload: { title: `${id}` }, id })
    await socket.until(() => socket.ofType('ack').length === sent)
    const seconds = (performance.now() - started) / 1_000
    const acks = socket.ofType('ack').map(({ payload }) => payload)
    const refused = acks.filter(({ success }) => !success)
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['rate_limited']))
    const carriedOut = acks.filter(({ success }) => success)
    expect(carriedOut.length).toBeGreaterThanOrEqual(20)
    expect(carriedOut.length).toBeLessThanOrEqual(21 + 10 * seconds)
    const titles = Object.values((await boardState(server, board.id)).cards).map(({ title }) => title)
    expect(titles.sort()).toEqual(carriedOut.map(({ id }) => `${id}`).sort())
    // After a while it may again.
    await eventually('another', async () => {
      const { success } = await socket.ask({ type: 'create_card', payload: { title: 'later' } })
      if (!success) await new Promise((resolve) => setTimeout(resolve, 50))
      return success as boolean
    })
  })

  it('[W51] [W40] is reported on channel sockets in their format, with the id if it can be read', async () => {
    await using peer = await RawSocket.open(server.url, '/ws')
    const before = await newestId(server)
    // In one piece: no time passes between them.
    const pings = Array.from({ length: 20 }, () => ({ payload: '{"type":"ping"}' }))
    const refused = [
      { payload: '{"type":"publish","channel":"topic:x","event":"e","data":1,"id":"mine"}' },
      { payload: 'nonsense' },
      { payload: '{"type":"ping","id":{}}' },
      { opcode: OPCODE.binary, payload: 'binary' },
    ]
    peer.write(Buffer.concat([...pings, ...refused].map(clientFrame)))
    const said = (type: string) => peer.messages.filter((message) => message.type === type)
    await peer.until('all answers', () => said('error').length === 3 && said('pong').length === 20)
    const refusal = {
      error: 'Rate limited',
      message: expect.stringContaining('10 a second'),
      code: 'RATE_LIMITED',
      timestamp: expect.any(Number),
    }
    expect(said('ack')).toEqual([{ type: 'ack', id: 'mine', success: false, ...refusal }])
    for (const error of said('error')) expect(error).toEqual({ type: 'error', ...refusal })
    expect(await newestId(server)).toBe(before)
  })

  it.each(['/ws', '/ws?boardId=BOARD', '/ws/dashboard'])(
    '[W51] closes %s with 4429 after more than 200 refusals in a minute',
    async (path) => {
      const board = await makeBoard(server)
      await using peer = await RawSocket.open(server.url, path.replace('BOARD', board.id))
      peer.write(Buffer.concat(Array.from({ length: 320 }, () => clientFrame({ payload: '{"type":"x"}' }))))
      expect(await peer.untilCloseCode()).toBe(4429)
      const refused = peer.messages.filter(({ type, code, payload }) => {
        return type === 'error' && (code ?? payload.code).toLowerCase() === 'rate_limited'
      })
      expect(refused).toHaveLength(path === '/ws/dashboard' ? 0 : 200)
      expect((await stats(server)).connections).toMatchObject({ total: 0 })
    },
  )
})

describe('waiting messages', () => {
  it('[W51] [W52] of a client that does not read are at most 256 KiB', async () => {
    const padding = 'x'.repeat(40_000)
    await using peer = await RawSocket.open(server.url, '/ws')
    await peer.until('the opening', () => peer.messages.length === 2)
    peer.socket.pause()
    // Until something is pending, but less than what pauses reading.
    await eventually('a full socket', async () => {
      await server.post('/topics/fill/events', { event: 'e', data: padding })
      return (await stats(server)).bytes.pending > 0
    })
    for (let id = 0; id < 20; id++) {
      peer.send({ type: 'subscribe', channel: `topic:${id}`, id, padding })
    }
    const refused = () => peer.messages.filter(({ code }) => code === 'RATE_LIMITED')
    peer.socket.resume()
    await peer.until('all answers', () => peer.messages.filter(({ type }) => type === 'ack').length === 20)
    expect(refused().length).toBeGreaterThan(10)
    const joined = peer.messages.filter(({ success }) => success).map(({ channel }) => channel)
    expect(joined.slice(0, 6)).toEqual(['topic:0', 'topic:1', 'topic:2', 'topic:3', 'topic:4', 'topic:5'])
  })
})
