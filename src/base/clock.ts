/**
 * The server's clock, in milliseconds since 1970: the system clock, except that it never goes back while the server runs.
 * When the system clock is set back, this clock keeps its pace and stays ahead by that amount until the server restarts or
 * the system clock is set forward again. So ages and expiry times stay correct while the server runs.
 */
import { uptime } from 'node:os'

/** The two clocks of the machine. */
export interface Clocks {
  /** Milliseconds since 1970; somebody may set it. */
  wall(): number
  /** Milliseconds since some moment; monotonic. */
  steady(): number
}

export interface Clock {
  now(): number
}

/**
 * A smaller difference between the two clocks does not mean that one was set: reading both takes a moment, and the system
 * adjusts them in tiny steps.
 */
const STEP_MS = 500

export function createClock({ wall, steady }: Clocks): Clock {
  let lastWall = wall()
  let lastSteady = steady()
  /** How far this clock is ahead of the system clock. */
  let aheadMs = 0
  let last = lastWall
  return {
    now() {
      const wallNow = wall()
      const steadyNow = steady()
      const step = wallNow - lastWall - (steadyNow - lastSteady)
      lastWall = wallNow
      lastSteady = steadyNow
      if (step < -STEP_MS) aheadMs -= step
      else if (step > STEP_MS) aheadMs = Math.max(0, aheadMs - step)
      last = Math.max(last, Math.round(wallNow + aheadMs))
      return last
    },
  }
}

const clock = createClock({ wall: () => Date.now(), steady: () => performance.now() })

/** Milliseconds since 1970. */
export function now(): number {
  return clock.now()
}

/** Monotonic milliseconds since some moment. Time spent in suspend counts, at least on Linux. */
export function elapsed(): number {
  return uptime() * 1_000
}

/** ISO 8601 in UTC. */
export function nowIso(): string {
  return new Date(clock.now()).toISOString()
}
