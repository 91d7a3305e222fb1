/** The socket of `useWebSocket` against a real server. */
import { describe, expect, test } from 'vitest'
import { WebSocket as NodeSocket } from 'ws'
import type { WebSocketMaker } from '../../web/client/base/options.ts'
import type { Frame } from '../../web/client/base/types.ts'
import { ChannelSocket, type SocketOptions } from '../../web/client/socket/channel-socket.ts'
import { makeBoard, makeCard } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { HandClock } from './support/stub-hub.ts'
import { until } from './support/until.ts'

function connect(
  server: TestServer,
  options: Partial<SocketOptions> = {},
): ChannelSocket & { heard: Frame[] } & Disposable {
  const heard: Frame[] = []
  const socket = new ChannelSocket({
    baseUrl: server.url,
    channels: ['topic:t'],
    WebSocket: NodeSocket as unknown as WebSocketMaker,
    onEvent: (event) => heard.push(event),
    ...options,
  })
  socket.open()
  return Object.assign(socket, { heard, [Symbol.dispose]: socket.close })
}

const names = (heard: readonly Frame[]) => heard.map(({ event, data }) => `${event} ${JSON.stringify(data)}`)
const numbers = (heard: readonly Frame[]) => heard.map(({ data }) => (data as { n: number }).n)
const post = (server: TestServer, n: number, topic = 't') =>
  server.post(`/topics/${topic}/events`, { event: 'n', data: { n } })

describe('a channel socket', () => {
  test('[CB20] gets its channels’ events, publishes, and shows the presence of its agent', async () => {
    await using server = await startTestServer()
    using watcher = connect(server, { channels: ['agent:me', 'topic:t'] })
    await until(watcher, 'connected', ({ connected }) => connected)
    using socket = connect(server, { agentId: 'me' })
    expect(socket.get()).toMatchObject({ connected: false, connecting: true })
    expect(socket.send({ type: 'ping' })).toBe(false)
    await until(watcher, 'the agent', ({ lastMessage }) => lastMessage?.event === 'agent.connected')
    await until(socket, 'connected', ({ connected }) => connected)
    expect(socket.send({ type: 'publish', channel: 'topic:t', event: 'hi', data: { a: 1 } })).toBe(true)
    await until(socket, 'its own event', ({ lastMessage }) => lastMessage?.event === 'hi')
    expect(names(socket.heard)).toEqual(['hi {"a":1}'])
    socket.send({ type: 'nonsense' })
    const { error, connected } = await until(socket, 'the error', ({ error }) => error !== null)
    expect([error?.message.split(':')[0], connected]).toEqual(['UNKNOWN_MESSAGE_TYPE', true])
  })

  test('[CB20] reconnects, and every event comes once, however many channels show it', async () => {
    await using server = await startTestServer()
    using socket = connect(server, { channels: ['topic:t', 'topic:u', 'global'] })
    await until(socket, 'connected', ({ connected }) => connected)
    let sent = 0
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 20; n++) await post(server, sent++, n % 2 ? 't' : 'u')
      await until(socket, 'all', () => socket.heard.length >= sent)
      await server.restart()
    }
    await post(server, sent)
    await until(socket, 'the last', () => numbers(socket.heard).includes(sent))
    expect(numbers(socket.heard).toSorted((a, b) => a - b)).toEqual(Array.from({ length: sent + 1 }, (_, n) => n))
    // In order on each channel: missed events come one channel after the other.
    for (const topic of ['topic:t', 'topic:u']) {
      const received = numbers(socket.heard.filter(({ channel }) => channel === topic))
      expect(received).toEqual(received.toSorted((a, b) => a - b))
    }
    expect(socket.get().connected).toBe(true)
  })

  test('[CB20] more channels than the burst limit are joined, and channels can be joined and left', async () => {
    await using server = await startTestServer()
    const channels = Array.from({ length: 30 }, (_, n) => `topic:t${n}`)
    using socket = connect(server, { channels })
    await until(socket, 'connected', ({ connected }) => connected)
    for (const n of channels.keys()) await post(server, n, `t${n}`)
    await until(socket, 'all', () => socket.heard.length === 30)
    socket.leave('topic:t0')
    socket.join('topic:new')
    // Both requests are repeated, because the burst had used up the limit.
    for (let tries = 0; !socket.heard.some(({ channel }) => channel === 'topic:new'); tries++) {
      expect(tries).toBeLessThan(5_000)
      await post(server, 1, 'new')
    }
    const { length } = socket.heard
    for (const topic of ['t0', 't1']) await post(server, 1, topic)
    await until(socket, 'the last', ({ lastMessage }) => lastMessage?.channel === 'topic:t1')
    expect(socket.heard.slice(length).filter(({ channel }) => channel === 'topic:t0')).toEqual([])
  })

  test('[CB21] a hundred channels resume exactly where they were after a restart, and none is refused', async () => {
    await using server = await startTestServer({ heartbeatMs: 1_000 })
    const messages: string[] = []
    class Loud extends NodeSocket {
      constructor(url: string) {
        super(url)
        this.on('message', (text) => messages.push(String(text)))
        this.on('close', (code) => messages.push(`closed ${code}`))
      }
    }
    // Half of them do not fit into the address, and are joined by messages between heartbeats.
    const topics = Array.from({ length: 60 }, (_, n) => `${n}${n < 20 ? '' : `-${'x'.repeat(180)}`}`)
    const channels = topics.map((topic) => `topic:${topic}`)
    using socket = connect(server, { channels, WebSocket: Loud as unknown as WebSocketMaker })
    await until(socket, 'connected', ({ connected }) => connected, 30_000)
    for (const [n, topic] of topics.entries()) await post(server, n, topic)
    await until(socket, 'all', () => socket.heard.length === topics.length)
    await server.restart()
    for (const [n, topic] of topics.entries()) await post(server, 1_000 + n, topic)
    await until(socket, 'what was missed', () => socket.heard.length >= 2 * topics.length, 30_000)
    expect(numbers(socket.heard).toSorted((a, b) => a - b)).toEqual([
      ...topics.map((_, n) => n),
      ...topics.map((_, n) => 1_000 + n),
    ])
    await until(socket, 'connected', ({ connected }) => connected)
    expect(messages.filter((text) => /RATE_LIMITED|closed (?!1001)/.test(text))).toEqual([])
  })

  test('[CB21] all heartbeats of an agent come, though they have no ids of their own', async () => {
    await using server = await startTestServer()
    using socket = connect(server, { channels: ['agent:a'] })
    await until(socket, 'connected', ({ connected }) => connected)
    for (let n = 0; n < 3; n++) await server.post('/agents/a/heartbeat', {})
    await until(socket, 'three', () => socket.heard.filter(({ event }) => event === 'agent.heartbeat').length === 3)
  })

  test('[CB21] a deleted board does not affect the other channels', async () => {
    await using server = await startTestServer()
    const [kept, gone] = [(await makeBoard(server)).id, (await makeBoard(server)).id]
    using socket = connect(server, { channels: [`board:${kept}`, `project:${gone}`, 'topic:t'] })
    await until(socket, 'connected', ({ connected }) => connected)
    await server.call('DELETE', `/boards/${gone}`)
    await server.restart()
    await post(server, 1)
    const { eventId } = await makeCard(server, kept)
    await until(socket, 'the card', () => socket.heard.some(({ id }) => id === eventId), 30_000)
    expect(numbers(socket.heard.filter(({ event }) => event === 'n'))).toEqual([1])
  })

  test('[CB20] it stays closed after close; a silence ends the socket', () => {
    const made: FakeSocket[] = []
    class FakeSocket {
      readonly readyState = 1
      readonly listeners = new Map<string, (event: { data?: unknown; code?: number }) => void>()
      isClosed = false
      constructor() {
        made.push(this)
      }
      addEventListener(name: string, listener: (event: { data?: unknown; code?: number }) => void): void {
        this.listeners.set(name, listener)
      }
      send(): void {}
      close(): void {
        this.isClosed = true
      }
      hear(message: object): void {
        this.listeners.get('message')?.({ data: JSON.stringify(message) })
      }
    }
    const clock = new HandClock()
    const socket = new ChannelSocket({ baseUrl: 'http://x', channels: [], WebSocket: FakeSocket, clock })
    socket.open()
    made[0]?.hear({ type: 'connected' })
    expect(socket.get()).toMatchObject({ connected: true })
    clock.advance(37_499)
    expect(made[0]?.isClosed).toBe(false)
    clock.advance(1)
    expect(made[0]?.isClosed).toBe(true)
    expect(socket.get()).toMatchObject({ connected: false, connecting: true })
    clock.advance(1_500)
    expect(made.length).toBe(2)
    made[1]?.hear({ type: 'connected' })
    socket.close()
    clock.advance(600_000)
    expect([made.length, clock.waiting]).toEqual([2, 0])
    socket.open()
    made[2]?.listeners.get('close')?.({ code: 1008 })
    clock.advance(600_000)
    expect(made.length).toBe(3)
    expect(socket.get()).toMatchObject({ connected: false, connecting: false })
  })
})
