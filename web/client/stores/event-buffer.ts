/** The newest events, for a list that people look at and may hold still. */
import type { Frame, GapNotice, Store, SubscribeHandlers } from '../core/types.ts'
import { derivedStore } from './derived.ts'
import { Tail } from './tail.ts'

export interface EventList {
  readonly events: readonly Frame[]
  readonly missed: number
  readonly error: Error | null
}

export class EventBuffer {
  static readonly EMPTY: EventList = { events: [], missed: 0, error: null }

  #limit = 500
  /** Everything up to here was taken. */
  position: string | undefined
  readonly handlers: SubscribeHandlers
  readonly store: Store<EventList>
  #taken: readonly Frame[] = []
  /** Not shown yet: in the list with the next look at it, or with the end of the pause. */
  #fresh = new Tail<Frame>([], 500)
  #isPaused = false
  #error: Error | null = null
  #changed: () => void

  constructor() {
    const store = derivedStore(() => this.#look())
    this.store = store
    this.#changed = store.changed
    this.handlers = {
      event: (frame) => this.#take(frame),
      ready: (id) => {
        this.position = id
        this.#error = null
        store.changed()
      },
      gap: (notice) => this.#take(gapFrame(notice)),
      error: (error) => {
        this.#error = error
        store.changed()
      },
    }
  }

  /** How many are kept; 1 at least. */
  set limit(wanted: number) {
    const limit = wanted >= 1 ? Math.floor(wanted) : 1
    if (limit === this.#limit) return
    this.#limit = limit
    const { list, count } = this.#fresh
    this.#fresh = new Tail(list, limit)
    this.#fresh.count = count
  }

  readonly pause = (): void => {
    this.#look()
    this.#isPaused = true
    this.#changed()
  }

  readonly resume = (): void => {
    this.#isPaused = false
    this.#changed()
  }

  readonly clear = (): void => {
    this.#taken = []
    this.#fresh = new Tail([], this.#limit)
    this.#changed()
  }

  #take(frame: Frame): void {
    if (frame.event !== 'gap') this.position = frame.id
    this.#fresh.push(frame)
    this.#changed()
  }

  #look(): EventList {
    if (!this.#isPaused && this.#fresh.count > 0) {
      this.#taken = [...this.#taken, ...this.#fresh.list]
      this.#fresh = new Tail([], this.#limit)
    }
    if (this.#taken.length > this.#limit) this.#taken = this.#taken.slice(-this.#limit)
    return { events: this.#taken, missed: this.#isPaused ? this.#fresh.count : 0, error: this.#error }
  }
}

function gapFrame(notice: GapNotice): Frame {
  return { channel: '*', event: 'gap', data: notice, timestamp: Date.now(), id: notice.oldest }
}
