/**
 * The one stream of a client, on a fake clock over a transport that says what the test makes it say.
 *
 * CL1  One stream, whatever is wanted: what one task asks for is one request, and another channel is one more, from the
 *      position reached. What nobody wants any more is let go after 5 s.
 * CL2  The phases: idle, connecting, open; reconnecting until it is open again; offline where there is no network.
 * CL3  Failures wait for up to 1.5 s, doubling to 12 s, on top of the server's `retry`; after eight in a row the phase is
 *      `stopped` with `unreachable`, and it is tried every minute, on waking and by hand. 60 s of health reset the count.
 * CL4  401, 403, 404, 204 and other refusals stop at once, until something changes.
 * CL5  A server that says when to come back is taken at its word: Retry-After, `draining`, `overloaded`.
 * CL6  A silence of 2.5 heartbeats is a dead stream.
 * CL7  Credentials are asked for anew before every request.
 * CL8  A channel that cannot be had does not cost the others their stream.
 * CT4  Which answers stop at once, and which may pass.
 * CT5  A stream that said hello was a success, however short.
 * CT6  No loop is without a pause.
 * CL9  What cannot be read is counted, and so are events that this version does not know.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { fullBackoff } from '../../web/client/base/backoff.ts'
import type { StreamListener } from '../../web/client/base/types.ts'
import { Connection, type ConnectionOptions } from '../../web/client/connection/connection.ts'
import type { StreamEnd } from '../../web/client/connection/transport.ts'
import { FakeClock, settled } from './support/fake-clock.ts'
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
  const connection = new Connection({
    baseUrl: 'http://hub',
    transport,
    auth: undefined,
    clock,
    backoff: fullBackoff(),
    heartbeatTimeoutMs: undefined,
    listener,
    probe: async () => ({ status: 200 }),
    ...options,
  })
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

/** How long it waits for its next try. */
function waitMs({ connection, clock }: Setup): number {
  return (connection.status.get().nextRetryAt ?? Number.NaN) - clock.now()
}

describe('one stream', () => {
  test('[CL1] what one task asks for is one request, and nothing is one', async () => {
    const it = setUp()
    it.connection.want(new Set(['agent:a']), new Set())
    it.connection.want(new Set(['agent:a', 'board:b', 'topic:t', 'attempt:x', 'global']), new Set())
    expect(it.transport.streams).toHaveLength(0)
    await it.clock.pass(0)
    // What says on which other channels an event shows is named first.
    expect(it.transport.streams.map(({ channels }) => channels)).toEqual(['topic:t,board:b,global,agent:a,attempt:x'])
    expect(it.transport.stream.request.cursor).toBeNull()
  })

  test('[CL1] another channel is another request, from the position reached', async () => {
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

  test('[CL1] a channel less is no request, and none at all ends the stream', async () => {
    const it = setUp()
    await it.want('agent:a', 'agent:b')
    it.transport.stream.hello({ seq: 3 })
    await it.want('agent:a')
    await it.want('agent:b')
    expect(it.transport.streams).toHaveLength(1)
    await it.want()
    expect(it.transport.stream.isClosed).toBe(true)
    expect(phase(it)).toBe('idle')
    // Who comes later begins where the log is then.
    await it.want('agent:c')
    expect(it.transport.stream.request.cursor).toBeNull()
  })

  test('[CL2] is idle, connecting, open, reconnecting, open, stopped', async () => {
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
  test('[CL3] ceilings double from 1.5 s to 12 s; the eighth failure stops, and every minute is a try', async () => {
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

  test('[CL3] jitter is full, and the server’s retry comes on top', async () => {
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

  test('[CL3] only 60 s of health reset the count', async () => {
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

  test('[CT5] streams that said hello and ended properly are no failures, however short and many', async () => {
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

  test('[CT5] where the server’s retry is not known the pause is its usual one', async () => {
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

  test('[CT5] a proper end without hello is a failure', async () => {
    const it = setUp()
    await it.want('agent:a')
    for (let failure = 1; failure <= 8; failure++) {
      await it.clock.pass(failure === 1 ? 0 : waitMs(it))
      it.transport.stream.end({ isCleanEnd: true })
      expect(it.connection.status.get().attempt).toBe(failure)
    }
    expect(phase(it)).toBe('stopped unreachable')
  })

  test('[CT5] streams that break off wait longer and longer, and are never unreachable', async () => {
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
    // Full jitter under 12 s: six seconds each, on average.
    expect(waits.reduce((sum, wait) => sum + wait, 0) / waits.length).toBeGreaterThan(4_000)
  })

  test('[CT5] proper ends do not undo failures, and the server that answered is no longer unreachable', async () => {
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

  test('[CT6] a server that says auth_expired to every stream gets one at once, and then one in a while', async () => {
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

  test('[CT6] a draining or overloaded that does not say when waits all the same', async () => {
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

  test.each([408, 425, 429, 500, 501, 502, 503, 504, 599])('[CT4] %i may pass', async (status) => {
    const it = setUp()
    await it.want('agent:a')
    it.transport.stream.end({ status })
    expect(phase(it)).toBe('reconnecting')
    await it.clock.pass(waitMs(it))
    it.transport.stream.hello()
    expect(phase(it)).toBe('open')
  })

  test('[CL4] a refusal whose status the transport cannot tell is asked about', async () => {
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

  test('[CL5] Retry-After is the least wait', async () => {
    const it = setUp()
    await it.want('agent:a')
    it.transport.stream.end({ status: 503, retryAfterMs: 30_000 })
    expect(waitMs(it)).toBe(30_000)
    await it.clock.pass(30_000)
    it.transport.stream.end({ status: 429, retryAfterMs: 45_000 })
    expect(waitMs(it)).toBe(45_000)
    expect(phase(it)).toBe('reconnecting')
  })

  test('[CL5] a drain or an overload is no failure: it says when to come back', async () => {
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

  test('[CL6] 2.5 heartbeats of silence are the end of the stream, and it is asked for again at once', async () => {
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
    // Again and no hello: that is a failure like any other.
    await it.clock.pass(2_500)
    expect(it.connection.status.get().attempt).toBe(1)
    expect(phase(it)).toBe('reconnecting')
  })

  test('[CL6] heartbeatTimeoutMs takes the place of what the server says', async () => {
    const it = setUp({ heartbeatTimeoutMs: 400 })
    await it.want('agent:a')
    it.transport.stream.hello({ heartbeatMs: 200 })
    await it.clock.pass(400)
    expect(it.transport.streams).toHaveLength(2)
  })

  test('[CL6] heartbeatTimeoutMs is never less than 1.5 heartbeats, once it is known how long one is', async () => {
    const it = setUp({ heartbeatTimeoutMs: 400 })
    await it.want('agent:a')
    await it.clock.pass(399)
    it.transport.stream.hello({ heartbeatMs: 15_000 })
    await it.clock.pass(22_499)
    expect(it.transport.streams).toHaveLength(1)
    await it.clock.pass(1)
    expect(it.transport.streams).toHaveLength(2)
  })

  test('[CL7] credentials are asked for before every stream; when there are none that is a failure', async () => {
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

  test('[CL7] credentials that lapsed on an open stream are asked for again at once', async () => {
    let asked = 0
    const it = setUp({ auth: () => `token-${++asked}` })
    await it.want('agent:a')
    it.transport.stream.hello()
    it.transport.stream.frame('*', 'auth_expired', {}, { seq: 0, isCheckpoint: false })
    it.transport.stream.end()
    await it.clock.pass(0)
    expect(it.transport.stream.credentials).toBe('token-2')
    it.transport.stream.end({ status: 401 })
    expect(phase(it)).toBe('stopped unauthenticated')
  })
})

describe('channels that cannot be had', () => {
  test('[CL8] the others go on without them', async () => {
    const statuses: Record<string, number> = { 'board:gone': 404, 'agent:secret': 403 }
    const it = setUp({ probe: async ([channel = '']) => ({ status: statuses[channel] ?? 200 }) })
    await it.want('agent:a', 'board:gone', 'agent:secret')
    it.transport.stream.end({ status: 404 })
    await settled()
    expect(it.received).toEqual(['refused board:gone 404', 'refused agent:secret 403'])
    expect(it.transport.stream.channels).toBe('agent:a')
    it.transport.stream.hello()
    expect(phase(it)).toBe('open')
    // Still wanted by somebody: not asked for again, until it is by hand.
    await it.want('agent:a', 'board:gone', 'agent:b')
    expect(it.transport.stream.channels).toBe('agent:a,agent:b')
    it.connection.reconnect()
    await settled()
    expect(it.transport.stream.channels).toBe('board:gone,agent:a,agent:b')
  })

  test('[CL8] more than 100 channels: who came last is refused, the others go on', async () => {
    const it = setUp()
    const hundred = Array.from({ length: 100 }, (_, n) => `agent:b${n}`)
    await it.want(...hundred)
    it.transport.stream.hello()
    // The newest is the last one that was asked for, wherever it stands in the order of the stream.
    await it.want(...hundred, 'agent:a')
    expect(it.received.at(-1)).toBe('refused agent:a undefined')
    expect(it.transport.streams).toHaveLength(1)
    expect(phase(it)).toBe('open')
    it.connection.reconnect()
    expect(it.transport.stream.request.channels).toHaveLength(100)
    expect(it.transport.stream.request.channels).not.toContain('agent:a')
    // There is room again.
    await it.want(...hundred.slice(1))
    await it.want(...hundred.slice(1), 'agent:a')
    expect(it.transport.stream.request.channels).toContain('agent:a')
  })

  test('[CL8] a board that is deleted is not asked for again', async () => {
    const it = setUp()
    await it.want('agent:a', 'board:b')
    it.transport.stream.hello()
    it.transport.stream.frame('board:b', 'board_deleted', { boardId: 'b' }, { seq: 1 })
    expect(it.received.slice(1)).toEqual([`board_deleted ${at(1)}`, 'refused board:b 404'])
    it.transport.stream.end()
    await it.clock.pass(waitMs(it))
    expect(it.transport.stream.channels).toBe('agent:a')
  })

  test('[CL8] when nothing is left the stream stops, and begins again for another channel', async () => {
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
  test('[CL9] what cannot be read is counted, and is not asked for again', async () => {
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

  test('[CL9] events of unknown types are counted and pass; what clients post is not meant', async () => {
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

  test('[CL2] a gap is received before the new position; a stream that does not resume is one', async () => {
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
