/**
 * The one stream of a client, with a fake clock and a fake transport.
 *
 * CL1  One stream for all subscriptions: those of one task are one request, and another channel is one more, from the
 *      cursor. The stream is closed 5 s after the last subscription.
 * CL2  The phases: idle, connecting, open; reconnecting until it is open again; offline without a network.
 * CL3  After a failure it waits up to 1.5 s, doubling to 12 s, on top of the server's `retry`; after eight in a row the phase
 *      is `stopped` with `unreachable`, and it tries every minute, on waking and by hand. 60 s of health reset the count.
 * CL4  401, 403, 404, 204 and other refusals stop at once, until something changes.
 * CL5  The server's delays are respected: Retry-After, `draining`, `overloaded`.
 * CL6  After a silence of 2.5 heartbeats a stream is dead.
 * CL7  `auth` is called again before every request.
 * CL8  A refused channel does not affect the others.
 * CT4  Which answers stop at once, and which are temporary.
 * CT5  A stream that sent hello was a success, however short.
 * CT6  No loop without a pause.
 * CL9  Unreadable frames and unknown events are counted.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { fullBackoff } from '../../web/client/base/backoff.ts'
import type { StreamListener } from '../../web/client/base/types.ts'
import type { Connection, ConnectionOptions } from '../../web/client/connection/connection.ts'
import type { StreamEnd } from '../../web/client/connection/transport.ts'
import { FakeClock, settled } from './support/fake-clock.ts'
import { fakeConnection } from './support/fake-connection.ts'
import { EPOCH, FakeTransport } from './support/fake-transport.ts'

const at = (seq: number) => `${EPOCH}-${seq}`
const undo: Array<() => void> = []
afterEach(() => {
  for (const step of undo.splice(0)) step()
})

interface Setup {
  readonly clock: FakeClock
  readonly transport: FakeTransport
  readonly connection: Connection
  readonly startedAt: number
  readonly received: string[]
  want(...channels: string[]): Promise<void>
}

function setUp(options: Partial<ConnectionOptions> = {}): Setup {
  const clock = new FakeClock()
  const transport = new FakeTransport()
  const received: string[] = []
  const listener: StreamListener = {
    frame: ({ event, id }, isCheckpoint) => received.push(`${event} ${id}${isCheckpoint ? '' : ' incomplete'}`),
    checkpoint: (id) => received.push(`checkpoint ${id}`),
    covered: (channels, cursor) => received.push(`covered ${[...channels]} from ${cursor}`),
    gap: ({ reason }) => received.push(`gap ${reason}`),
    refused: (channels, error) => received.push(`refused ${channels} ${error.status}`),
  }
  const connection = fakeConnection({ transport, clock, listener, ...options })
  undo.push(() => connection.close())
  return {
    clock,
    transport,
    connection,
    startedAt: clock.now(),
    received,
    async want(...channels) {
      connection.want(new Set(channels), new Set())
      await clock.pass(0)
    },
  }
}

function phase({ connection }: Setup): string {
  const { phase, stop } = connection.status.get()
  return stop ? `${phase} ${stop.reason}` : phase
}

/** The delay before the next attempt. */
function waitMs({ connection, clock }: Setup): number {
  return (connection.status.get().nextRetryAt ?? Number.NaN) - clock.now()
}

describe('one stream', () => {
  test('[CL1] all subscriptions of one task are one request', async () => {
    const it = setUp()
    it.connection.want(new Set(['agent:a']), new Set())
    it.connection.want(new Set(['agent:a', 'board:b', 'topic:t', 'attempt:x', 'global']), new Set())
    expect(it.transport.streams).toHaveLength(0)
    await it.clock.pass(0)
    // Channels whose frames show which other channels they belong to are named first.
    expect(it.transport.streams.map(({ channels }) => channels)).toEqual(['topic:t,board:b,global,agent:a,attempt:x'])
    expect(it.transport.stream.request.cursor).toBeNull()
  })

  test('[CL1] another channel is another request, from the cursor', async () => {
    const it = setUp()
    await it.want('agent:a')
    it.transport.stream.hello({ seq: 3 })
    it.transport.stream.frame('agent:a', 'output', {}, { seq: 5 })
    await it.want('agent:a', 'agent:b')
    expect(it.transport.streams).toHaveLength(2)
    expect(it.transport.streams[0]?.isClosed).toBe(true)
    expect(it.transport.stream.request).toMatchObject({ channels: ['agent:a', 'agent:b'], cursor: at(5) })
    expect(phase(it)).toBe('open')
    it.transport.stream.hello({ seq: 5 })
    expect(it.received).toEqual([
      `covered agent:a from ${at(3)}`,
      `output ${at(5)}`,
      `covered agent:a,agent:b from ${at(5)}`,
    ])
  })

  test('[CL1] removing a channel sends no request, and removing the last one ends the stream', async () => {
    const it = setUp()
    await it.want('agent:a', 'agent:b')
    it.transport.stream.hello({ seq: 3 })
    await it.want('agent:a')
    await it.want('agent:b')
    expect(it.transport.streams).toHaveLength(1)
    await it.want()
    expect(it.transport.stream.isClosed).toBe(true)
    expect(phase(it)).toBe('idle')
    // The next subscription begins from now.
    await it.want('agent:c')
    expect(it.transport.stream.request.cursor).toBeNull()
  })

  test('[CL2] goes through idle, connecting, open, reconnecting, open and stopped', async () => {
    const it = setUp()
    const phases: string[] = []
    it.connection.status.subscribe(() => phases.at(-1) !== phase(it) && phases.push(phase(it)))
    expect(phase(it)).toBe('idle')
    await it.want('agent:a')
    it.transport.stream.hello()
    it.transport.stream.end()
    await it.clock.pass(1_500)
    it.transport.stream.hello()
    it.connection.close()
    expect(phases).toEqual(['connecting', 'open', 'reconnecting', 'open', 'stopped closed'])
    it.transport.stream.hello()
    expect(phase(it)).toBe('stopped closed')
    expect(it.clock.waiting).toEqual([])
  })
})

describe('failures', () => {
  test('[CL3] delays double from 1.5 s to 12 s; after the eighth failure it stops, and tries every minute', async () => {
    const it = setUp()
    await it.want('agent:a')
    for (const ceiling of [1_500, 3_000, 6_000, 12_000, 12_000, 12_000, 12_000]) {
      it.transport.stream.end()
      expect(waitMs(it)).toBeGreaterThanOrEqual(0)
      expect(waitMs(it)).toBeLessThanOrEqual(ceiling)
      expect(phase(it)).toBe('reconnecting')
      await it.clock.pass(waitMs(it))
    }
    const { length } = it.transport.streams
    it.transport.stream.end({ detail: 'refused' })
    expect(phase(it)).toBe('stopped unreachable')
    expect(waitMs(it)).toBe(60_000)
    await it.clock.pass(59_999)
    expect(it.transport.streams).toHaveLength(length)
    await it.clock.pass(1)
    expect(it.transport.streams).toHaveLength(length + 1)
    it.transport.stream.end()
    expect(phase(it)).toBe('stopped unreachable')
    it.connection.reconnect()
    await settled()
    expect(it.transport.streams).toHaveLength(length + 2)
    it.transport.stream.hello()
    expect(phase(it)).toBe('open')
  })

  test('[CL3] jitter is full, and is added to the server’s retry', async () => {
    const it = setUp({ backoff: fullBackoff({ failures: 1_000, firstMs: 1_000, maxMs: 1_000 }) })
    await it.want('agent:a')
    it.transport.stream.retry(700)
    const waits: number[] = []
    for (let failure = 0; failure < 200; failure++) {
      it.transport.stream.end()
      waits.push(waitMs(it))
      await it.clock.pass(waitMs(it))
    }
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(700)
    expect(Math.min(...waits)).toBeLessThan(800)
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_700)
    expect(Math.max(...waits)).toBeGreaterThan(1_600)
  })

  test('[CL3] only an open stream of 60 s resets the count', async () => {
    const it = setUp()
    await it.want('agent:a')
    for (let failure = 1; failure <= 4; failure++) {
      it.transport.stream.hello()
      await it.clock.pass(20_000)
      it.transport.stream.end()
      expect(it.connection.status.get().attempt).toBe(failure)
      await it.clock.pass(waitMs(it))
    }
    it.transport.stream.hello()
    await it.clock.pass(30_000)
    it.transport.stream.heartbeat(1)
    await it.clock.pass(30_000)
    expect(it.connection.status.get().attempt).toBe(0)
    it.transport.stream.end()
    expect(it.connection.status.get().attempt).toBe(1)
  })

  test('[CT5] streams that sent hello and ended cleanly are not failures, however short and many', async () => {
    const it = setUp()
    await it.want('agent:a')
    it.transport.stream.retry(700)
    for (let stream = 1; stream <= 20; stream++) {
      it.transport.stream.hello()
      it.transport.stream.end({ isCleanEnd: true })
      expect(phase(it)).toBe('reconnecting')
      expect(it.connection.status.get().attempt).toBe(0)
      expect(waitMs(it)).toBeGreaterThanOrEqual(700)
      expect(waitMs(it)).toBeLessThanOrEqual(700 + 1_500)
      await it.clock.pass(waitMs(it))
      expect(it.transport.streams).toHaveLength(stream + 1)
    }
  })

  test('[CT5] without a retry from the server the pause is the default one', async () => {
    const it = setUp()
    await it.want('agent:a')
    const waits: number[] = []
    for (let stream = 0; stream < 100; stream++) {
      it.transport.stream.hello()
      it.transport.stream.end({ isCleanEnd: true })
      waits.push(waitMs(it))
      await it.clock.pass(waitMs(it))
    }
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1_200)
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_800 + 1_500)
    expect(new Set(waits).size).toBeGreaterThan(50)
  })

  test('[CT5] a clean end without hello is a failure', async () => {
    const it = setUp()
    await it.want('agent:a')
    for (let failure = 1; failure <= 8; failure++) {
      await it.clock.pass(failure === 1 ? 0 : waitMs(it))
      it.transport.stream.end({ isCleanEnd: true })
      expect(it.connection.status.get().attempt).toBe(failure)
    }
    expect(phase(it)).toBe('stopped unreachable')
  })

  test('[CT5] after streams that break off the delay grows, but they never lead to unreachable', async () => {
    const it = setUp()
    await it.want('agent:a')
    const waits: number[] = []
    for (let stream = 0; stream < 200; stream++) {
      it.transport.stream.hello()
      it.transport.stream.end()
      expect(phase(it)).toBe('reconnecting')
      waits.push(waitMs(it))
      await it.clock.pass(waitMs(it))
    }
    expect(waits[0]).toBeLessThanOrEqual(1_500)
    expect(Math.max(...waits)).toBeLessThanOrEqual(12_000)
    // Full jitter up to 12 s is six seconds on average.
    expect(waits.reduce((sum, wait) => sum + wait, 0) / waits.length).toBeGreaterThan(4_000)
  })

  test('[CT5] clean ends do not reset the failures, and a server that answered is no longer unreachable', async () => {
    const it = setUp()
    await it.want('agent:a')
    for (let failure = 1; failure <= 8; failure++) {
      it.transport.stream.end()
      await it.clock.pass(waitMs(it))
    }
    expect(it.connection.status.get().attempt).toBe(8)
    it.transport.stream.hello()
    it.transport.stream.end({ isCleanEnd: true })
    expect(it.connection.status.get()).toMatchObject({ phase: 'reconnecting', attempt: 7 })
  })

  test('[CT6] after auth_expired on every stream, only the first reconnect is immediate', async () => {
    const it = setUp()
    await it.want('agent:a')
    for (let stream = 0; stream < 50; stream++) {
      it.transport.stream.hello()
      it.transport.stream.frame('*', 'auth_expired', {}, { seq: 0, isCheckpoint: false })
      it.transport.stream.end({ isCleanEnd: true })
      if (stream === 0) expect(waitMs(it)).toBe(0)
      await it.clock.pass(waitMs(it))
    }
    expect(it.clock.now() - it.startedAt).toBeGreaterThan(20_000)
  })

  test('[CT6] after draining or overloaded without a delay it still waits', async () => {
    const it = setUp()
    await it.want('agent:a')
    for (const event of ['draining', 'overloaded']) {
      it.transport.stream.hello()
      it.transport.stream.frame('*', event, {}, { seq: 0, isCheckpoint: false })
      it.transport.stream.end({ isCleanEnd: true })
      expect(waitMs(it)).toBe(1_500)
      await it.clock.pass(1_500)
    }
  })

  test.each([
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [400, 'refused'],
    [204, 'no-content'],
    [205, 'refused'],
    [210, 'refused'],
    [299, 'refused'],
    [304, 'refused'],
    [410, 'refused'],
    [451, 'refused'],
  ])('[CL4] [CT4] %i stops at once: %s', async (status, reason) => {
    const it = setUp()
    await it.want('agent:a')
    it.transport.stream.end({ status })
    await it.clock.pass(600_000)
    expect(phase(it)).toBe(`stopped ${reason}`)
    expect(it.connection.status.get().stop?.status).toBe(status)
    expect(it.transport.streams).toHaveLength(1)
    it.connection.reconnect()
    await settled()
    it.transport.stream.hello()
    expect(phase(it)).toBe('open')
  })

  test.each([408, 425, 429, 500, 501, 502, 503, 504, 599])('[CT4] %i is temporary', async (status) => {
    const it = setUp()
    await it.want('agent:a')
    it.transport.stream.end({ status })
    expect(phase(it)).toBe('reconnecting')
    await it.clock.pass(waitMs(it))
    it.transport.stream.hello()
    expect(phase(it)).toBe('open')
  })

  test('[CL4] a refusal whose status the transport cannot see is probed', async () => {
    const answers: StreamEnd[] = [{ status: 503, retryAfterMs: 20_000 }, { status: 401 }]
    const it = setUp({ probe: async () => answers.shift() ?? {} })
    await it.want('agent:a')
    it.transport.stream.end({ isRefusal: true })
    await settled()
    expect(waitMs(it)).toBe(20_000)
    await it.clock.pass(20_000)
    it.transport.stream.end({ isRefusal: true })
    await settled()
    expect(phase(it)).toBe('stopped unauthenticated')
  })

  test('[CL5] Retry-After is the minimum delay', async () => {
    const it = setUp()
    await it.want('agent:a')
    it.transport.stream.end({ status: 503, retryAfterMs: 30_000 })
    expect(waitMs(it)).toBe(30_000)
    await it.clock.pass(30_000)
    it.transport.stream.end({ status: 429, retryAfterMs: 45_000 })
    expect(waitMs(it)).toBe(45_000)
    expect(phase(it)).toBe('reconnecting')
  })

  test('[CL5] [CA6] draining and overloaded are not failures: they give the delay', async () => {
    const it = setUp()
    await it.want('agent:a')
    for (const event of ['draining', 'overloaded']) {
      it.transport.stream.hello()
      it.transport.stream.frame('*', event, { retryMs: 2_345 }, { seq: 0, isCheckpoint: false })
      it.transport.stream.end()
      expect(waitMs(it)).toBe(2_345)
      expect(it.connection.status.get().attempt).toBe(0)
      await it.clock.pass(2_345)
    }
    expect(it.transport.streams).toHaveLength(3)
  })

  test('[CL6] a silence of 2.5 heartbeats ends the stream, and another is opened at once', async () => {
    const it = setUp()
    await it.want('agent:a')
    it.transport.stream.hello({ heartbeatMs: 1_000, seq: 7 })
    await it.clock.pass(2_000)
    it.transport.stream.heartbeat(9)
    await it.clock.pass(2_499)
    expect(it.transport.streams).toHaveLength(1)
    await it.clock.pass(1)
    expect(it.transport.streams[0]?.isClosed).toBe(true)
    expect(it.transport.streams).toHaveLength(2)
    expect(it.transport.stream.request.cursor).toBe(at(9))
    // Another one without hello is a normal failure.
    await it.clock.pass(2_500)
    expect(it.connection.status.get().attempt).toBe(1)
    expect(phase(it)).toBe('reconnecting')
  })

  test('[CL6] heartbeatTimeoutMs replaces the server’s interval', async () => {
    const it = setUp({ heartbeatTimeoutMs: 400 })
    await it.want('agent:a')
    it.transport.stream.hello({ heartbeatMs: 200 })
    await it.clock.pass(400)
    expect(it.transport.streams).toHaveLength(2)
  })

  test('[CL6] heartbeatTimeoutMs is at least 1.5 heartbeats, once the interval is known', async () => {
    const it = setUp({ heartbeatTimeoutMs: 400 })
    await it.want('agent:a')
    await it.clock.pass(399)
    it.transport.stream.hello({ heartbeatMs: 15_000 })
    await it.clock.pass(22_499)
    expect(it.transport.streams).toHaveLength(1)
    await it.clock.pass(1)
    expect(it.transport.streams).toHaveLength(2)
  })

  test('[CL7] auth is called before every stream; if it throws, that is a failure', async () => {
    let asked = 0
    const it = setUp({
      auth: async () => {
        asked += 1
        if (asked === 2) throw new Error('login service is away')
        return `token-${asked}`
      },
    })
    await it.want('agent:a')
    expect(it.transport.stream.credentials).toBe('token-1')
    it.transport.stream.end()
    await it.clock.pass(waitMs(it))
    expect(it.connection.status.get()).toMatchObject({ attempt: 2, detail: expect.stringContaining('login service') })
    await it.clock.pass(waitMs(it))
    expect(it.transport.streams.map(({ credentials }) => credentials)).toEqual(['token-1', 'token-3'])
  })

  test('[CL7] when credentials expire on an open stream, auth is called again at once', async () => {
    let asked = 0
    const it = setUp({ auth: () => `token-${++asked}` })
    await it.want('agent:a')
    it.transport.stream.hello()
    it.transport.stream.frame('*', 'auth_expired', {}, { seq: 0, isCheckpoint: false })
    it.transport.stream.end()
    await it.clock.pass(0)
    expect(it.transport.stream.credentials).toBe('token-2')
  })
})

describe('refused channels', () => {
  test('[CL8] the other channels go on without refused ones', async () => {
    const statuses: Record<string, number> = { 'board:gone': 404, 'agent:secret': 403 }
    const it = setUp({ probe: async ([channel = '']) => ({ status: statuses[channel] ?? 200 }) })
    await it.want('agent:a', 'board:gone', 'agent:secret')
    it.transport.stream.end({ status: 404 })
    await settled()
    expect(it.received).toEqual(['refused board:gone 404', 'refused agent:secret 403'])
    expect(it.transport.stream.channels).toBe('agent:a')
    it.transport.stream.hello()
    expect(phase(it)).toBe('open')
    // Still wanted, but not requested again before `reconnect`.
    await it.want('agent:a', 'board:gone', 'agent:b')
    expect(it.transport.stream.channels).toBe('agent:a,agent:b')
    it.connection.reconnect()
    await settled()
    expect(it.transport.stream.channels).toBe('board:gone,agent:a,agent:b')
  })

  test('[CL8] with more than 100 channels the newest are refused, and the others go on', async () => {
    const it = setUp()
    const hundred = Array.from({ length: 100 }, (_, n) => `agent:b${n}`)
    await it.want(...hundred)
    it.transport.stream.hello()
    // The newest is the last one that was wanted, whatever the order of the stream.
    await it.want(...hundred, 'agent:a')
    expect(it.received.at(-1)).toBe('refused agent:a undefined')
    expect(it.transport.streams).toHaveLength(1)
    expect(phase(it)).toBe('open')
    it.connection.reconnect()
    expect(it.transport.stream.request.channels).toHaveLength(100)
    expect(it.transport.stream.request.channels).not.toContain('agent:a')
    // Now there is room.
    await it.want(...hundred.slice(1))
    await it.want(...hundred.slice(1), 'agent:a')
    expect(it.transport.stream.request.channels).toContain('agent:a')
  })

  test('[CL8] a deleted board is not requested again', async () => {
    const it = setUp()
    await it.want('agent:a', 'board:b')
    it.transport.stream.hello()
    it.transport.stream.frame('board:b', 'board_deleted', { boardId: 'b' }, { seq: 1 })
    expect(it.received.slice(1)).toEqual([`board_deleted ${at(1)}`, 'refused board:b 404'])
    it.transport.stream.end()
    await it.clock.pass(waitMs(it))
    expect(it.transport.stream.channels).toBe('agent:a')
  })

  test('[CL8] without any channel left the stream stops, and starts again for another channel', async () => {
    const it = setUp()
    await it.want('board:b')
    it.transport.stream.hello()
    it.transport.stream.frame('board:b', 'board_deleted', { boardId: 'b' }, { seq: 1 })
    it.transport.stream.end()
    expect(phase(it)).toBe('stopped not-found')
    await it.want('board:b', 'agent:a')
    expect(it.transport.stream.channels).toBe('agent:a')
  })
})

describe('frames', () => {
  test('[CL9] unreadable frames are counted, and are not requested again', async () => {
    const it = setUp()
    await it.want('agent:a')
    it.transport.stream.hello({ seq: 1 })
    it.transport.stream.raw('output', '{"channel":"agent:a"', at(2))
    it.transport.stream.raw('output', '{"some":"thing"}', at(3))
    it.transport.stream.frame('agent:a', 'output', {}, { seq: 4 })
    await it.clock.pass(100)
    expect(it.connection.status.get()).toMatchObject({ unreadable: 2, lastEventId: at(4) })
    expect(it.received.at(-1)).toBe(`output ${at(4)}`)
    it.transport.stream.raw('output', 'x', at(5))
    it.transport.stream.end()
    await it.clock.pass(waitMs(it))
    expect(it.transport.stream.request.cursor).toBe(at(5))
  })

  test('[CL9] events of unknown types are counted and delivered; events that clients post are not counted', async () => {
    const it = setUp()
    await it.want('agent:a', 'topic:t')
    it.transport.stream.hello({ seq: 1 })
    it.transport.stream.frame('agent:a', 'agent_teleported', {}, { seq: 2 })
    it.transport.stream.frame('topic:t', 'anything', {}, { seq: 3 })
    it.transport.stream.frame('agent:a', 'output', {}, { seq: 4 })
    await it.clock.pass(100)
    expect(it.connection.status.get().unknown).toBe(1)
    expect(it.received.slice(1)).toHaveLength(3)
  })

  test('[CL2] a gap comes before the new cursor; a stream that does not resume is a gap', async () => {
    const it = setUp()
    await it.want('agent:a')
    it.transport.stream.hello({ seq: 5 })
    it.transport.stream.frame(
      '*',
      'gap',
      { requested: at(5), oldest: at(9), reason: 'slow' },
      { seq: 12, isCheckpoint: false },
    )
    it.transport.stream.end()
    await it.clock.pass(waitMs(it))
    expect(it.transport.stream.request.cursor).toBe(at(12))
    it.transport.stream.hello({ seq: 20, resumed: false })
    it.transport.stream.frame(
      '*',
      'gap',
      { requested: at(12), oldest: at(19), reason: 'trimmed' },
      { seq: 20, isCheckpoint: false },
    )
    expect(it.received).toEqual([
      `covered agent:a from ${at(5)}`,
      'gap slow',
      `covered agent:a from ${at(12)}`,
      'gap trimmed',
      `covered agent:a from ${at(20)}`,
    ])
  })
})
