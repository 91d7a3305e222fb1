// When a verdict is final.

import { expect, test } from 'vitest'
import { Timing } from '../../../src/expect/judge/timing.ts'

const MISSING = { isMissing: true, isBroken: false }
const MET = { isMissing: false, isBroken: false }
const BROKEN = { isMissing: false, isBroken: true }
const BROKEN_AND_MISSING = { isMissing: true, isBroken: true }

const WAITING = { isOver: false, lookAgainAt: undefined }
const OVER = { isOver: true }
const until = (lookAgainAt: number) => ({ isOver: false, lookAgainAt })

function timing(options: Partial<ConstructorParameters<typeof Timing>[0]> = {}): Timing {
  const defaults = {
    hasCommand: false,
    hasSince: false,
    withinMs: 10_000,
    settleMs: 1_000,
    watches: false,
    startedAt: 100,
  }
  return new Timing({ ...defaults, ...options })
}

test('[CMD24a] what is missing may come until the time is up', () => {
  const listening = timing()
  expect(listening.at(100, MISSING)).toEqual(until(10_100))
  expect(listening.at(10_099, MISSING)).toEqual(until(10_100))
  expect(listening.at(10_100, MISSING)).toEqual(OVER)
  expect(listening.at(5_000, MET)).toEqual(OVER)
})

test('[CMD24b] what must not come is watched until the time is up, without a command', () => {
  const listening = timing({ watches: true })
  expect(listening.at(5_000, MET)).toEqual(until(10_100))
  expect(listening.at(10_100, MET)).toEqual(OVER)
  expect(listening.at(5_000, BROKEN_AND_MISSING)).toEqual(until(10_100))
  expect(listening.at(5_000, BROKEN)).toEqual(OVER)
})

test('[CMD24c] with a command, it has to end, and its last event has to be seen', () => {
  const running = timing({ hasCommand: true, watches: true })
  expect(running.at(5_000, MET)).toEqual(until(10_100))
  running.commandEnded(true, 6_000)
  expect(running.at(6_000, MISSING)).toEqual(until(10_100))
  expect(running.at(6_000, MET)).toEqual(WAITING)
  expect(running.at(20_000, MET)).toEqual(WAITING)
  running.passed()
  expect(running.at(20_000, MET)).toEqual(until(21_000))
  expect(running.at(20_500, MISSING)).toEqual(OVER)
})

test('[CMD24c] the time to settle begins when all the rest is so', () => {
  const running = timing({ hasCommand: true, watches: true })
  running.commandEnded(true, 1_000)
  running.passed()
  expect(running.at(1_000, MISSING)).toEqual(until(10_100))
  expect(running.at(2_000, MET)).toEqual(until(3_000))
  expect(running.at(2_500, MET)).toEqual(until(3_000))
  expect(running.at(2_600, MISSING)).toEqual(until(10_100))
  expect(running.at(2_700, MET)).toEqual(until(3_700))
  expect(running.at(2_800, BROKEN)).toEqual(OVER)
  expect(running.at(3_700, MET)).toEqual(OVER)
})

test('[CMD24c] without anything to watch for, the end of the command is enough', () => {
  const running = timing({ hasCommand: true })
  expect(running.at(5_000, MET)).toEqual(until(10_100))
  expect(running.at(10_100, MET)).toEqual(OVER)
  running.commandEnded(true, 5_000)
  expect(running.at(5_000, MET)).toEqual(OVER)
})

test('[CMD25a] a command that fails ends the waiting when the time to settle is over', () => {
  const running = timing({ hasCommand: true, watches: true })
  running.commandEnded(false, 2_000)
  for (const standing of [MISSING, MET, BROKEN]) {
    expect(running.at(2_999, standing)).toEqual(until(3_000))
    expect(running.at(3_000, standing)).toEqual(OVER)
  }
})

test('[CMD23a] an earlier log is judged as it is, unless a time is given', () => {
  for (const watches of [true, false]) {
    const past = timing({ hasSince: true, withinMs: undefined, watches })
    for (const standing of [MISSING, MET, BROKEN]) expect(past.at(5_000, standing)).toEqual(WAITING)
    past.passed()
    for (const standing of [MISSING, MET, BROKEN]) expect(past.at(5_000, standing)).toEqual(OVER)
  }
})

test('[CMD23a] [CMD24c] with a time, an earlier log and what then comes is judged', () => {
  const past = timing({ hasSince: true, watches: true })
  expect(past.at(100, MISSING)).toEqual(until(10_100))
  expect(past.at(200, MET)).toEqual(WAITING)
  past.passed()
  expect(past.at(300, MISSING)).toEqual(until(10_100))
  expect(past.at(400, MET)).toEqual(until(1_400))
  expect(past.at(1_400, MET)).toEqual(OVER)
})
