/**
 * Stores that live as long as somebody reads them. Making one costs nothing and starts nothing; the first reader opens it,
 * and it is closed a while after the last has gone, so that a reader who leaves and comes back (another page, a double
 * mount) finds it as it was.
 */
import type { Clock } from './clock.ts'
import type { Store } from './types.ts'

export const LINGER_MS = 5_000

/** What a factory of stores makes: pure until it is opened. */
export interface OpenableStore<T> extends Store<T> {
  /** The first reader has come. Called again only after `close`. */
  open(): void
  /** The last reader has been gone for a while. */
  close(): void
}

export interface SharedByCount<T, Inner extends OpenableStore<T>> {
  /** A view of the store of this key; every view of a key is the same store. */
  of(key: string): Store<T>
  /** The store itself, while it is open. */
  live(key: string): Inner | undefined
  /** All that are open. */
  all(): Inner[]
  /** Closes all of them. */
  close(): void
}

interface Entry<Inner> {
  readonly inner: Inner
  readers: number
  isOpen: boolean
  leaving: unknown
}

/** By the clock of their hub: the open stores that nobody reads, in the order in which they were left, and how to close them. */
const lingering = new WeakMap<Clock, Map<object, () => void>>()

/** Closes the one that was left first; false when there is none. */
export function closeOldest(clock: Clock): boolean {
  const [close] = lingering.get(clock)?.values() ?? []
  close?.()
  return close !== undefined
}

export function sharedByCount<T, Inner extends OpenableStore<T>>(
  make: (key: string) => Inner,
  clock: Clock,
): SharedByCount<T, Inner> {
  const entries = new Map<string, Entry<Inner>>()
  const left = lingering.get(clock) ?? new Map<object, () => void>()
  lingering.set(clock, left)

  function entryOf(key: string): Entry<Inner> {
    const known = entries.get(key)
    if (known) return known
    const made: Entry<Inner> = { inner: make(key), readers: 0, isOpen: false, leaving: undefined }
    entries.set(key, made)
    linger(key, made)
    return made
  }

  function linger(key: string, entry: Entry<Inner>): void {
    clock.clearTimeout(entry.leaving)
    if (entry.isOpen) left.set(entry, () => drop(key, entry))
    entry.leaving = unreferenced(clock.setTimeout(() => drop(key, entry), LINGER_MS))
  }

  function drop(key: string, entry: Entry<Inner>): void {
    clock.clearTimeout(entry.leaving)
    left.delete(entry)
    if (entries.get(key) === entry) entries.delete(key)
    if (!entry.isOpen) return
    entry.isOpen = false
    entry.inner.close()
  }

  return {
    of(key) {
      return {
        get: () => entryOf(key).inner.get(),
        subscribe(listener) {
          const entry = entryOf(key)
          clock.clearTimeout(entry.leaving)
          left.delete(entry)
          entry.readers += 1
          const undo = entry.inner.subscribe(listener)
          if (!entry.isOpen) {
            entry.isOpen = true
            entry.inner.open()
          }
          let isOver = false
          return () => {
            if (isOver) return
            isOver = true
            undo()
            entry.readers -= 1
            if (entry.readers === 0 && entries.get(key) === entry) linger(key, entry)
          }
        },
      }
    },
    live(key) {
      const entry = entries.get(key)
      return entry?.isOpen ? entry.inner : undefined
    },
    all: () => [...entries.values()].flatMap((entry) => (entry.isOpen ? [entry.inner] : [])),
    close() {
      for (const [key, entry] of [...entries]) drop(key, entry)
    },
  }
}

/** A Node program is not kept running by what is only being tidied up. */
function unreferenced(timer: unknown): unknown {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
  return timer
}
