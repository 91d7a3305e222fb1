/** Collects what a subscription delivers, and waits for it. */
import type { Frame, GapNotice, SubscribeHandlers } from '../../../web/client/base/types.ts'

export class Collector implements SubscribeHandlers {
  readonly frames: Frame[] = []
  readonly gaps: GapNotice[] = []
  readonly errors: Error[] = []
  readonly ready_: string[] = []
  /** Every call, in order. */
  readonly received: string[] = []
  #waiting = new Set<() => void>()

  event = (frame: Frame): void => {
    this.frames.push(frame)
    this.#received(`${frame.event}#${frame.id}`)
  }

  gap = (gap: GapNotice): void => {
    this.gaps.push(gap)
    this.#received(`gap ${gap.reason}`)
  }

  error = (error: Error): void => {
    this.errors.push(error)
    this.#received(`error ${error.message}`)
  }

  ready = (id: string): void => {
    this.ready_.push(id)
    this.#received(`ready ${id}`)
  }

  get ids(): string[] {
    return this.frames.map(({ id }) => id)
  }

  named(event: string): Frame[] {
    return this.frames.filter((frame) => frame.event === event)
  }

  until<T>(what: string, condition: () => T | undefined | false | null, withinMs = 20_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const value = condition()
        if (!value) return
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve(value)
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(check)
        reject(new Error(`waited for ${what}; received ${this.received.slice(-30).join(', ')}`))
      }, withinMs)
      this.#waiting.add(check)
      check()
    })
  }

  isReady(times = 1): Promise<string> {
    return this.until('ready', () => this.ready_.length >= times && this.ready_.at(-1))
  }

  count(many: number): Promise<true> {
    return this.until(`${many} events`, () => this.frames.length >= many)
  }

  id(id: string): Promise<Frame> {
    return this.until(`id ${id}`, () => this.frames.find((frame) => frame.id === id))
  }

  #received(what: string): void {
    this.received.push(what)
    for (const check of [...this.#waiting]) check()
  }
}
