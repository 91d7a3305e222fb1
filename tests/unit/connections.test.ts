/** Connections of every transport: the registry, stalls, the drain, and the life of one. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EVERY_TYPE } from '../../shared/src/type-filter.ts'
import { Connection, type ConnectionDependencies, type Ending } from '../../src/connections/connection.ts'
import { Drain } from '../../src/connections/drain.ts'
import type { Heartbeat } from '../../src/connections/heartbeat.ts'
import { jittered } from '../../src/connections/jitter.ts'
import { ConnectionRegistry, type RegisteredConnection } from '../../src/connections/registry.ts'
import type { CloseReason, ConnectionSink, SinkOwner } from '../../src/connections/sink.ts'
import { StallCutter } from '../../src/connections/stall-cutter.ts'
import { Bus } from '../../src/sse/bus.ts'
import { Selection } from '../../src/sse/delivery/selection.ts'
import type { DeliveryParts } from '../../src/sse/delivery/subscription.ts'
import { sseFraming } from '../../src/sse/wire/frames.ts'

/** A connection whose client is played by the test. */
function fakeConnection() {
  return {
    transport: 'sse',
    keyId: '',
    sink: { bytesWritten: 0, pendingBytes: 0, destroy: vi.fn() },
    subscription: { isBehind: false, sendControl: vi.fn(), finish: vi.fn() },
  } satisfies RegisteredConnection
}

describe('a stalled connection', () => {
  let registry: ConnectionRegistry
  let stallCutter: StallCutter
  beforeEach(() => {
    vi.useFakeTimers()
    registry = new ConnectionRegistry()
    stallCutter = new StallCutter(registry)
  })
  afterEach(() => {
    stallCutter.stop()
    vi.useRealTimers()
  })

  it('[M5] is cut after five minutes, and not before', () => {
    const stalled = fakeConnection()
    registry.add(stalled)
    Object.assign(stalled.sink, { bytesWritten: 1_000, pendingBytes: 400 })
    vi.advanceTimersByTime(5 * 60_000)
    expect(stalled.sink.destroy).not.toHaveBeenCalled()
    vi.advanceTimersByTime(60_000)
    expect(stalled.sink.destroy).toHaveBeenCalled()
  })

  it('[M5] is not cut while it takes something, or when nothing is pending', () => {
    const [slow, idle] = [fakeConnection(), fakeConnection()]
    registry.add(slow)
    registry.add(idle)
    for (let minute = 0; minute < 60; minute++) {
      Object.assign(slow.sink, { bytesWritten: 1_000 * (minute + 1), pendingBytes: 500 })
      vi.advanceTimersByTime(60_000)
    }
    expect(slow.sink.destroy).not.toHaveBeenCalled()
    expect(idle.sink.destroy).not.toHaveBeenCalled()
  })

  it('[M5] is measured anew after everything pending was taken', () => {
    const connection = fakeConnection()
    registry.add(connection)
    Object.assign(connection.sink, { bytesWritten: 1_000, pendingBytes: 400 })
    vi.advanceTimersByTime(4 * 60_000)
    connection.sink.pendingBytes = 0
    vi.advanceTimersByTime(60_000)
    Object.assign(connection.sink, { bytesWritten: 1_400, pendingBytes: 800 })
    vi.advanceTimersByTime(4 * 60_000)
    expect(connection.sink.destroy).not.toHaveBeenCalled()
  })

  it('[M5] is measured anew after a pause of this process', () => {
    const stalled = fakeConnection()
    registry.add(stalled)
    Object.assign(stalled.sink, { bytesWritten: 1_000, pendingBytes: 400 })
    vi.advanceTimersByTime(4 * 60_000)
    // The machine sleeps: the clock goes on, the timers do not.
    const asleep = performance.now() + 60 * 60_000
    const clock = vi.spyOn(performance, 'now').mockReturnValue(asleep)
    vi.advanceTimersByTime(30_000)
    clock.mockRestore()
    expect(stalled.sink.destroy).not.toHaveBeenCalled()
  })

  it('[M5] is forgotten when it has ended', () => {
    const stalled = fakeConnection()
    registry.add(stalled)
    Object.assign(stalled.sink, { bytesWritten: 1_000, pendingBytes: 400 })
    vi.advanceTimersByTime(60_000)
    registry.remove(stalled)
    registry.remove(stalled)
    expect(registry.size).toBe(0)
    expect(registry.counts().bytesWritten).toBe(1_000)
    vi.advanceTimersByTime(10 * 60_000)
    expect(stalled.sink.destroy).not.toHaveBeenCalled()
  })
})

describe('a drain', () => {
  it('[E4] [W61] ends a connection that was requested before the drain and opens after it', async () => {
    const drain = new Drain(new ConnectionRegistry())
    const early = fakeConnection()
    drain.include(early)
    expect(early.subscription.finish).not.toHaveBeenCalled()
    await drain.run(50)
    const late = fakeConnection()
    drain.include(late)
    expect(late.subscription.sendControl).toHaveBeenCalledWith(
      'draining',
      expect.stringContaining('retryMs'),
      expect.any(Number),
    )
    expect(late.subscription.finish).toHaveBeenCalledWith('draining')
  })
})

describe('the life of a connection', () => {
  /** A connection over a delivery that the test simulates, with everything that happened to it. */
  function openable({ failing = false, limit }: { failing?: boolean; limit?: number } = {}) {
    const ends: Array<CloseReason | Ending> = []
    const registry = new ConnectionRegistry()
    const beating = new Set<unknown>()
    const bus = new Bus(
      0,
      (seq) => `e-${seq}`,
      (error) => expect.fail(String(error)),
    )
    const delivery = {
      bus,
      snapshots: {
        async opening() {
          if (failing) throw new Error('no snapshot can be had')
          return { seq: 0, snapshots: [], frames: [] }
        },
        due: async () => ({ seq: 0, snapshots: [] }),
      },
      catchUp: { add: () => undefined },
    } as unknown as DeliveryParts
    const shared: ConnectionDependencies = {
      delivery,
      registry,
      drain: new Drain(registry),
      heartbeat: { add: (one: unknown) => beating.add(one) } as unknown as Heartbeat,
      heartbeatMs: 15_000,
      maxAgeMs: undefined,
    }
    let owner: SinkOwner | undefined
    const sink = {
      bytesWritten: 0,
      pendingBytes: 0,
      write: vi.fn(),
      onceDrained: vi.fn(),
      end: vi.fn(),
      destroy: vi.fn(),
      ping: vi.fn(),
    } satisfies ConnectionSink
    const connection = new Connection(shared, {
      transport: 'ws',
      framing: sseFraming({ chunked: false, gzip: false, envelope: true }),
      connect(given) {
        owner = given
        return sink
      },
      selection: new Selection([], EVERY_TYPE),
      withOpeningFrames: false,
      outlivesChannels: true,
      limit,
      observer: { onEnd: (reason) => ends.push(reason) },
    })
    const lose = () => owner?.onClose()
    return { connection, sink, registry, bus, beating, ends, lose }
  }

  it('[W60] it is registered until it ends, and ends once, with its first reason', async () => {
    const { connection, sink, registry, bus, beating, ends, lose } = openable()
    expect([registry.size, beating.size, bus.audienceCount]).toEqual([1, 1, 1])
    await connection.open({ kind: 'fresh' }, 'an-id')
    expect(sink.write).toHaveBeenCalledTimes(1)
    connection.end('silent')
    connection.end('flooding')
    lose()
    expect(ends).toEqual(['silent'])
    expect(sink.end.mock.calls).toEqual([['silent']])
    expect([registry.size, beating.size, bus.audienceCount]).toEqual([0, 0, 0])
    expect(connection.hasEnded).toBe(true)
  })

  it('[W60] ends that its subscription decides on are ends of the connection', async () => {
    const { connection, sink, registry, ends } = openable()
    await connection.open({ kind: 'fresh' }, 'an-id')
    connection.subscription.finish('draining')
    expect(sink.end.mock.calls).toEqual([['draining']])
    expect(ends).toEqual(['draining'])
    expect(registry.size).toBe(0)
  })

  it('[W60] a connection that is lost is not ended again', async () => {
    const { connection, sink, registry, ends, lose } = openable()
    await connection.open({ kind: 'fresh' }, 'an-id')
    lose()
    expect(ends).toEqual(['lost'])
    expect(sink.end).not.toHaveBeenCalled()
    expect(registry.size).toBe(0)
  })

  it('[W60] a connection that is lost before it is opened sends nothing', async () => {
    const { connection, sink, bus, lose } = openable()
    lose()
    await connection.open({ kind: 'resume', seq: 0 }, 'an-id')
    expect(sink.write).not.toHaveBeenCalled()
    expect(bus.audienceCount).toBe(0)
  })

  it('[W62] a connection that cannot be opened ends, and whoever opens it learns why', async () => {
    const { connection, sink, registry, ends } = openable({ failing: true })
    await expect(connection.open({ kind: 'fresh' }, 'an-id')).rejects.toThrow('no snapshot can be had')
    expect(sink.end.mock.calls).toEqual([['unopened']])
    expect(ends).toEqual(['unopened'])
    expect(registry.size).toBe(0)
  })

  it('[W54] a heartbeat pings, unless bytes are pending', async () => {
    const { connection, sink } = openable()
    await connection.open({ kind: 'fresh' }, 'an-id')
    const packetFor = () => ({ bytes: Buffer.from('heartbeat') })
    connection.heartbeat(packetFor)
    expect([sink.ping.mock.calls.length, sink.write.mock.calls.length]).toEqual([1, 2])
    sink.pendingBytes = 1
    connection.heartbeat(packetFor)
    expect([sink.ping.mock.calls.length, sink.write.mock.calls.length]).toEqual([1, 2])
  })
})

describe('jitter', () => {
  it('[S11] [E6] is within 20 % either way', () => {
    const random = vi.spyOn(Math, 'random')
    for (const [value, expected] of [
      [0, 1_200],
      [0.5, 1_500],
      [0.999999, 1_800],
    ] as const) {
      random.mockReturnValue(value)
      expect(jittered(1_500)).toBe(expected)
    }
    random.mockRestore()
  })
})
