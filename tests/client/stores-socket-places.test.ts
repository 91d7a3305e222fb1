/**
 * Where the socket of `useWebSocket` resumes each channel, and which events it delivers once, with fake sockets and a fake
 * clock.
 */
import { expect, test } from 'vitest'
import { MessageRate } from '../../src/ws/message-rate.ts'
import type { Frame } from '../../web/client/base/types.ts'
import { ChannelSocket, type SocketOptions } from '../../web/client/socket/channel-socket.ts'
import { at, type FakeSocket, fakeSockets } from './support/fake-socket.ts'
import { HandClock } from './support/stub-hub.ts'

/** Long names: an address has room for only a few of them, and the others are joined by messages. */
const long = (n: number) => `topic:${'x'.repeat(190)}${String(n).padStart(3, '0')}`
const FITS = Math.floor(6_000 / (long(0).length + 1))

function open(options: Partial<SocketOptions> = {}) {
  const { made, WebSocket } = fakeSockets()
  const clock = new HandClock()
  const heard: Frame[] = []
  const socket = new ChannelSocket({
    baseUrl: 'http://hub',
    channels: ['topic:t'],
    WebSocket,
    clock,
    onEvent: (event) => heard.push(event),
    ...options,
  })
  socket.open()
  /** The newest. */
  const now = (): FakeSocket => made.at(-1) as FakeSocket
  return {
    socket,
    clock,
    heard,
    made,
    now,
    /** Cuts the connection, and answers the next one. */
    again() {
      now().cut()
      clock.advance(12_000)
      return now()
    },
  }
}

test('[CB21] a hundred channels cost no message: the address opens them, and resumes them at one cursor', () => {
  const channels = Array.from({ length: 100 }, (_, n) => `topic:t${n}`)
  const { socket, now, again } = open({ channels })
  expect(now().named).toEqual([channels.join(), null])
  now().hear({ type: 'connected' })
  expect(socket.get().connected).toBe(false)
  now().event('*', 'hello', 5, { resumed: false, heartbeatMs: 15_000 })
  expect(socket.get()).toMatchObject({ connected: true, connecting: false })
  now().event('topic:t7', 'n', 8)
  expect(now().sent).toEqual([])
  expect(again().named).toEqual([channels.join(), at(8)])
})

test('[CB21] a channel without events since its acknowledgement resumes from there', () => {
  const { now, again } = open()
  now().open(5, false)
  expect(again().named).toEqual(['topic:t', at(5)])
})

test('[CB21] only channels that this connection has acknowledged advance', () => {
  const channels = Array.from({ length: FITS + 40 }, (_, n) => long(n))
  const { now, again, clock } = open({ channels })
  now().open(5, false)
  for (let second = 0; second < 10; second++) {
    now().acknowledge()
    clock.advance(1_000)
  }
  now().event('*', 'heartbeat', 10)
  const second = again()
  expect(second.named).toEqual([channels.slice(0, FITS).join(), at(10)])
  second.open(10)
  // The first burst is acknowledged; the others are queued.
  second.acknowledge()
  second.event('*', 'heartbeat', 20)
  second.event('*', 'agent_registered', 21)
  clock.advance(1_000)
  expect(second.sent.map(({ since }) => since)).toEqual(second.sent.map(() => at(10)))
  expect(second.sent.length).toBeGreaterThan(0)
  const third = again()
  // As many as fit of the channels at 21; those that were not acknowledged resume from 10.
  third.open(21)
  for (let each = 0; each < 10; each++) {
    for (const { channel, since } of third.sent) {
      const wasHeld = channels.indexOf(String(channel)) < FITS + 15
      expect([channel, since]).toEqual([channel, at(wasHeld ? 21 : 10)])
    }
    third.acknowledge()
    clock.advance(1_000)
  }
})

test('[CB21] messages to join channels stay within the rate limit, whatever the user sends', () => {
  const channels = Array.from({ length: FITS + 60 }, (_, n) => long(n))
  const { socket, now, clock } = open({ channels })
  const rate = new MessageRate(clock.now())
  const verdicts: string[] = []
  now().onSend = () => verdicts.push(rate.take(clock.now()))
  now().open(5, false)
  for (let tenth = 0; tenth < 200; tenth++) {
    if (tenth % 3 === 0) expect(socket.send({ type: 'ping' })).toBe(true)
    now().acknowledge()
    clock.advance(100)
  }
  expect(new Set(verdicts)).toEqual(new Set(['carry out']))
  expect(socket.get().connected).toBe(true)
})

test('[CB21] a join that was refused for its rate is repeated when the limit allows', () => {
  const { socket, now, clock } = open()
  now().open(5, false)
  socket.join('topic:u')
  const [request] = now().sent.splice(0)
  now().hear({ type: 'ack', id: request?.id, success: false, code: 'RATE_LIMITED', message: 'slower' })
  expect([now().sent, socket.get().error]).toEqual([[], null])
  clock.advance(1_000)
  expect(now().sent).toEqual([request])
})

test('[CB21] a board starts with its snapshot until that has come, then resumes from its cursor', () => {
  const { now, again } = open({ channels: ['board:a', 'topic:t'] })
  now().open(5, false)
  // Cut before the snapshot: the topic resumes, and the board starts again.
  let next = again()
  expect(next.named).toEqual(['topic:t', at(5)])
  next.open(5)
  expect(next.sent).toEqual([{ type: 'subscribe', channel: 'board:a', id: '+board:a' }])
  next.acknowledge()
  next.event('board:a', 'state', 6, {})
  next = again()
  expect(next.named).toEqual(['board:a,topic:t', at(6)])
})

test('[CB21] an id with more frames to come is not a cursor', () => {
  const { now, again } = open({ channels: ['global'] })
  now().open(5, false)
  now().event('global', 'agent.registered', 6)
  now().event('*', 'agent_registered', 7, {}, { more: true })
  expect(again().named).toEqual(['global', at(6)])
})

test('[CB21] stored events are delivered once, and other frames as often as they are sent', () => {
  const { now, heard, socket } = open({ channels: ['agent:a', 'metrics', 'dashboard', 'topic:t'] })
  now().open(5, false)
  for (let n = 0; n < 3; n++) {
    now().event('agent:a', 'agent.heartbeat', 5, { n })
    now().event('metrics', 'metric.update', 5, { n })
    now().event('dashboard', 'dashboard_overview', 5, { n })
    now().event('topic:t', 'n', 6, { n })
    now().event('*', 'agent_registered', 7, { n })
  }
  expect(heard.map(({ event, data }) => `${event} ${(data as { n: number }).n}`)).toEqual([
    'agent.heartbeat 0',
    'metric.update 0',
    'dashboard_overview 0',
    'n 0',
    'agent_registered 0',
    ...[1, 2].flatMap((n) => [`agent.heartbeat ${n}`, `metric.update ${n}`, `dashboard_overview ${n}`]),
  ])
  expect(socket.get().lastMessage?.data).toEqual({ n: 2 })
})

test('[CB21] an event to everyone before the acknowledgement advances no channel', () => {
  const { now, again, heard } = open({ channels: ['topic:t', 'board:gone'] })
  now().open(5, false)
  now().event('board:gone', 'board_deleted', 6, { boardId: 'gone' })
  // Now the board is joined by a message, so that its refusal does not affect the topic.
  const next = again()
  expect(next.named).toEqual(['topic:t', at(6)])
  next.hear({ type: 'connected' })
  next.event('*', 'agent_registered', 9)
  expect(again().named).toEqual(['topic:t', at(6)])
  const last = now()
  last.open(6)
  last.event('*', 'agent_registered', 9)
  expect(heard.map(({ id }) => id)).toEqual([at(6), at(9)])
})

test('[CB21] after an address is refused, boards are joined one by one', () => {
  const { socket, now, clock, made } = open({ channels: ['board:gone', 'board:here', 'topic:t'] })
  now().cut(1008, 'Board not found')
  clock.advance(12_000)
  expect(now().named).toEqual(['topic:t', null])
  now().open(5, false)
  expect(now().sent.map(({ channel }) => channel)).toEqual(['board:gone', 'board:here'])
  now().hear({ type: 'ack', id: '+board:gone', success: false, code: 'INVALID_CHANNEL', message: 'no such board' })
  now().hear({ type: 'ack', id: '+board:here', success: true })
  expect(socket.get()).toMatchObject({ connected: true, error: { message: 'INVALID_CHANNEL: no such board' } })
  now().event('board:here', 'state', 6)
  now().cut()
  clock.advance(12_000)
  expect(now().named).toEqual(['board:here,topic:t', at(6)])
  // If it is refused without a board in the address, it does not reconnect.
  socket.leave('board:here')
  now().cut()
  clock.advance(12_000)
  now().cut(1008)
  clock.advance(600_000)
  expect([made.length, socket.get().connecting]).toEqual([4, false])
})

test('[CB22] delays grow with a server that accepts and drops, until a connection is open for a minute', () => {
  const { clock, made, now } = open()
  const openAndBeat = () => {
    now().open(5)
    now().event('*', 'heartbeat', 5)
  }
  let handled = 0
  for (let passedMs = 0; passedMs < 300_000; passedMs += 100) {
    if (handled < made.length) {
      handled = made.length
      openAndBeat()
      now().cut()
    }
    clock.advance(100)
  }
  // 12 s at most, 6 s on average, and less at first.
  expect(made.length).toBeLessThan(100)
  if (handled === made.length) clock.advance(12_000)
  openAndBeat()
  for (let beats = 0; beats < 4; beats++) {
    clock.advance(15_000)
    now().event('*', 'heartbeat', 5)
  }
  const before = made.length
  now().cut()
  clock.advance(1_500)
  expect(made.length).toBe(before + 1)
})

test('[CB22] unreadable messages do no harm', () => {
  const { socket, now, heard } = open()
  now().open(5)
  for (const data of [null, 'text', 7]) now().hear(data as unknown as object)
  now().hear({ type: 'event', id: 7 })
  for (const event of ['gap', 'draining', 'hello']) now().event('*', event, 5, null)
  now().event('topic:t', 'n', 6)
  expect([heard.map(({ event }) => event), socket.get().connected]).toEqual([['gap', 'n'], true])
  expect(socket.get().error?.message).toContain('not a JSON object')
})

test('[CB21] a gap gives the channels a new cursor, and another log has its own ids', () => {
  const { now, again, heard } = open({ channels: ['topic:t', 'board:a'] })
  now().open(5, false)
  now().event('board:a', 'state', 5)
  now().event('topic:t', 'n', 50)
  const next = again()
  expect(next.named).toEqual(['topic:t,board:a', at(50)])
  next.open(7, false)
  next.event('*', 'gap', 7, { requested: at(50), oldest: at(0), reason: 'invalid' })
  expect(again().named).toEqual(['topic:t', at(7)])
  const last = now()
  last.open(7)
  last.event('topic:t', 'n', 50)
  expect(heard.map(({ event, id }) => `${event} ${id}`)).toEqual([
    `state ${at(5)}`,
    `n ${at(50)}`,
    `gap ${at(7)}`,
    `n ${at(50)}`,
  ])
})

test('[CB21] names of any length, views, and invalid names', () => {
  const longest = `topic:${'x'.repeat(240)}`
  const { socket, now } = open({ channels: ['no channel', 'board:a;full', 'agents/x'] })
  expect(now().named[0]).toBe('board:a;full,agents/x')
  now().open(5, false)
  now().event('board:a', 'state', 5)
  expect(now().sent).toEqual([{ type: 'subscribe', channel: 'no channel', id: '+no channel' }])
  now().hear({ type: 'ack', id: '+no channel', success: false, code: 'INVALID_CHANNEL', message: 'no' })
  expect(socket.get().connected).toBe(true)
  socket.join('agent:x')
  socket.join(longest)
  const request = now().sent.at(-1)
  expect([request?.channel, String(request?.id).length <= 200]).toEqual([longest, true])
  now().acknowledge()
  socket.leave(longest)
  expect(now().sent).toEqual([expect.objectContaining({ type: 'unsubscribe', channel: longest })])
})
