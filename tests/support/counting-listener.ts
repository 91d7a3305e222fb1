/** A listener on one attempt's lines that keeps only the next expected number, so that there can be many. */
import { parseCursor } from '../../shared/src/cursor.ts'
import { gate } from './gate.ts'
import { Tail } from './tail.ts'

export class CountingListener {
  /** The number of lines received; their messages begin with their numbers, from 0. */
  count = 0
  readonly faults: string[] = []
  readonly isOpen: Promise<void>
  readonly #tail: Tail
  readonly #waiting: Array<{ readonly count: number; resolve(): void; reject(error: unknown): void }> = []
  #last = 0

  constructor(url: string, path: string) {
    const open = gate()
    this.isOpen = open.promise
    this.#tail = new Tail(url, path, {
      onFrame: ({ event, id, text }) => {
        const seq = parseCursor(id ?? '')?.seq ?? 0
        if (event === 'hello') open.resolve()
        else if (event === 'attempt_log') this.#line(seq, text)
        else if (event !== 'heartbeat') this.#fail(`an unexpected ${event}`)
      },
    })
    void this.#tail.closed.then(() => this.#fail(this.#tail.fault?.message ?? 'the connection ended'))
  }

  pause(): void {
    this.#tail.socket.pause()
  }

  resume(): void {
    this.#tail.socket.resume()
  }

  close(): void {
    this.#waiting.length = 0
    this.#tail.cut()
  }

  /** Resolves when that many lines have arrived; rejects at the first fault. */
  until(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.faults.length > 0) reject(new Error(this.faults[0]))
      else if (this.count >= count) resolve()
      else this.#waiting.push({ count, resolve, reject })
    })
  }

  #fail(fault: string): void {
    this.faults.push(fault)
    for (const one of this.#waiting.splice(0)) one.reject(new Error(fault))
  }

  #line(seq: number, text: string): void {
    // Cheaper than parsing: 60 KiB of padding follow.
    const number = Number(/"message":"(\d+) /.exec(text.slice(0, 400))?.[1])
    if (number !== this.count) this.#fail(`line ${number} after ${this.count} lines`)
    if (seq <= this.#last) this.#fail(`id ${seq} after ${this.#last}`)
    this.#last = seq
    this.count += 1
    for (const one of this.#waiting) if (this.count >= one.count) one.resolve()
  }
}
