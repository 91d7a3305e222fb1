/** The timer of a credential, on a clock that the test moves. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Lapse } from '../../src/connections/lapse.ts'

const HOUR_MS = 3_600_000
/** The server's clock does not go back, so every test begins later than the one before it ended. */
let start = Date.now()
beforeEach(() => {
  start += 1_000 * HOUR_MS
  vi.useFakeTimers({ now: start })
})
afterEach(() => void vi.useRealTimers())

function setUp(leftMs: number) {
  const seen: string[] = []
  const subscription = {
    sendControl: (event: string, data: string) => void seen.push(`${event} ${data}`),
    finish: (reason?: string) => void seen.push(`the end: ${reason}`),
  }
  const expiresAt = Date.now() + leftMs
  const lapse = new Lapse(subscription as never, expiresAt)
  return { seen, lapse, warning: `auth_expiring {"expiresAt":"${new Date(expiresAt).toISOString()}"}` }
}

const END = ['auth_expired {}', 'the end: expired']

test('[RS11] the client is warned 30 s ahead, and no sooner; then the connection ends', () => {
  const { seen, warning } = setUp(HOUR_MS)
  vi.advanceTimersByTime(HOUR_MS - 30_100)
  expect(seen).toEqual([])
  vi.advanceTimersByTime(200)
  expect(seen).toEqual([warning])
  vi.advanceTimersByTime(29_800)
  expect(seen).toEqual([warning])
  vi.advanceTimersByTime(200)
  expect(seen).toEqual([warning, ...END])
  vi.advanceTimersByTime(HOUR_MS)
  expect(seen).toHaveLength(3)
  expect(vi.getTimerCount()).toBe(0)
})

test('[RS11] it is warned at once if less is left', () => {
  const { seen, warning } = setUp(10_000)
  vi.advanceTimersByTime(1)
  expect(seen).toEqual([warning])
  vi.advanceTimersByTime(10_000)
  expect(seen).toEqual([warning, ...END])
})

test('[RS11] a timer that is cleared does nothing more, whatever it was waiting for', () => {
  for (const afterMs of [0, HOUR_MS - 20_000]) {
    const { seen, lapse } = setUp(HOUR_MS)
    vi.advanceTimersByTime(afterMs)
    lapse.clear()
    lapse.clear()
    const before = [...seen]
    vi.advanceTimersByTime(2 * HOUR_MS)
    expect(seen).toEqual(before)
    expect(vi.getTimerCount()).toBe(0)
  }
})

test('[RS11] a clock that is set forward is noticed within a minute', () => {
  const { seen, warning } = setUp(24 * HOUR_MS)
  vi.advanceTimersByTime(1_000)
  vi.setSystemTime(Date.now() + 48 * HOUR_MS)
  vi.advanceTimersByTime(60_000)
  expect(seen).toEqual(END)
  expect(seen).not.toContain(warning)
})
