/**
 * The locks of a tab that shares a stream: one for the leader, and one of each tab's own. A tab that waits for another tab's
 * own lock gets it when that tab is closed, even if it crashed.
 */
import type { Locks } from './tab-messages.ts'

export interface TabLocksOptions {
  readonly locks: Locks
  readonly name: string
  /** The id of this tab. */
  readonly id: string
  /** Releases all locks. */
  readonly signal: AbortSignal
  /** A lock was stolen. */
  onLost(): void
  /** The browser grants no locks: storage is blocked, or the page has no origin. */
  onRefused(): void
}

export class TabLocks {
  readonly #options: TabLocksOptions
  readonly #prefix: string

  constructor(options: TabLocksOptions) {
    this.#options = options
    this.#prefix = `${options.name}/`
  }

  /** Takes the lock of this tab. Other tabs must not learn of this tab before, or they would take it for closed. */
  holdOwn(then: () => void): void {
    const { id, signal } = this.#options
    this.#hold(this.#prefix + id, { signal }, async () => then())
  }

  /** Calls back when this tab becomes the leader. */
  holdLead(then: () => Promise<void>): void {
    const { name, signal } = this.#options
    this.#hold(name, { signal }, then)
  }

  /** Takes the lead from another tab at once. */
  stealLead(then: () => Promise<void>): void {
    // The browser accepts no signal together with `steal`.
    this.#hold(this.#options.name, { steal: true }, then)
  }

  /** The other tabs that are awake. Empty if the browser does not list locks. */
  async others(): Promise<string[]> {
    const { held = [] } = await this.#query().catch(() => ({ held: [] }))
    const names = held.map((lock) => lock.name ?? '').filter((name) => name.startsWith(this.#prefix))
    return names.map((name) => name.slice(this.#prefix.length)).filter((other) => other !== this.#options.id)
  }

  whenClosed(other: string, then: () => void): void {
    this.#request(this.#prefix + other, { signal: this.#options.signal }, async () => then()).catch(() => {
      // This tab has left. The next leader waits for the other tab instead.
    })
  }

  /** Holds a lock from when it is granted until the signal. */
  #hold(lock: string, options: { signal?: AbortSignal; steal?: boolean }, granted: () => Promise<void>): void {
    const { signal, onLost, onRefused } = this.#options
    const released = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    let isHeld = false
    this.#request(lock, options, () => {
      isHeld = true
      if (!signal.aborted) void granted()
      return released
    }).catch(() => {
      if (signal.aborted) return
      if (isHeld) onLost()
      else onRefused()
    })
  }

  /** Async, because a browser may throw where it should reject. */
  async #request(...asked: Parameters<Locks['request']>): Promise<unknown> {
    return this.#options.locks.request(...asked)
  }

  async #query(): ReturnType<Locks['query']> {
    return this.#options.locks.query()
  }
}
