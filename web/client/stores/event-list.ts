/** The newest events of a subscription as a list that can be paused. */
import { CONTROL, EVERYONE } from '../../../shared/src/protocol.ts'
import { derivedStore } from '../base/store.ts'
import type { Frame, GapNotice, Store, SubscribeHandlers } from '../base/types.ts'
import { RecentItems } from './recent-items.ts'

export interface EventListValue {
  readonly events: readonly Frame[]
  /** How many events have come since the list was paused. */
  readonly missed: number
  readonly error: Error | null
}

/** How many events are kept by default. */
export const DEFAULT_MAX_EVENTS = 500

export class EventList {
  static readonly EMPTY: EventListValue = { events: [], missed: 0, error: null }

  /** Every event up to here was received. */
  cursor: string | undefined
  readonly handlers: SubscribeHandlers
  readonly store: Store<EventListValue>
  #limit = DEFAULT_MAX_EVENTS
  #shown: readonly Frame[] = []
  /** Received but not shown yet: they show with the next read, or when the list is resumed. */
  #fresh = new RecentItems<Frame>([], DEFAULT_MAX_EVENTS)
  #isPaused = false
  #error: Error | null = null
  readonly #changed: () => void

  constructor() {
    const store = derivedStore(() => this.#read())
    this.store = store
    this.#changed = store.changed
    this.handlers = {
      event: (frame) => this.#receive(frame),
      ready: (id) => {
        this.cursor = id
        this.#error = null
        store.changed()
      },
      gap: (notice) => this.#receive(gapFrame(notice)),
      error: (error) => {
        this.#error = error
        store.changed()
      },
    }
  }

  /** How many events are kept; at least 1. */
  set limit(wanted: number) {
    const limit = wanted >= 1 ? Math.floor(wanted) : 1
    if (limit === this.#limit) return
    this.#limit = limit
    const { list, count } = this.#fresh
    this.#fresh = new RecentItems(list, limit)
    this.#fresh.count = count
  }

  readonly pause = (): void => {
    this.#read()
    this.#isPaused = true
    this.#changed()
  }

  readonly resume = (): void => {
    this.#isPaused = false
    this.#changed()
  }

  readonly clear = (): void => {
    this.#shown = []
    this.#fresh = new RecentItems([], this.#limit)
    this.#changed()
  }

  #receive(frame: Frame): void {
    if (frame.event !== CONTROL.gap) this.cursor = frame.id
    this.#fresh.push(frame)
    this.#changed()
  }

  #read(): EventListValue {
    if (!this.#isPaused && this.#fresh.count > 0) {
      this.#shown = [...this.#shown, ...this.#fresh.list]
      this.#fresh = new RecentItems([], this.#limit)
    }
    if (this.#shown.length > this.#limit) this.#shown = this.#shown.slice(-this.#limit)
    return { events: this.#shown, missed: this.#isPaused ? this.#fresh.count : 0, error: this.#error }
  }
}

function gapFrame(notice: GapNotice): Frame {
  return { channel: EVERYONE, event: CONTROL.gap, data: notice, timestamp: Date.now(), id: notice.oldest }
}
