/**
 * Runs work by key, at most once per interval. The first request runs it at once; requests within the interval, or while
 * the work is still running, run it once more at the end of both. So the last request is never lost, and the work of one
 * key never runs twice at a time.
 */
export class Throttle {
  readonly #run: (key: string) => Promise<void>
  readonly #onError: (error: unknown) => void
  readonly #intervals = new Map<string, Interval>()
  #isStopped = false

  /** Work that rejects is tried again after the interval. */
  constructor(run: (key: string) => Promise<void>, onError: (error: unknown) => void) {
    this.#run = run
    this.#onError = onError
  }

  request(key: string, intervalMs: number): void {
    if (this.#isStopped) return
    const interval = this.#intervals.get(key)
    if (interval) interval.isRequested = true
    else this.#begin(key, intervalMs)
  }

  /** Nothing begins after this. */
  stop(): void {
    this.#isStopped = true
    for (const { timer } of this.#intervals.values()) clearTimeout(timer)
    this.#intervals.clear()
  }

  #begin(key: string, intervalMs: number): void {
    const interval: Interval = {
      isRequested: false,
      isRunning: true,
      isOver: false,
      timer: setTimeout(() => {
        interval.isOver = true
        this.#end(key, interval)
      }, intervalMs),
      ms: intervalMs,
    }
    this.#intervals.set(key, interval)
    void this.#work(key, interval)
  }

  async #work(key: string, interval: Interval): Promise<void> {
    try {
      await this.#run(key)
    } catch (error) {
      interval.isRequested = true
      this.#onError(error)
    }
    interval.isRunning = false
    this.#end(key, interval)
  }

  #end(key: string, { isOver, isRunning, isRequested, ms }: Interval): void {
    if (!isOver || isRunning || this.#isStopped) return
    if (isRequested) this.#begin(key, ms)
    else this.#intervals.delete(key)
  }
}

interface Interval {
  readonly ms: number
  readonly timer: NodeJS.Timeout
  isRunning: boolean
  isOver: boolean
  /** Since the work began. */
  isRequested: boolean
}
