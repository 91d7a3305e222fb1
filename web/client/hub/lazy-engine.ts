/** Loads the engine with the first call that needs it. Subscriptions from before that are passed on once it is loaded. */
import { DEFAULT_BACKOFF, delayMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import { IDLE } from '../base/status.ts'
import type { WritableStore } from '../base/store.ts'
import type { Status, SubscribeHandlers } from '../base/types.ts'
import type { Selection } from '../stream/subscription.ts'
import type { Engine } from './engine.ts'

/** A subscription from before the engine was loaded. */
interface EarlySubscription {
  readonly selection: Selection
  readonly handlers: SubscribeHandlers
  unsubscribe?: () => void
}

export class LazyEngine {
  loaded: Engine | undefined
  /** Resolves to the function that creates the engine, which throws if the hub was closed. */
  readonly #import: () => Promise<() => Engine>
  readonly #clock: Clock
  readonly #status: WritableStore<Status>
  readonly #early = new Set<EarlySubscription>()
  #loading: Promise<Engine> | undefined
  #isStarting = false
  #isClosed = false
  #failures = 0
  #retry: unknown

  constructor(importEngine: () => Promise<() => Engine>, clock: Clock, status: WritableStore<Status>) {
    this.#import = importEngine
    this.#clock = clock
    this.#status = status
  }

  load(): Promise<Engine> {
    this.#loading ??= this.#create().catch((error: unknown) => {
      this.#loading = undefined
      throw error
    })
    return this.#loading
  }

  subscribe(selection: Selection, handlers: SubscribeHandlers): () => void {
    if (this.loaded && this.#early.size === 0) return this.loaded.subscribe(selection, handlers)
    const subscription: EarlySubscription = { selection, handlers }
    this.#early.add(subscription)
    if (this.#early.size === 1) this.#start()
    return () => {
      this.#early.delete(subscription)
      subscription.unsubscribe?.()
    }
  }

  reconnect(): void {
    if (this.loaded) this.loaded.reconnect()
    else if (this.#early.size > 0) this.#start()
  }

  close(): void {
    this.#isClosed = true
    this.#clock.clearTimeout(this.#retry)
    if (this.loaded) this.loaded.close()
    else this.#status.set({ ...IDLE, phase: 'stopped', stop: { reason: 'closed' } })
  }

  async #create(): Promise<Engine> {
    const create = await this.#import()
    this.loaded = create()
    return this.loaded
  }

  /** Loads the engine for the early subscriptions, and tries again until it is loaded. */
  #start(): void {
    this.#clock.clearTimeout(this.#retry)
    if (this.#isStarting) return
    this.#isStarting = true
    if (this.#failures === 0) this.#status.set({ ...IDLE, phase: 'connecting' })
    this.load().then(
      (engine) => this.#started(engine),
      () => this.#failed(),
    )
  }

  #started(engine: Engine): void {
    this.#isStarting = false
    if (this.#early.size === 0) this.#status.set(IDLE)
    for (const subscription of this.#early) {
      subscription.unsubscribe = engine.subscribe(subscription.selection, subscription.handlers)
    }
    this.#early.clear()
  }

  #failed(): void {
    this.#isStarting = false
    if (this.#isClosed) return
    if (this.#early.size === 0) {
      this.#status.set(IDLE)
      return
    }
    this.#failures += 1
    this.#status.set({ ...IDLE, phase: 'reconnecting', attempt: this.#failures })
    this.#retry = this.#clock.setTimeout(() => this.#start(), delayMs(DEFAULT_BACKOFF, this.#failures))
  }
}
