/** The other nodes on the same database: the doorbell that wakes them and this one, and the events that are passed on. */
import { type Doorbell, Poll, withPoll } from './doorbell.ts'
import type { DoorbellReports } from './doorbell-health.ts'
import { LineDoorbell, type OpenLine } from './line-doorbell.ts'
import { look } from './look.ts'
import type { PassedEvents } from './passed-events.ts'
import type { Store } from './store.ts'

/** What a ring that was lost costs. */
const POLL_EVERY_MS = 1_000

export type DoorbellKind = 'postgres' | 'redis' | 'poll'

export interface PeersOptions {
  readonly kind: DoorbellKind
  /** As operators know it: without a password. */
  readonly name: string
  /** null: nothing but the poll. */
  readonly line: OpenLine | null
  readonly passed: PassedEvents
}

export interface WakeOptions extends DoorbellReports {
  epoch(): string
  /** Called after a while: the store itself is made with the doorbell. */
  store(): Store
}

export class Peers {
  readonly kind: DoorbellKind
  readonly name: string
  readonly passed: PassedEvents
  readonly #line: OpenLine | null
  #doorbell: Doorbell | null = null

  constructor({ kind, name, line, passed }: PeersOptions) {
    this.kind = kind
    this.name = name
    this.#line = line
    this.passed = passed
  }

  /** Rings for the store from now on. `tried`: the doorbell works, or has failed to. To be called once. */
  wake({ epoch, store, ...reports }: WakeOptions): { readonly doorbell: Doorbell; readonly tried: Promise<void> } {
    const readHead = () => look(store(), this.passed)
    if (this.#line === null) {
      this.#doorbell = new Poll(readHead, POLL_EVERY_MS, reports)
      return { doorbell: this.#doorbell, tried: Promise.resolve() }
    }
    const bell = new LineDoorbell({ open: this.#line, epoch, ...reports })
    this.#doorbell = withPoll(bell, new Poll(readHead, POLL_EVERY_MS))
    return { doorbell: this.#doorbell, tried: bell.tried }
  }

  stop(): void {
    this.#doorbell?.stop()
  }
}
