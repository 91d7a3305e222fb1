/**
 * The end of the log as this node has published it. Every event is published once, in the order of the log, whoever
 * committed it and however the node learns of it:
 *
 *   own COMMIT ---> committed ---\
 *   a read     ---> reach     ----+--->  publish   1 2 3 4 5 6 ...
 *   a ring     ---> ring      ---/
 *
 * An own COMMIT that continues what was published is published in its turn of the event loop, without reading anything.
 * Otherwise events of other nodes lie between: all of them are read from the log.
 */
import type { EphemeralEvent } from './ephemeral.ts'
import type { LogEvent } from './log-event.ts'
import { StorageUnavailable, WENT_BACK } from './storage-fault.ts'

/**
 * Called with what has become visible, in the order of the log, and with the sequence number up to which it is now
 * complete. Must not throw.
 */
export type Publish = (events: readonly LogEvent[], ephemeral: readonly EphemeralEvent[], head: number) => void

/** A piece of the log, read at one instant. */
export interface Stretch {
  readonly events: readonly LogEvent[]
  /** Everything up to here has been read. */
  readonly reached: number
  /** Up to here events may be missing. */
  readonly oldest: number
  /** The head at that instant. */
  readonly newest: number
}

export interface TailOptions {
  /** Events up to here count as published. */
  readonly head: number
  readonly publish: Publish
  /** Reads a page of the log; without events it reaches the head. */
  read(after: number, withEvents: boolean): Promise<Stretch>
  /** Whether somebody needs the events of other nodes. If nobody does, they are not read. */
  isWatched(): boolean
  /** Events are passed over: nobody is watching, and what was made of the log before is out of date. */
  onPassedOver(): void
  /** Retention deleted events before this node read them. Must end every stream, so that it resumes from the log. */
  onLost(): void
  /** The log could not be read. The next ring, read or COMMIT tries again. */
  onError(error: unknown): void
}

export class Tail {
  readonly #options: TailOptions
  #head: number
  #reading: Promise<void> | null = null
  /** `#look` was called while reading: the page that is being read may be older than that. */
  #isWanted = false
  /** Counts how often the log began anew: what was read before tells nothing about it. */
  #beginnings = 0
  /** Ephemeral events of own commits whose events are not published yet. */
  #waiting: Array<{ readonly head: number; readonly ephemeral: readonly EphemeralEvent[] }> = []

  constructor(options: TailOptions) {
    this.#options = options
    this.#head = options.head
  }

  /** Everything up to this sequence number has been published here, and nothing after it. */
  get head(): number {
    return this.#head
  }

  /** The log has a new epoch, and goes on from `head`. What was published before is not compared with it. */
  beginAt(head: number): void {
    this.#beginnings += 1
    this.#head = head
    this.#waiting = []
  }

  /**
   * Publishes a COMMIT of this node, to be called in its turn: `before` is the head that its events follow. Returns
   * undefined when that is done. Otherwise resolves when it is, or when the log could not be read; never rejects, for
   * what is committed is committed.
   */
  committed(
    before: number,
    events: readonly LogEvent[],
    ephemeral: readonly EphemeralEvent[],
  ): Promise<void> | undefined {
    const last = before + events.length
    if (this.#head === before) {
      this.#advance(events, last, ephemeral)
      return undefined
    }
    if (ephemeral.length > 0) this.#waiting.push({ head: last, ephemeral })
    if (this.#head >= last) {
      this.#advance([], this.#head)
      return undefined
    }
    return this.#look().catch(this.#options.onError)
  }

  /** Resolves when everything up to `head`, which was read from the database, is published. */
  async reach(head: number): Promise<void> {
    if (this.#head >= head) return
    await this.#look()
    if (this.#head < head) throw new StorageUnavailable(WENT_BACK)
  }

  /** The log may have grown up to `head`. */
  ring(head: number): void {
    if (head > this.#head) this.#look().catch(this.#options.onError)
  }

  /** Publishes ephemeral events of other nodes. */
  deliver(ephemeral: readonly EphemeralEvent[]): void {
    this.#advance([], this.#head, ephemeral)
  }

  /** Resolves when everything is published that is in the log now. */
  #look(): Promise<void> {
    this.#isWanted = true
    this.#reading ??= this.#readOn()
    return this.#reading
  }

  /** Never ends before it has been assigned: it awaits something first. */
  async #readOn(): Promise<void> {
    try {
      while (this.#isWanted) {
        this.#isWanted = false
        while (await this.#readPage());
      }
    } finally {
      // Before this promise resolves: a later `#look` must start a new read.
      this.#reading = null
    }
  }

  /** Whether there is more to read. */
  async #readPage(): Promise<boolean> {
    const after = this.#head
    const beginning = this.#beginnings
    const { isWatched } = this.#options
    const withEvents = isWatched()
    const { events, reached, oldest, newest } = await this.#options.read(after, withEvents)
    if (this.#beginnings !== beginning) return true
    // Somebody came meanwhile, and waits for what comes after the head of then.
    if (!withEvents && isWatched()) return true
    // Own commits may have been published meanwhile.
    const before = this.#head
    if (oldest > before) this.#options.onLost()
    if (reached > before) {
      if (!withEvents) this.#options.onPassedOver()
      this.#advance(before === after ? events : events.filter(({ seq }) => seq > before), reached)
    }
    return reached < newest
  }

  #advance(events: readonly LogEvent[], head: number, ephemeral: readonly EphemeralEvent[] = []): void {
    const hasGrown = head > this.#head
    this.#head = head
    const due = this.#waiting.length > 0 ? [...this.#due(), ...ephemeral] : ephemeral
    if (hasGrown || due.length > 0) this.#options.publish(events, due, head)
  }

  /** Removes and returns the waiting ephemeral events whose COMMIT is published. */
  #due(): EphemeralEvent[] {
    const due: EphemeralEvent[] = []
    for (let first = this.#waiting[0]; first && first.head <= this.#head; first = this.#waiting[0]) {
      due.push(...first.ephemeral)
      this.#waiting.shift()
    }
    return due
  }
}
