import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Pace } from '../../src/sse/delivery/pace.ts'

let now = 0

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  now = 1_000
  vi.spyOn(performance, 'now').mockImplementation(() => now)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** Flushes that take a given time, and when they began. */
function paced(tookMs: number) {
  const began: number[] = []
  const work = { tookMs }
  const pace = new Pace(() => {
    began.push(now - 1_000)
    now += work.tookMs
  })
  return { pace, began, work }
}

async function pass(ms: number): Promise<void> {
  now += ms
  await vi.advanceTimersByTimeAsync(ms)
}

it('[M9] flushes at once, however often, while that is quick', () => {
  const { pace, began } = paced(0.5)
  for (let i = 0; i < 5; i++) pace.request()
  expect(began).toEqual([0, 0.5, 1, 1.5, 2])
  expect(vi.getTimerCount()).toBe(0)
})

it('[M9] flushes at once, however long it takes, when there is idle time between', async () => {
  const { pace, began } = paced(9)
  for (let i = 0; i < 5; i++) {
    pace.request()
    await pass(11)
  }
  expect(began).toEqual([0, 20, 40, 60, 80])
})

it('[M9] pauses for as long as the flush took when flushes follow each other, and then serves all requests', async () => {
  const { pace, began } = paced(8)
  pace.request()
  pace.request()
  for (let i = 0; i < 5; i++) pace.request()
  expect(began).toEqual([0, 8])
  await pass(7)
  expect(began).toHaveLength(2)
  await pass(1)
  expect(began).toEqual([0, 8, 24])
})

it('[M9] pauses for 10 ms at most', async () => {
  const { pace, began } = paced(500)
  for (let i = 0; i < 3; i++) pace.request()
  await pass(10)
  expect(began).toEqual([0, 500, 1_010])
})
