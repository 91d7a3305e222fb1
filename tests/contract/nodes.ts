/** What the contract suite asks of a store that it is run over, and the parts that all of them share. */
import type { Doorbell } from '../../src/db/doorbell.ts'
import type { EphemeralEvent } from '../../src/db/ephemeral.ts'
import { Log } from '../../src/db/log.ts'
import type { LogEvent } from '../../src/db/log-event.ts'
import { faultOf } from '../../src/db/storage-fault.ts'
import { UNWATCHED } from '../../src/db/storage-health.ts'
import { createStore, type Store, type StoreOptions } from '../../src/db/store.ts'
import type { Transactions } from '../../src/db/transactions.ts'
import { Watch, watched } from './watched.ts'

export interface StoreKind {
  readonly name: string
  /** An empty database. */
  open(): Promise<Cluster>
}

/** One database and those who use it. */
export interface Cluster extends AsyncDisposable {
  /** Opens a store of its own on the database, as another process would. */
  node(options?: Partial<StoreOptions>): Promise<TestNode>
  /** Somebody else who writes: another node, or another process. */
  readonly other: Other
  /** From now on nobody writes who was not asked to. */
  quiet(): Promise<void>
}

export interface Other {
  /** Commits events that are kept, as `record` does. Resolves to their sequence numbers. */
  commit(events: number): Promise<readonly number[]>
  /** Commits transient events, which the ledger knows nothing of. */
  print(lines: number): Promise<void>
  /** Trims all transient events beyond so many. */
  trim(maxEvents: number): Promise<void>
}

export interface Publication {
  readonly events: readonly LogEvent[]
  readonly ephemeral: readonly EphemeralEvent[]
  readonly head: number
  /** The last query that the node had made. */
  readonly after: string | undefined
}

/** A doorbell that a test rings. It records how it is rung. */
export class TestBell implements Doorbell {
  readonly status = 'ok'
  readonly rung: number[] = []
  readonly #listeners = new Set<(head: number) => void>()

  ring(head: number): void {
    this.rung.push(head)
  }

  onRing(listener: (head: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  stop(): void {}

  /** As another node does. */
  hear(head: number): void {
    for (const listener of this.#listeners) listener(head)
  }
}

export class TestNode {
  readonly sql: Watch
  readonly store: Store
  readonly bell = new TestBell()
  readonly published: Publication[] = []
  readonly errors: unknown[] = []
  /** What was published when events were found to be lost. */
  readonly losses: number[] = []
  /** The head when it was opened. */
  readonly openedAt: number

  private constructor(watch: Watch, transactions: Transactions, log: Log, options: Partial<StoreOptions>) {
    this.sql = watch
    this.openedAt = log.bounds.newest
    this.store = createStore(
      transactions,
      log,
      (events, ephemeral, head) => this.published.push({ events, ephemeral, head, after: watch.seen.at(-1) }),
      {
        // As long as it takes: another node writes.
        health: { ...UNWATCHED, isWorthWaiting: (error) => faultOf(error).kind === 'busy' },
        doorbell: this.bell,
        onError: (error) => this.errors.push(error),
        onLost: () => this.losses.push(this.store.head),
        ...options,
      },
    )
  }

  static async open(given: Transactions, options: Partial<StoreOptions> = {}): Promise<TestNode> {
    const watch = new Watch()
    const transactions = watched(given, watch)
    for (;;) {
      try {
        return new TestNode(watch, transactions, await Log.open(transactions), options)
      } catch (error) {
        if (faultOf(error).kind !== 'busy') throw error
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }

  get publishedSeqs(): number[] {
    return this.published.flatMap(({ events }) => events.map(({ seq }) => seq))
  }
}

/** A fault of the disk. */
export function diskError(): Error {
  return Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' })
}

/** From now on one query fails: the first that is `query`. */
export function failOnce({ sql }: TestNode, query: string): void {
  sql.failOn = (text) => {
    if (text !== query) return undefined
    sql.failOn = () => undefined
    return diskError()
  }
}
