/**
 * Brings listeners that are behind up to date, a page at a time, in the order in which they asked, and never for longer
 * than a slice of the event loop: a thousand of them coming back at once must not delay those that are live.
 *
 * Listeners of one audience that stand at the same place share the page and its bytes.
 */
import type { EventLog } from '../db/event-log.ts'
import type { Store } from '../db/store.ts'
import type { Audience, Segment } from './audience.ts'

export interface CatchingUp {
  step(): Promise<void>
  /** Its step failed: it comes back with its cursor, and loses nothing. */
  end(reason: 'failed'): void
}

export interface EncodedPage {
  readonly segments: readonly Segment[]
  readonly reached: number
}

const SLICE_MS = 4
const PAGE_EVENTS = 512
/** Characters of payload in a page; with its frames it stays well below what may wait for one connection. */
const PAGE_LENGTH = 64 * 1024

export class CatchUp {
  readonly #store: Store
  readonly #log: EventLog
  readonly #onError: (error: unknown) => void
  readonly #queue: CatchingUp[] = []
  #scheduled = false
  /** Of this slice only: shared, and gone before it can grow or grow old. */
  #pages = new Map<Audience, Map<string, Promise<EncodedPage | 'trimmed'>>>()

  constructor(store: Store, onError: (error: unknown) => void) {
    this.#store = store
    this.#log = store.log
    this.#onError = onError
  }

  /** The oldest position that the log can go on from. */
  get oldest(): number {
    return this.#log.bounds.oldest
  }

  add(listener: CatchingUp): void {
    this.#queue.push(listener)
    this.#schedule()
  }

  /** What the log holds after a position, up to another, for the members of an audience; `trimmed` when some of it is gone. */
  page(audience: Audience, after: number, upTo = Infinity): Promise<EncodedPage | 'trimmed'> {
    let pages = this.#pages.get(audience)
    if (!pages) {
      pages = new Map()
      this.#pages.set(audience, pages)
      // Also called outside a slice, by a connection that opens.
      this.#schedule()
    }
    const key = `${after} ${upTo}`
    let page = pages.get(key)
    if (!page) {
      page = this.#read(audience, after, upTo)
      pages.set(key, page)
    }
    return page
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => void this.#slice())
  }

  async #slice(): Promise<void> {
    this.#pages = new Map()
    const end = performance.now() + SLICE_MS
    let done = 0
    while (done < this.#queue.length && performance.now() < end) {
      const listener = this.#queue[done]
      done += 1
      if (listener) await this.#step(listener)
    }
    this.#queue.splice(0, done)
    this.#scheduled = false
    if (this.#queue.length > 0 || this.#pages.size > 0) this.#schedule()
  }

  async #step(listener: CatchingUp): Promise<void> {
    try {
      await listener.step()
    } catch (error) {
      this.#onError(error)
      listener.end('failed')
    }
  }

  async #read(audience: Audience, after: number, upTo: number): Promise<EncodedPage | 'trimmed'> {
    const { logChannels } = audience.selection
    return this.#store.read(async () => {
      if (after < this.#log.bounds.oldest) return 'trimmed'
      const page = await this.#log.readAfter(logChannels, after, PAGE_EVENTS, PAGE_LENGTH)
      if (page.reached <= upTo) return { segments: audience.encode(page), reached: page.reached }
      const events = page.events.filter(({ seq }) => seq <= upTo)
      return { segments: audience.encode({ events, reached: upTo }), reached: upTo }
    })
  }
}
