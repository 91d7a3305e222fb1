/**
 *   CK1  The time of the server never goes back while it runs, and advances steadily, whatever happens to the system clock.
 */
import { expect, test } from 'vitest'
import { createClock } from '../../src/base/clock.ts'

function fakes() {
  const machine = { wall: 1_000_000, steady: 0 }
  const clock = createClock({ wall: () => machine.wall, steady: () => machine.steady })
  return {
    now: () => clock.now(),
    pass(ms: number) {
      machine.wall += ms
      machine.steady += ms
    },
    set(ms: number) {
      machine.wall += ms
    },
  }
}

test('[CK1] follows the system clock while it is not set', () => {
  const { now, pass, set } = fakes()
  expect(now()).toBe(1_000_000)
  pass(5)
  expect(now()).toBe(1_000_005)
  // A correction in tiny steps, as by NTP, is followed; time stands still where it would go back.
  set(40)
  expect(now()).toBe(1_000_045)
  set(-30)
  expect(now()).toBe(1_000_045)
  pass(100)
  expect(now()).toBe(1_000_115)
})

test('[CK1] continues when the system clock is set back, and follows it again when it is set forward', () => {
  const { now, pass, set } = fakes()
  set(-3_600_000)
  expect(now()).toBe(1_000_000)
  pass(60_000)
  expect(now()).toBe(1_060_000)
  set(-60_000)
  pass(1)
  expect(now()).toBe(1_060_001)
  set(3_660_000)
  pass(1)
  expect(now()).toBe(1_060_002)
  set(3_600_000)
  expect(now()).toBe(4_660_002)
})

test('[CK1] a thousand readings do not advance it', () => {
  const { now, pass } = fakes()
  for (let i = 0; i < 1_000; i++) {
    pass(0.4)
    now()
  }
  expect(now()).toBe(1_000_400)
})
