/** The wheel of heartbeats, on a clock that the test moves. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Heartbeat } from '../../src/connections/heartbeat.ts'

const INTERVAL_MS = 3_000

let nowMs = 0
let heartbeat: Heartbeat
beforeEach(() => {
  nowMs = 0
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  heartbeat = new Heartbeat(INTERVAL_MS, String)
})
afterEach(() => {
  heartbeat.stop()
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** Every tick of the timer comes `lateMs` after the one before it should have. */
function pass(ms: number, lateMs = 0): void {
  const tickMs = INTERVAL_MS / 30
  for (const end = nowMs + ms; nowMs < end; ) {
    nowMs += tickMs + lateMs
    vi.advanceTimersByTime(tickMs)
  }
}

/** When each heartbeat of a listener came. */
function listener(): { readonly times: number[] } {
  const times: number[] = []
  heartbeat.add({ heartbeat: () => void times.push(nowMs) })
  return { times }
}

it('[S12] [W54] the first heartbeat comes after one interval, and then one comes every interval', () => {
  const one = listener()
  pass(1_000)
  const another = listener()
  pass(9_000)
  expect([one.times, another.times]).toEqual([
    [3_000, 6_000, 9_000],
    [4_000, 7_000, 10_000],
  ])
})

it('[S12] [W54] timers that are late do not add up', () => {
  const { times } = listener()
  pass(15 * INTERVAL_MS, 150)
  expect(times).toHaveLength(15)
})

it('[S12] [W54] after a pause of the process one heartbeat comes, and not all that were missed', () => {
  const { times } = listener()
  pass(100, 10 * INTERVAL_MS)
  expect(times).toHaveLength(1)
  pass(2 * INTERVAL_MS)
  expect(times).toHaveLength(3)
})
