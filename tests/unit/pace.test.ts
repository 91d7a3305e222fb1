import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Pace } from '../../src/sse/pace.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** A hand-out that takes as long as it is told. */
function paced() {
  const at: number[] = []
  const work = { tookMs: 0 }
  const start = performance.now()
  const pace = new Pace(() => {
    at.push(performance.now() - start)
    const ended = performance.now() + work.tookMs
    vi.spyOn(performance, 'now').mockReturnValueOnce(ended)
  })
  return { pace, at, work }
}

it('[M9] hands out at once, however often, while that is quick', () => {
  const { pace, at } = paced()
  for (let i = 0; i < 5; i++) pace.request()
  expect(at).toEqual([0, 0, 0, 0, 0])
  expect(vi.getTimerCount()).toBe(0)
})

it('[M9] pauses for as long as a hand-out took, and then hands out once for all who asked', async () => {
  const { pace, at, work } = paced()
  work.tookMs = 8
  pace.request()
  for (let i = 0; i < 5; i++) pace.request()
  expect(at).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(15)
  expect(at).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(2)
  expect(at).toHaveLength(2)
})

it('[M9] pauses for 10 ms at most, and asks nothing of one that comes later', async () => {
  const { pace, at, work } = paced()
  work.tookMs = 500
  pace.request()
  pace.request()
  await vi.advanceTimersByTimeAsync(511)
  expect(at).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(1_000)
  work.tookMs = 0
  pace.request()
  expect(at).toHaveLength(3)
})
