/** The status of a doorbell. Its failure and its return are reported once each. */

export interface DoorbellReports {
  onFailure(error: unknown): void
  onReturn(): void
}

export class DoorbellHealth {
  readonly #reports: DoorbellReports
  #status: 'ok' | 'degraded'
  /** A doorbell that has not worked yet has not failed either. */
  #isReported = false

  constructor(initial: 'ok' | 'degraded', reports: DoorbellReports) {
    this.#status = initial
    this.#reports = reports
  }

  get status(): 'ok' | 'degraded' {
    return this.#status
  }

  works(): void {
    this.#status = 'ok'
    if (!this.#isReported) return
    this.#isReported = false
    this.#reports.onReturn()
  }

  fails(error: unknown): void {
    this.#status = 'degraded'
    if (this.#isReported) return
    this.#isReported = true
    this.#reports.onFailure(error)
  }
}
