/** One line on a terminal that tells what is being measured. On anything else it writes nothing. */
import type { ProbeName } from './findings/finding.ts'

const START_OF_LINE = '\r\x1b[K'
const EVERY_MS = 500

export class Progress {
  readonly #output: NodeJS.WriteStream
  readonly #isQuiet: boolean
  readonly #running = new Set<ProbeName>()
  readonly #began = performance.now()
  #timer: NodeJS.Timeout | undefined
  #isShown = false

  constructor(output: NodeJS.WriteStream, isQuiet: boolean) {
    this.#output = output
    this.#isQuiet = isQuiet
  }

  begin(probe: ProbeName): void {
    this.#running.add(probe)
    this.show()
  }

  /** What follows is written where the line was. */
  end(probe: ProbeName): void {
    this.#running.delete(probe)
    this.clear()
  }

  show(): void {
    if (!this.#output.isTTY || this.#isQuiet || this.#running.size === 0) return
    this.#timer ??= setInterval(() => this.show(), EVERY_MS)
    this.#isShown = true
    const seconds = Math.round((performance.now() - this.#began) / 1_000)
    const text = `measuring ${[...this.#running].join(', ')} … ${seconds} s`
    this.#output.write(START_OF_LINE + text.slice(0, Math.max(1, this.#output.columns - 1)))
  }

  clear(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#isShown) this.#output.write(START_OF_LINE)
    this.#isShown = false
  }
}
