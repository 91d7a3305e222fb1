/**
 * When a verdict is final. Fed with the time, the end of the command and the stream's progress; times are in milliseconds
 * of one clock.
 */
import type { Standing } from './judge.ts'

export interface TimingOptions {
  readonly hasCommand: boolean
  /** Whether the log is judged from an earlier event on. */
  readonly hasSince: boolean
  /** Undefined with `hasSince`: what the log holds decides. */
  readonly withinMs: number | undefined
  readonly settleMs: number
  /** Whether something must not come. */
  readonly watches: boolean
  /** The command's start, or the beginning of listening. */
  readonly startedAt: number
}

/** When to ask again if nothing happens; undefined for never. */
export type Course = { readonly isOver: true } | { readonly isOver: false; readonly lookAgainAt: number | undefined }

export class Timing {
  readonly #options: TimingOptions
  readonly #deadline: number | undefined
  #endedAt: number | undefined
  #hasFailed = false
  #hasPassed = false
  #settlesAt: number | undefined

  constructor(options: TimingOptions) {
    this.#options = options
    this.#deadline = options.withinMs === undefined ? undefined : options.startedAt + options.withinMs
  }

  commandEnded(isSuccess: boolean, now: number): void {
    this.#endedAt = now
    this.#hasFailed = !isSuccess
  }

  /**
   * The stream has passed the id that was newest when the command had ended; without a command, the one that was newest at
   * the start.
   */
  passed(): void {
    this.#hasPassed = true
  }

  /** To be asked after every event, after everything told above, and at `lookAgainAt`. */
  at(now: number, { isMissing, isBroken }: Standing): Course {
    const { hasCommand, hasSince, settleMs, watches } = this.#options
    if (this.#endedAt !== undefined && this.#hasFailed) return until(this.#endedAt + settleMs, now)
    if (!hasCommand && this.#deadline === undefined) return this.#hasPassed ? OVER : WAITING
    if (isMissing || (hasCommand && this.#endedAt === undefined)) {
      this.#settlesAt = undefined
      return until(this.#deadline, now)
    }
    if (!watches) return OVER
    if (!hasCommand && !hasSince) return isBroken ? OVER : until(this.#deadline, now)
    if (!this.#hasPassed) return WAITING
    if (isBroken) return OVER
    this.#settlesAt ??= now + settleMs
    return until(this.#settlesAt, now)
  }
}

const OVER: Course = { isOver: true }
const WAITING: Course = { isOver: false, lookAgainAt: undefined }

function until(time: number | undefined, now: number): Course {
  return time !== undefined && now >= time ? OVER : { isOver: false, lookAgainAt: time }
}
