/** Timers longer than setTimeout allows. Rule OPS16. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LongTimer } from '../../src/base/long-timer.ts'

const DAY_MS = 86_400_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test.each([1, 1_000, 24 * DAY_MS, 25 * DAY_MS, 365 * DAY_MS, 36_500 * DAY_MS])(
  '[OPS16] fires after exactly %d ms',
  (ms) => {
    const fired = vi.fn()
    new LongTimer(fired, ms)
    vi.advanceTimersByTime(ms - 1)
    expect(fired).not.toHaveBeenCalled()
    vi.advanceTimersByTime(2)
    expect(fired).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  },
)

test('[OPS16] Infinity never fires, and neither does a cleared timer', () => {
  const fired = vi.fn()
  const endless = new LongTimer(fired, Number.POSITIVE_INFINITY)
  const long = new LongTimer(fired, 100 * DAY_MS)
  vi.advanceTimersByTime(60 * DAY_MS)
  long.clear()
  long.clear()
  vi.advanceTimersByTime(400 * DAY_MS)
  endless.clear()
  expect(fired).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})
