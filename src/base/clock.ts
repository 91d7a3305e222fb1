/**
 * The time of the server, in milliseconds since 1970: that of the machine, except that it never goes back while the server
 * runs. When somebody sets the machine's clock back, time here goes on at its own pace, ahead of the machine's by as much,
 * until the server is restarted or the clock is set forward again. What was written a minute ago is a minute old, whatever
 * happened to the clock; and what expires in a minute expires in a minute.
 */
import { uptime } from 'node:os'

/** The two clocks of a machine. */
export interface Clocks {
  /** Milliseconds since 1970; may be set. */
  wall(): number
  /** Milliseconds since some moment; goes at its pace always. */
  steady(): number
}

export interface Clock {
  now(): number
}

/** Clocks that differ by less have not been set: reading two takes a moment, and both are corrected in tiny steps. */
const STEP_MS = 500

export function createClock({ wall, steady }: Clocks): Clock {
  let lastWall = wall()
  let lastSteady = steady()
  /** How far this clock is ahead of the machine's. */
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

/** Milliseconds that have passed since some moment, whatever was done to the clock; those of sleep count, on Linux at least. */
export function elapsed(): number {
  return uptime() * 1_000
}

/** ISO 8601 in UTC. */
export function nowIso(): string {
  return new Date(clock.now()).toISOString()
}
