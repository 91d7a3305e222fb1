/**
 * The stores of one kind, by id. Nothing is started before a store's first reader, and all readers share it. It is closed a
 * while after the last one has left, so that a reader who comes back (another page, a double mount) finds it as it was.
 */
import { type Clock, LINGER_MS } from '../base/clock.ts'
import { errorOf } from '../base/errors.ts'
import { type DerivedStore, derivedStore } from '../base/store.ts'
import type { HubCore, Store } from '../base/types.ts'
import type { Standing } from './resource-state.ts'

/** What is behind a store from its first reader to its last. */
export interface OpenedStore<Value> {
  get(): Value
  /** Another reader has subscribed. */
  readerJoined?(): void
  close(): void
}

export interface StoreKind<Value, Opened, Code> {
  /** The value while nothing was read. */
  readonly initial: Value
  /** The code that `open` needs, loaded if necessary. */
  code(): Code | Promise<Code>
  /** `changed` must be called whenever `get` would return something else. */
  open(code: Code, id: string, changed: () => void): Opened
}

/** By the clock of their hub: the open stores without readers, oldest first, with the function that closes each. */
const lingering = new WeakMap<Clock, Map<object, () => void>>()

/** Closes the store that has had no readers for the longest time. False if every open store has readers. */
export function closeOldest(clock: Clock): boolean {
  const [close] = lingering.get(clock)?.values() ?? []
  close?.()
  return close !== undefined
}

export class StoreSet<Value extends Standing, Opened extends OpenedStore<Value>, Code = undefined> {
  readonly #clock: Clock
  readonly #kind: StoreKind<Value, Opened, Code>
  readonly #entries = new Map<string, Entry<Value, Opened, Code>>()
  readonly #lingering: Map<object, () => void>

  constructor(clock: Clock, kind: StoreKind<Value, Opened, Code>) {
    this.#clock = clock
    this.#kind = kind
    this.#lingering = lingering.get(clock) ?? new Map()
    lingering.set(clock, this.#lingering)
  }

  /** Every call with the same id gives the same store. */
  readonly of = (id: string): Store<Value> => ({
    get: () => this.#entries.get(id)?.store.get() ?? this.#kind.initial,
    subscribe: (listener) => this.#subscribe(id, listener),
  })

  opened(): Opened[] {
    return [...this.#entries.values()].flatMap(({ opened }) => opened ?? [])
  }

  close(): void {
    for (const [id, entry] of [...this.#entries]) this.#drop(id, entry)
  }

  #subscribe(id: string, listener: () => void): () => void {
    const known = this.#entries.get(id)
    const entry = known ?? new Entry(this.#kind, id)
    this.#entries.set(id, entry)
    this.#clock.clearTimeout(entry.timer)
    this.#lingering.delete(entry)
    entry.readers += 1
    entry.opened?.readerJoined?.()
    const unsubscribe = entry.store.subscribe(listener)
    if (!known) entry.open()
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      unsubscribe()
      entry.readers -= 1
      if (entry.readers === 0 && this.#entries.get(id) === entry) this.#linger(id, entry)
    }
  }

  #linger(id: string, entry: Entry<Value, Opened, Code>): void {
    this.#lingering.set(entry, () => this.#drop(id, entry))
    entry.timer = unreferenced(this.#clock.setTimeout(() => this.#drop(id, entry), LINGER_MS))
  }

  #drop(id: string, entry: Entry<Value, Opened, Code>): void {
    this.#clock.clearTimeout(entry.timer)
    this.#lingering.delete(entry)
    if (this.#entries.get(id) === entry) this.#entries.delete(id)
    entry.close()
  }
}

class Entry<Value extends Standing, Opened extends OpenedStore<Value>, Code> {
  readonly store: DerivedStore<Value>
  opened: Opened | undefined
  readers = 0
  /** Runs out when the last reader has been gone for a while. */
  timer: unknown
  readonly #kind: StoreKind<Value, Opened, Code>
  readonly #id: string
  #isClosed = false
  /** Why the code could not be loaded. */
  #failure: Value | undefined

  constructor(kind: StoreKind<Value, Opened, Code>, id: string) {
    this.#kind = kind
    this.#id = id
    this.store = derivedStore(() => this.opened?.get() ?? this.#failure ?? kind.initial)
  }

  open(): void {
    const code = this.#kind.code()
    if (!(code instanceof Promise)) {
      this.#openWith(code)
      return
    }
    code.then(
      (loaded) => this.#isClosed || this.#openWith(loaded),
      (reason: unknown) => {
        this.#failure = { ...this.#kind.initial, phase: 'error', error: errorOf(reason) }
        this.store.changed()
      },
    )
  }

  close(): void {
    this.#isClosed = true
    this.opened?.close()
    this.opened = undefined
  }

  #openWith(code: Code): void {
    this.opened = this.#kind.open(code, this.#id, this.store.changed)
    this.store.changed()
  }
}

/** A set of stores for every hub, for kinds that are not methods of the hub, so that only pages that use them load them. */
export function storesPerHub<Value extends Standing>(
  initial: Value,
  open: (hub: HubCore, id: string, changed: () => void) => OpenedStore<Value>,
): (hub: HubCore, id: string) => Store<Value> {
  const sets = new WeakMap<HubCore, StoreSet<Value, OpenedStore<Value>>>()
  return (hub, id) => {
    const known = sets.get(hub)
    if (known) return known.of(id)
    const made = new StoreSet<Value, OpenedStore<Value>>(hub.clock, {
      initial,
      code: () => undefined,
      open: (_code, key, changed) => open(hub, key, changed),
    })
    sets.set(hub, made)
    return made.of(id)
  }
}

/** Lets a Node program exit although the timer still runs. */
function unreferenced(timer: unknown): unknown {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function') {
    timer.unref()
  }
  return timer
}
