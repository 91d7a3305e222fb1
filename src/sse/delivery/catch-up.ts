/**
 * Brings listeners that are behind up to date, a page at a time, in the order in which they asked, and never for longer
 * than a slice of the event loop: a thousand of them coming back at once must not delay those that are live.
 *
 * Listeners of one audience that stand at the same place share the page and its bytes.
 */
import type { Snapshot } from '../../db/snapshot.ts'
import type { Store } from '../../db/store.ts'
import type { Audience, Segment } from './audience.ts'
import { oldestOf } from './coverage.ts'
import type { Selection } from './selection.ts'

export interface CatchingUp {
  step(): Promise<void>
  /** Its step failed: it comes back with its cursor, and loses nothing. */
  end(reason: 'failed'): void
}

export interface EncodedPage {
  readonly segments: readonly Segment[]
  readonly reached: number
}

/** Some of what a page would have held is gone; `oldest`: the first position from which nothing is. */
export interface Trimmed {
  readonly oldest: number
}

const SLICE_MS = 4
const PAGE_EVENTS = 512
/** Characters of payload in a page; with its frames it stays well below what may wait for one connection. */
const PAGE_LENGTH = 64 * 1024

export class CatchUp {
  readonly #store: Store
  readonly #onError: (error: unknown) => void
  readonly #queue: CatchingUp[] = []
  #scheduled = false
  /** Of this slice only: shared, and gone before it can grow or grow old. */
  #pages = new Map<Audience, Map<string, Promise<EncodedPage | Trimmed>>>()
  /** Changes only when the log is trimmed further. */
  readonly #oldest = new WeakMap<Selection, { readonly trimmed: number; readonly oldest: number }>()

  constructor(store: Store, onError: (error: unknown) => void) {
    this.#store = store
    this.#onError = onError
  }

  add(listener: CatchingUp): void {
    this.#queue.push(listener)
    this.#schedule()
  }

  /** What the log holds after a position, up to another, for the members of an audience. */
  page(audience: Audience, after: number, upTo = Infinity): Promise<EncodedPage | Trimmed> {
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

  async #read(audience: Audience, after: number, upTo: number): Promise<EncodedPage | Trimmed> {
    const { logChannels } = audience.selection
    return this.#store.read(async (snapshot) => {
      const oldest = after < snapshot.bounds.oldest ? await this.#oldestOf(snapshot, audience.selection) : 0
      if (after < oldest) return { oldest }
      const page = await snapshot.readAfter(logChannels, after, PAGE_EVENTS, PAGE_LENGTH)
      if (page.reached <= upTo) return { segments: audience.encode(page), reached: page.reached }
      const events = page.events.filter(({ seq }) => seq <= upTo)
      return { segments: audience.encode({ events, reached: upTo }), reached: upTo }
    })
  }

  async #oldestOf(snapshot: Snapshot, selection: Selection): Promise<number> {
    const trimmed = snapshot.bounds.oldest
    const known = this.#oldest.get(selection)
    if (known?.trimmed === trimmed) return known.oldest
    const oldest = await oldestOf(snapshot, selection)
    this.#oldest.set(selection, { trimmed, oldest })
    return oldest
  }
}
