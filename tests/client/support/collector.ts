/** What a subscription got, and a way to wait for it. */
import type { Frame, GapNotice, SubscribeHandlers } from '../../../web/client/base/types.ts'

export class Collector implements SubscribeHandlers {
  readonly frames: Frame[] = []
  readonly gaps: GapNotice[] = []
  readonly errors: Error[] = []
  readonly ready_: string[] = []
  /** Everything that was told, in its order. */
  readonly told: string[] = []
  #waiting = new Set<() => void>()

  event = (frame: Frame): void => {
    this.frames.push(frame)
    this.#say(`${frame.event}#${frame.id}`)
  }

  gap = (gap: GapNotice): void => {
    this.gaps.push(gap)
    this.#say(`gap ${gap.reason}`)
  }

  error = (error: Error): void => {
    this.errors.push(error)
    this.#say(`error ${error.message}`)
  }

  ready = (id: string): void => {
    this.ready_.push(id)
    this.#say(`ready ${id}`)
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
        reject(new Error(`waited for ${what}; was told ${this.told.slice(-30).join(', ')}`))
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

  #say(what: string): void {
    this.told.push(what)
    for (const check of [...this.#waiting]) check()
  }
}
