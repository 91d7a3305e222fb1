/** Sockets that do not read. Rule W55, and M1 to M4 over sockets. */
import { describe, expect, it } from 'vitest'
import { appendLines, boardState, eventually, makeWork, positionOf, stats } from '../support/board.ts'
import { newestId } from '../support/http.ts'
import { clientFrame, OPCODE, RawSocket } from '../support/raw-socket.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** More than fits into the kernel's buffers of one connection. */
const POSTS = 24
const LINES = 15
const LINE_LENGTH = 60_000
const FOREVER = Number.MAX_SAFE_INTEGER

/** Prints 20 MB; resolves to the id of the last line. */
async function flood(server: TestServer, attemptId: string): Promise<string> {
  let last = ''
  for (let post = 0; post < POSTS; post++) {
    const messages = Array.from({ length: LINES }, (_, line) => `${post * LINES + line} `.padEnd(LINE_LENGTH, 'x'))
    last = (await appendLines(server, attemptId, messages)).eventId
  }
  return last
}

const logs = ({ messages }: RawSocket) =>
  messages.filter(({ type, event }) => type === 'attempt_log' || event === 'attempt_log')
/** The numbers at the beginning of all lines that a socket has received. */
const numbers = (peer: RawSocket) =>
  logs(peer).map(({ payload, data }) => Number.parseInt((payload ?? data).message, 10))
const all = Array.from({ length: POSTS * LINES }, (_, n) => n)
const sees = (peer: RawSocket, id: string) => () => peer.messages.findLast((message) => message.id === id)

/** Opens a socket that listens to an attempt. */
async function listenTo(server: TestServer, attemptId: string): Promise<RawSocket> {
  const peer = await RawSocket.open(server.url, '/ws?global=0')
  peer.send({ type: 'subscribe', channel: `attempt:${attemptId}` })
  await peer.until('the answer', () => peer.messages.some(({ type }) => type === 'subscribed'))
  return peer
}

describe('a socket that does not read', () => {
  it('[W55] [M1] [M2] [M3] delays no other, costs little memory, and misses nothing', async () => {
    await using server = await startTestServer()
    const { boardId, attempt } = await makeWork(server)
    const stalled = [
      await listenTo(server, attempt.id),
      await listenTo(server, attempt.id),
      await RawSocket.open(server.url, `/ws?boardId=${boardId}&view=diff`),
    ]
    await stalled[2]?.until('its opening', () => stalled[2]?.messages.length === 3)
    for (const { socket } of stalled) socket.pause()
    await using reader = await listenTo(server, attempt.id)
    const last = await flood(server, attempt.id)
    await reader.until('the last line', sees(reader, last))
    expect(numbers(reader)).toEqual(all)
    const { connections, bytes } = await stats(server)
    expect(connections).toMatchObject({ total: 4, behind: 3 })
    // 256 KiB each, and a frame of a line.
    expect(bytes.pending).toBeGreaterThan(0)
    expect(bytes.pending).toBeLessThanOrEqual(3 * (256 * 1024 + 2 * LINE_LENGTH))
    for (const peer of stalled) {
      expect(numbers(peer).length).toBeLessThan(all.length)
      peer.socket.resume()
      await peer.until('the last line', sees(peer, last))
      expect(numbers(peer)).toEqual(all)
    }
    // They have caught up.
    await eventually('all live', async () => (await stats(server)).connections.behind === 0)
    const { eventId } = await appendLines(server, attempt.id, ['400 and one'])
    for (const peer of stalled) {
      await peer.until('the next line', sees(peer, eventId))
      await peer[Symbol.asyncDispose]()
    }
  })

  it('[W55] [M3] of a full board gets the last state when it reads again', async () => {
    await using server = await startTestServer()
    const { boardId, attempt, card } = await makeWork(server)
    await using peer = await RawSocket.open(server.url, `/ws?boardId=${boardId}`)
    await peer.until('its opening', () => peer.messages.length === 3)
    peer.socket.pause()
    await flood(server, attempt.id)
    let last = ''
    for (let n = 0; n < 30; n++) last = (await server.call('PATCH', `/cards/${card.id}`, { title: `${n}` })).eventId
    peer.socket.resume()
    await peer.until('the last state', sees(peer, last))
    expect(numbers(peer)).toEqual(all)
    const states = peer.messages.filter(({ type }) => type === 'state')
    expect(states.at(-1)?.payload).toEqual(await boardState(server, boardId))
    expect(states.length).toBeLessThan(10)
  })

  it('[W55] [M4] gets gap when the log no longer covers its position', async () => {
    await using server = await startTestServer({ retention: { maxAgeMs: FOREVER, maxEvents: 5, maxBytes: FOREVER } })
    const { attempt } = await makeWork(server)
    await using peer = await listenTo(server, attempt.id)
    peer.socket.pause()
    const last = positionOf(await flood(server, attempt.id))
    await eventually('the trimming', async () => positionOf((await stats(server)).log.oldest) > last - 10)
    peer.socket.resume()
    await peer.until('the gap', () => peer.messages.some(({ event }) => event === 'gap'))
    const { messages } = peer
    const gap = messages.find(({ event }) => event === 'gap')
    expect(gap).toMatchObject({ channel: '*', data: { reason: 'slow' } })
    const before = messages.slice(0, messages.indexOf(gap)).findLast(({ type }) => type === 'event')
    expect(positionOf(gap.data.requested)).toBe(positionOf(before.id))
    expect(positionOf(gap.data.oldest)).toBeGreaterThan(positionOf(gap.data.requested))
    const { eventId } = await appendLines(server, attempt.id, ['360 and one'])
    await peer.until('the next line', sees(peer, eventId))
  })

  it('[W27] [M4] can get the events to everyone that a gap skipped by a later since', async () => {
    await using server = await startTestServer({ retention: { maxAgeMs: FOREVER, maxEvents: 5, maxBytes: FOREVER } })
    const { attempt } = await makeWork(server)
    await using peer = await listenTo(server, attempt.id)
    peer.socket.pause()
    const since = await flood(server, attempt.id)
    const { eventId: missed } = await server.post('/agents', { id: 'missed', label: 'Missed' })
    await eventually('the trimming', async () => positionOf((await stats(server)).log.oldest) > positionOf(since) - 10)
    peer.socket.resume()
    await peer.until('the gap', () => peer.messages.some(({ event }) => event === 'gap'))
    expect(peer.messages.map(({ event }) => event)).not.toContain('agent_registered')
    peer.send({ type: 'subscribe', channel: 'topic:later', since, id: 'later' })
    const registered = () => peer.messages.filter(({ event }) => event === 'agent_registered')
    await peer.until('the missed one', () => registered().length > 0)
    expect(registered().map(({ id }) => id)).toEqual([missed])
  })

  it('[W55] is not read from while more than 64 KiB are pending', { timeout: 60_000 }, async () => {
    await using server = await startTestServer()
    const { attempt } = await makeWork(server)
    await using other = await RawSocket.open(server.url, '/ws?global=0')
    let peer = await listenTo(server, attempt.id)
    let last = await stall()
    // How much of a page the kernel takes varies.
    while ((await stats(server)).bytes.pending <= 64 * 1024) {
      await peer[Symbol.asyncDispose]()
      peer = await listenTo(server, attempt.id)
      last = await stall()
    }
    // The message that pushes the pending bytes over the limit is still read, and nothing after it.
    peer.send({ type: 'publish', channel: 'topic:x', event: 'said', data: 'first' })
    const first = await eventually('the first', async () => {
      const newest = await newestId(server)
      return newest !== last && newest
    })
    for (let id = 0; id < 15; id++) peer.send({ type: 'publish', channel: 'topic:x', event: 'said', data: id, id })
    for (let n = 0; n < 5; n++) {
      other.send({ type: 'ping', timestamp: n })
      await other.until('a pong', () => other.messages.some(({ timestamp }) => timestamp === n))
      expect(await newestId(server)).toBe(first)
    }
    peer.socket.resume()
    await peer.until('the answers', () => peer.messages.filter(({ type }) => type === 'ack').length === 15)
    await peer.until('the last line', sees(peer, last))
    expect(numbers(peer)).toEqual(all)
    expect(positionOf(await newestId(server))).toBe(positionOf(first) + 15)
    await peer[Symbol.asyncDispose]()

    function stall(): Promise<string> {
      peer.socket.pause()
      return flood(server, attempt.id)
    }
  })

  it('[W55] gets pongs only while nothing is pending', async () => {
    await using server = await startTestServer()
    await using peer = await RawSocket.open(server.url, '/ws')
    await peer.until('the opening', () => peer.messages.length === 2)
    peer.socket.pause()
    let last = ''
    await eventually('a full socket', async () => {
      last = (await server.post('/topics/fill/events', { event: 'e', data: 'x'.repeat(40_000) })).eventId
      return (await stats(server)).bytes.pending > 0
    })
    const ping = (payload: string) => peer.write(clientFrame({ opcode: OPCODE.ping, payload }))
    for (let n = 0; n < 1_000; n++) ping('while it does not read')
    // This ping was read after all of them, as its pong shows.
    peer.send({ type: 'publish', channel: 'topic:x', event: 'said', data: 1 })
    await eventually('the message', async () => (await newestId(server)) !== last)
    peer.socket.resume()
    await peer.until('everything', sees(peer, await newestId(server)))
    await eventually('nothing waiting', async () => (await stats(server)).bytes.pending === 0)
    ping('when it reads')
    await peer.until('the pong', () => peer.frames.some(({ opcode }) => opcode === OPCODE.pong))
    const pongs = peer.frames.filter(({ opcode }) => opcode === OPCODE.pong)
    expect(pongs.map(({ payload }) => String(payload))).toEqual(['when it reads'])
  })

  it('[W54] [W55] counts as alive while it takes some of what is pending, and no longer', {
    timeout: 60_000,
  }, async () => {
    await using server = await startTestServer({ heartbeatMs: 900 })
    const { attempt } = await makeWork(server)
    // Neither of them answers pings.
    await using peer = await listenTo(server, attempt.id)
    await using deaf = await listenTo(server, attempt.id)
    for (const { socket } of [peer, deaf]) socket.pause()
    const flooding = flood(server, attempt.id)
    await eventually('the end of the deaf one', async () => {
      const { behind, total } = (await stats(server)).connections
      await sip(peer)
      return behind === 1 && total === 1
    })
    expect(peer.closeCode).toBeUndefined()
    const last = await flooding
    peer.socket.resume()
    await peer.until('the last line', sees(peer, last))
    expect(numbers(peer)).toEqual(all)
    deaf.socket.resume()
    expect(await deaf.untilCloseCode()).toBe(4408)
  })
})

/** Reads some of what is pending, and gives the server some time. */
async function sip(peer: RawSocket): Promise<void> {
  const enough = peer.bytes + 600_000
  peer.socket.resume()
  await peer.until('a sip', () => peer.bytes >= enough || peer.closeCode !== undefined)
  peer.socket.pause()
  await new Promise((resolve) => setTimeout(resolve, 150))
}
