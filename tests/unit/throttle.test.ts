import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Throttle } from '../../src/sse/delivery/throttle.ts'

describe('a throttle', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** A throttle whose work ends when the test says so. */
  function setUp() {
    const ends: Array<() => void> = []
    const errors: unknown[] = []
    const throttle = new Throttle(
      () => new Promise<void>((resolve) => ends.push(resolve)),
      (error) => errors.push(error),
    )
    return { throttle, ends, errors }
  }

  it('[Y9] runs at once, and again at the end of the interval when it was requested within', async () => {
    const { throttle, ends } = setUp()
    for (let n = 0; n < 3; n++) throttle.request('a', 100)
    throttle.request('b', 100)
    expect(ends).toHaveLength(2)
    for (const end of ends) end()
    await vi.advanceTimersByTimeAsync(99)
    expect(ends).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(ends).toHaveLength(3)
    ends[2]?.()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ends).toHaveLength(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[Y9] never runs the work of a key twice at a time, and loses no request while it runs', async () => {
    const { throttle, ends } = setUp()
    throttle.request('a', 100)
    await vi.advanceTimersByTimeAsync(250)
    throttle.request('a', 100)
    expect(ends).toHaveLength(1)
    ends[0]?.()
    await vi.advanceTimersByTimeAsync(0)
    expect(ends).toHaveLength(2)
    throttle.stop()
  })

  it('[Y9] begins nothing once it is stopped', async () => {
    const { throttle, ends } = setUp()
    throttle.request('a', 100)
    throttle.request('a', 100)
    throttle.stop()
    ends[0]?.()
    await vi.advanceTimersByTimeAsync(1_000)
    throttle.request('b', 100)
    expect(ends).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
