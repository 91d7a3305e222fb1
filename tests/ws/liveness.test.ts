/** Pings, silence and signs of life. Rule W54. Heartbeats are short here; the limit on silence is 8/3 of one. */
import { describe, expect, it } from 'vitest'
import { stats } from '../support/board.ts'
import { clientFrame, OPCODE, RawSocket } from '../support/raw-socket.ts'
import { startTestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'

const pings = ({ frames }: RawSocket) => frames.filter(({ opcode }) => opcode === OPCODE.ping)
const pongs = ({ frames }: RawSocket) => frames.filter(({ opcode }) => opcode === OPCODE.pong)

describe('pings of the server', () => {
  it('[W54] come once a heartbeat, on every kind of socket', async () => {
    await using server = await startTestServer({ heartbeatMs: 200 })
    await server.post('/boards', { id: 'demo', name: 'Demo' })
    for (const path of ['/ws', '/ws?boardId=demo', '/ws/dashboard']) {
      const started = performance.now()
      await using socket = await SocketClient.open(server.url, path)
      await socket.until(() => socket.pings >= 5)
      // On a busy machine they are late, but never early.
      expect(performance.now() - started).toBeGreaterThan(750)
      // The client library answers them, so the socket is still open after five.
      expect(socket.closed).toBeNull()
    }
  })

  it('[W54] are empty', async () => {
    await using server = await startTestServer({ heartbeatMs: 100 })
    await using peer = await RawSocket.open(server.url, '/ws')
    const ping = await peer.until('a ping', () => pings(peer)[0])
    expect(ping.payload.length).toBe(0)
  })
})

describe('a silent client', () => {
  it('[W54] is closed with 4408 after 8/3 heartbeats, and no sooner', async () => {
    await using server = await startTestServer({ heartbeatMs: 300 })
    const since = performance.now()
    await using peer = await RawSocket.open(server.url, '/ws')
    expect(await peer.untilCloseCode()).toBe(4408)
    expect(performance.now() - since).toBeGreaterThan(795)
    expect(pings(peer).length).toBeGreaterThanOrEqual(2)
    expect(String(peer.frames.find(({ opcode }) => opcode === OPCODE.close)?.payload.subarray(2))).toBe(
      'No sign of life',
    )
    // Nothing follows, and the server no longer counts the socket, though the client has not answered.
    expect(peer.frames.at(-1)?.opcode).toBe(OPCODE.close)
    expect((await stats(server)).connections).toMatchObject({ total: 0 })
  })

  it('[W54] is one that sends nothing at all: any frame counts as a sign of life', async () => {
    await using server = await startTestServer({ heartbeatMs: 600 })
    const signs = [
      { opcode: OPCODE.pong, payload: 'that nobody asked for' },
      { opcode: OPCODE.ping },
      { payload: '{"type":"ping"}' },
      { payload: 'nonsense' },
      { opcode: OPCODE.binary, payload: 'x' },
    ]
    const peers = await Promise.all(signs.map(() => RawSocket.open(server.url, '/ws')))
    const life = setInterval(() => {
      for (const [index, peer] of peers.entries()) peer.write(clientFrame(signs[index] ?? {}))
    }, 200)
    try {
      // Twice the time after which a silent client is closed.
      for (let n = 0; n < 2; n++) {
        await using silent = await RawSocket.open(server.url, '/ws')
        expect(await silent.untilCloseCode()).toBe(4408)
      }
      expect(peers.map(({ closeCode }) => closeCode)).toEqual(signs.map(() => undefined))
    } finally {
      clearInterval(life)
    }
    for (const peer of peers) expect(await peer.untilCloseCode()).toBe(4408)
  })
})

describe('pings of a client', () => {
  it('[W54] are answered with their payload, between other frames', async () => {
    await using server = await startTestServer()
    await using peer = await RawSocket.open(server.url, '/ws')
    const brought = [Buffer.alloc(0), Buffer.from('Hello'), Buffer.alloc(125, 0xff)]
    for (const payload of brought) peer.write(clientFrame({ opcode: OPCODE.ping, payload }))
    await peer.until('the pongs', () => pongs(peer).length === brought.length)
    expect(pongs(peer).map(({ payload }) => payload)).toEqual(brought)
  })
})
