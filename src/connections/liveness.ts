/**
 * Closes the sockets of clients that show no sign of life, from one timer for all. Silence is measured in the time for
 * which this process has run: while it was stopped or its machine asleep, no client could be heard.
 */
import { SILENT_HEARTBEATS } from '../../shared/src/protocol.ts'

export interface LivenessSubject {
  /** When the client last showed a sign of life, in the time of `Liveness.now`. */
  lastSeen(now: number): number
  /** It has shown none for too long. */
  onSilence(): void
}

const CHECKS_PER_HEARTBEAT = 15
/** A check later than this many intervals was held up. The rest of the wait does not count as silence. */
const LATE_INTERVALS = 3

export class Liveness {
  readonly #subjects = new Set<LivenessSubject>()
  readonly #onPause: () => void
  readonly #timer: NodeJS.Timeout
  readonly #limitMs: number
  readonly #mostMs: number
  #checkedAt = performance.now()
  #ranMs = 0

  /** `onPause` is called after a pause of the process, before anything that arrived in it is read. */
  constructor(heartbeatMs: number, onPause: () => void = () => {}) {
    const intervalMs = heartbeatMs / CHECKS_PER_HEARTBEAT
    this.#limitMs = heartbeatMs * SILENT_HEARTBEATS
    this.#mostMs = intervalMs * LATE_INTERVALS
    this.#onPause = onPause
    this.#timer = setInterval(() => this.#check(), intervalMs)
    this.#timer.unref()
  }

  /** Milliseconds for which this process has run. */
  now(): number {
    return this.#ranMs + Math.min(performance.now() - this.#checkedAt, this.#mostMs)
  }

  add(subject: LivenessSubject): void {
    this.#subjects.add(subject)
  }

  /** Safe to call twice. */
  remove(subject: LivenessSubject): void {
    this.#subjects.delete(subject)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #check(): void {
    const hasPaused = performance.now() - this.#checkedAt > this.#mostMs
    this.#ranMs = this.now()
    this.#checkedAt = performance.now()
    if (hasPaused) this.#onPause()
    // A subject that is closed removes itself, which a Set allows during iteration.
    for (const subject of this.#subjects) {
      if (this.#ranMs - subject.lastSeen(this.#ranMs) >= this.#limitMs) subject.onSilence()
    }
  }
}
