/** One line on a terminal that tells how far a copy is. On anything else it writes nothing. */
import type { CopyProgress } from '../../main.ts'

const SHOW_EVERY_MS = 200
const START_OF_LINE = '\r\x1b[K'

export class ProgressLine {
  readonly #output: NodeJS.WriteStream
  readonly #began = performance.now()
  #nextShow = 0
  #isShown = false

  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }

  show(progress: CopyProgress): void {
    const now = performance.now()
    if (!this.#output.isTTY || now < this.#nextShow) return
    this.#nextShow = now + SHOW_EVERY_MS
    this.#isShown = true
    this.#output.write(`${START_OF_LINE}boardcast: ${describeProgress(progress, (now - this.#began) / 1_000)}`)
  }

  clear(): void {
    if (this.#isShown) this.#output.write(START_OF_LINE)
    this.#isShown = false
  }
}

/** Such as `1200 of 5000 events, 0 of 30 rows, 400/s, 10 s left`. */
export function describeProgress(progress: CopyProgress, seconds: number): string {
  const { events, rows, totalEvents, totalRows } = progress
  const perSecond = (events + rows) / Math.max(seconds, 0.001)
  const left = totalEvents + totalRows - events - rows
  return (
    `${events} of ${totalEvents} events, ${rows} of ${totalRows} rows, ` +
    `${Math.round(perSecond)}/s, ${Math.ceil(left / Math.max(perSecond, 0.001))} s left`
  )
}
