import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Connection, Connections, spread } from '../../src/sse/delivery/connections.ts'
import type { Subscription } from '../../src/sse/delivery/subscription.ts'

/** A connection whose socket is played by the test. */
function connection() {
  const sink = { bytesWritten: 0, pendingBytes: 0, destroy: vi.fn() }
  return { transport: 'sse', sink, subscription: { isBehind: false } as Subscription } satisfies Connection
}

describe('a connection that takes nothing', () => {
  let connections: Connections
  beforeEach(() => {
    vi.useFakeTimers()
    connections = new Connections()
  })
  afterEach(() => {
    connections.stop()
    vi.useRealTimers()
  })

  it('[M5] is cut after five minutes, and not before', () => {
    const stalled = connection()
    connections.add(stalled)
    Object.assign(stalled.sink, { bytesWritten: 1_000, pendingBytes: 400 })
    vi.advanceTimersByTime(5 * 60_000)
    expect(stalled.sink.destroy).not.toHaveBeenCalled()
    vi.advanceTimersByTime(60_000)
    expect(stalled.sink.destroy).toHaveBeenCalled()
  })

  it('[M5] is not cut while it takes something, or when nothing waits for it', () => {
    const [slow, idle] = [connection(), connection()]
    connections.add(slow)
    connections.add(idle)
    for (let minute = 0; minute < 60; minute++) {
      Object.assign(slow.sink, { bytesWritten: 1_000 * (minute + 1), pendingBytes: 500 })
      vi.advanceTimersByTime(60_000)
    }
    expect(slow.sink.destroy).not.toHaveBeenCalled()
    expect(idle.sink.destroy).not.toHaveBeenCalled()
  })

  it('[M5] is forgotten when it is gone', () => {
    const stalled = connection()
    connections.add(stalled)
    Object.assign(stalled.sink, { bytesWritten: 1_000, pendingBytes: 400 })
    vi.advanceTimersByTime(60_000)
    connections.remove(stalled)
    connections.remove(stalled)
    expect(connections.size).toBe(0)
    expect(connections.counts().bytesWritten).toBe(1_000)
    vi.advanceTimersByTime(10 * 60_000)
    expect(stalled.sink.destroy).not.toHaveBeenCalled()
  })
})

describe('a drain', () => {
  it('[E4] [W61] ends a connection that was asked for before it and is ready only now', async () => {
    const connections = new Connections()
    await connections.drain(50)
    const subscription = { announce: vi.fn(), finish: vi.fn() }
    connections.add({ ...connection(), subscription: subscription as unknown as Subscription })
    expect(subscription.announce).toHaveBeenCalledWith(
      'draining',
      expect.stringContaining('retryMs'),
      expect.any(Number),
    )
    expect(subscription.finish).toHaveBeenCalledWith('draining')
    connections.stop()
  })
})

describe('spread', () => {
  it('[S11] [E6] is within 20 % either way', () => {
    const random = vi.spyOn(Math, 'random')
    for (const [value, expected] of [
      [0, 1_200],
      [0.5, 1_500],
      [0.999999, 1_800],
    ] as const) {
      random.mockReturnValue(value)
      expect(spread(1_500)).toBe(expected)
    }
    random.mockRestore()
  })
})
