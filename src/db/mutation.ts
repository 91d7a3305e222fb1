/** What a mutation works with, and what the mutations of one group have emitted together. */
import { type EventPayload, type EventType, entryOf } from '../../shared/src/catalogue.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import type { RetentionPolicy } from '../base/config.ts'
import type { EphemeralEvent } from './ephemeral.ts'
import { LogEvent, PayloadEncoder } from './log-event.ts'
import type { LogTransaction, Written } from './log-transaction.ts'
import type { Sql } from './sql.ts'

/** It may await nothing but `sql` and `trimLog`: the transaction of the whole group is open meanwhile. */
export interface Tx {
  readonly sql: Sql
  /** The time of this transaction, ISO 8601 in UTC. */
  readonly now: string
  /** Emits an event. Listeners see it once the mutation is committed, and only then. */
  emit<Type extends EventType>(type: Type, payload: EventPayload<Type>): void
  /** Publishes an event that is not stored (ephemeral.ts). Listeners see it after the events of the COMMIT. */
  publishEphemeral(event: EphemeralEvent): void
  /** Cursor of the last event that this mutation emitted; of the newest event there is, when it emitted none. */
  readonly eventId: string
  /**
   * Deletes the oldest transient events, at most `maxEvents` of them, while there are more than the policy allows.
   * Resolves to whether there may be more to delete. For retention.
   */
  trimLog(policy: RetentionPolicy, maxEvents: number): Promise<boolean>
}

export interface MutationOptions {
  /** Who causes its events; null or left out: nobody is known. */
  readonly actor?: string | null
}

/** What the mutations of one group share. */
export class Group {
  readonly epoch: string
  /** Milliseconds since 1970: one time for all. */
  readonly at: number
  readonly log: LogTransaction
  readonly events: LogEvent[] = []
  readonly ephemeral: EphemeralEvent[] = []

  constructor(epoch: string, at: number, log: LogTransaction) {
    this.epoch = epoch
    this.at = at
    this.log = log
  }

  /** The newest sequence number so far. */
  get head(): number {
    return this.log.head + this.events.length
  }

  savepoint(): Savepoint {
    return { events: this.events.length, ephemeral: this.ephemeral.length, written: this.log.written }
  }

  /** The database was rolled back to the savepoint: what was emitted since is forgotten, its numbers are free again. */
  undoTo({ events, ephemeral, written }: Savepoint): void {
    this.events.length = events
    this.ephemeral.length = ephemeral
    this.log.undoTo(written)
  }
}

export interface Savepoint {
  readonly events: number
  readonly ephemeral: number
  readonly written: Written
}

/**
 * A class, as there is one for every mutation: a getter in an object literal would give each a hidden class of its own,
 * which lives, with all that its closures reach, until the old generation is collected.
 */
export class Mutation implements Tx {
  readonly sql: Sql
  readonly now: string
  readonly #group: Group
  readonly #actor: string | null
  readonly #encoder = new PayloadEncoder()

  constructor(sql: Sql, group: Group, actor: string | null) {
    this.sql = sql
    this.#group = group
    this.#actor = actor
    this.now = new Date(group.at).toISOString()
  }

  emit<Type extends EventType>(type: Type, payload: EventPayload<Type>): void {
    const entry = entryOf(type)
    if (!entry) throw new Error(`${type} is not in the catalogue`)
    const { data, skip, placements } = this.#encoder.encode(entry, payload)
    const { events, head, at } = this.#group
    events.push(new LogEvent({ seq: head + 1, type, at, data, skip, actor: this.#actor }, payload, placements))
  }

  publishEphemeral(event: EphemeralEvent): void {
    this.#group.ephemeral.push(event)
  }

  get eventId(): string {
    return formatCursor(this.#group.epoch, this.#group.head)
  }

  trimLog(policy: RetentionPolicy, maxEvents: number): Promise<boolean> {
    return this.#group.log.trim(policy, this.#group.at, maxEvents)
  }
}
