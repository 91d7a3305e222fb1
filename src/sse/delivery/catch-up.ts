/**
 * Brings listeners that are behind up to date: one page at a time, in the order in which they asked, and never for longer
 * than a slice of the event loop. A thousand of them coming back at once must not delay those that have caught up.
 *
 * Listeners of one audience that have reached the same sequence number share a page and its bytes.
 */
import type { Snapshot } from '../../db/snapshot.ts'
import type { Store } from '../../db/store.ts'
import type { Audience, Segment } from './audience.ts'
import { oldestOf } from './coverage.ts'
import type { Selection } from './selection.ts'

/** Something that works in small steps. */
export interface Steppable {
  step(): Promise<void>
  /** A step failed: the client comes back with its cursor, and loses nothing. */
  end(reason: 'failed'): void
}

export interface EncodedPage {
  readonly segments: readonly Segment[]
  readonly reached: number
  /** Nothing came after it when it was read. */
  readonly isLast: boolean
}

/** Some events of the page were trimmed; `oldest`: the sequence number after which none was. */
export interface Trimmed {
  readonly oldest: number
}

const SLICE_MS = 4
const PAGE_EVENTS = 512
/** Characters of payload in a page; as SSE events they stay well below what may wait for one connection. */
const PAGE_LENGTH = 64 * 1024
/** Steps that wait for the store at the same time. */
const MAX_WAITING = 64

export class CatchUp {
  readonly #store: Store
  readonly #onError: (error: unknown) => void
  readonly #queue: Steppable[] = []
  #isScheduled = false
  /** Steps that have begun and wait for the store. */
  #waiting = 0
  /** Of the current slice only: shared, and forgotten before they can grow or grow old. */
  #pages = new Map<Audience, Map<string, Promise<EncodedPage | Trimmed>>>()
  /** Changes only when the log is trimmed further. */
  readonly #oldest = new WeakMap<Selection, { readonly trimmed: number; readonly oldest: number }>()

  constructor(store: Store, onError: (error: unknown) => void) {
    this.#store = store
    this.#onError = onError
  }

  add(listener: Steppable): void {
    this.#queue.push(listener)
    this.#schedule()
  }

  /** What the log has after a sequence number, and not after `upTo`, encoded for an audience. */
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
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => void this.#slice())
  }

  async #slice(): Promise<void> {
    this.#pages = new Map()
    const end = performance.now() + SLICE_MS
    const turn = new Turn()
    let begun = 0
    while (begun < this.#queue.length && this.#waiting < MAX_WAITING && performance.now() < end) {
      const listener = this.#queue[begun]
      begun += 1
      // A store that answers in the same turn is waited for, so that the work is measured. One that takes longer must
      // not hold up the other listeners.
      if (listener) await turn.orSooner(this.#step(listener))
    }
    this.#queue.splice(0, begun)
    this.#isScheduled = false
    if ((this.#queue.length > 0 && this.#waiting < MAX_WAITING) || this.#pages.size > 0) this.#schedule()
  }

  async #step(listener: Steppable): Promise<void> {
    this.#waiting += 1
    try {
      await listener.step()
    } catch (error) {
      this.#onError(error)
      listener.end('failed')
    } finally {
      this.#waiting -= 1
      if (this.#queue.length > 0) this.#schedule()
    }
  }

  async #read(audience: Audience, after: number, upTo: number): Promise<EncodedPage | Trimmed> {
    const { logChannels } = audience.selection
    return this.#store.read(async (snapshot) => {
      const oldest = after < snapshot.bounds.oldest ? await this.#oldestOf(snapshot, audience.selection) : 0
      if (after < oldest) return { oldest }
      const page = await snapshot.readAfter(logChannels, after, PAGE_EVENTS, PAGE_LENGTH)
      const isLast = page.reached >= Math.min(snapshot.head, upTo)
      if (page.reached <= upTo) return { segments: audience.encode(page), reached: page.reached, isLast }
      const events = page.events.filter(({ seq }) => seq <= upTo)
      return { segments: audience.encode({ events, reached: upTo }), reached: upTo, isLast }
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

/** The current turn of the event loop. */
class Turn {
  readonly #end = new Promise<void>((resolve) => setImmediate(resolve))

  /** Resolves when `step` has, at the end of the turn at the latest. */
  orSooner(step: Promise<void>): Promise<void> {
    return Promise.race([step, this.#end])
  }
}
