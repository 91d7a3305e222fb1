/**
 * Group commit. Mutations that were asked for in one turn of the event loop run as one transaction, each in a savepoint
 * of its own: one failing does not fail the others, and all share one COMMIT and one fsync.
 *
 *   turn n    transact(a)  transact(b)  transact(c)            they queue
 *   check     BEGIN  [a] [b failed: rolled back] [c]  append  COMMIT  publish  ->  answers to a, b, c
 *
 * Nothing is awaited between COMMIT and publish, and no answer is given before both.
 */

import { type EventPayload, type EventType, entryOf } from '../../shared/src/catalogue.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import { now as serverNow } from '../base/clock.ts'
import type { RetentionPolicy } from '../base/config.ts'
import type { EventLog } from './log.ts'
import { LogEvent, PayloadEncoder } from './log-event.ts'
import { Snapshot } from './snapshot.ts'
import type { Sql } from './sql.ts'
import { StorageUnavailable } from './storage-fault.ts'
import { type StorageHealth, UNWATCHED } from './storage-health.ts'

/** What a mutation works with. It may await nothing but `sql`: the transaction of all is open meanwhile. */
export interface Tx {
  readonly sql: Sql
  /** The time of this transaction, ISO 8601 in UTC. */
  readonly now: string
  /** Says what happened. The event is visible to listeners once the mutation is committed, and only then. */
  emit<Type extends EventType>(type: Type, payload: EventPayload<Type>): void
  /**
   * Says something that is not stored and cannot be resumed, such as a sign of life. Listeners of the channels that are
   * there when the mutation is committed see it after its events.
   */
  announce(announcement: Announcement): void
  /** Cursor of the last event that this mutation emitted; of the newest event there is, when it emitted none. */
  readonly eventId: string
}

export interface Announcement {
  readonly event: string
  readonly channels: readonly string[]
  readonly payload: object
}

export interface Store {
  readonly log: EventLog
  /**
   * Runs `work` in this turn's transaction. Resolves after COMMIT and publication. Rejects with what `work` threw, its
   * writes undone; with `storage_unavailable` when the transaction could not be committed: nothing of it was.
   */
  transact<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** As `transact`, and tries also where others are refused because the storage is known to fail. */
  tryAnyway<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Runs `work` on the state of one instant. It may await nothing but the snapshot, and must not call `read` itself. */
  read<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T>
  /** Deletes the oldest chatter, at most `maxEvents` of it; resolves to whether there may be more to delete. */
  prune(policy: RetentionPolicy, maxEvents: number): Promise<boolean>
}

interface Job {
  readonly triesAnyway: boolean
  run(tx: Tx): Promise<void>
  settle(): void
  fail(error: unknown): void
}

/**
 * A group is cut here, so that a flood of mutations cannot hold the event loop for longer than this many
 * of them.
 */
const MAX_GROUP = 512
/** How soon a group that met the lock of another program tries again. */
const BUSY_RETRY_MS = 10

/** Called with what every COMMIT made visible, in its order, in the turn of the COMMIT. Must not throw. */
export type Publish = (events: readonly LogEvent[], announcements: readonly Announcement[]) => void

/** What the mutations of one group have emitted so far, and which of them failed. */
interface Group {
  /** Milliseconds since 1970: one time for all. */
  readonly at: number
  readonly events: LogEvent[]
  readonly announcements: Announcement[]
  failures: Map<Job, unknown> | null
}

export interface StoreOptions {
  readonly health?: StorageHealth
  /** Milliseconds since 1970; does not go back. */
  now?(): number
}

export function createStore(
  sql: Sql,
  log: EventLog,
  publish: Publish,
  { health = UNWATCHED, now = serverNow }: StoreOptions = {},
): Store {
  const queue: Job[] = []
  let scheduled = false
  let running: Promise<void> | null = null

  function enqueue(job: Job): void {
    queue.push(job)
    if (scheduled) return
    scheduled = true
    setImmediate(runGroup)
  }

  function runGroup(): void {
    const jobs = admitted(queue.splice(0, MAX_GROUP))
    if (jobs.length > 0) running = carryOut(jobs)
    else goOn()
  }

  function goOn(): void {
    scheduled = queue.length > 0
    if (scheduled) setImmediate(runGroup)
  }

  /** Never ends in the turn in which it is called: `running` is set by then. */
  async function carryOut(jobs: Job[]): Promise<void> {
    let isWaiting = false
    try {
      isWaiting = (await commitGroup(jobs)) === 'busy'
    } finally {
      running = null
      if (isWaiting) {
        queue.unshift(...jobs)
        // Reads go on while a group waits, and so does everything else.
        setTimeout(runGroup, BUSY_RETRY_MS)
      } else goOn()
    }
  }

  /** Those that may be tried; the others are answered. */
  function admitted(jobs: Job[]): Job[] {
    const fault = health.refusal()
    if (!fault) return jobs
    const error = new StorageUnavailable(fault)
    for (const job of jobs) if (!job.triesAnyway) job.fail(error)
    return jobs.filter(({ triesAnyway }) => triesAnyway)
  }

  /** `busy`: another program writes, and the same jobs are to be tried again. */
  async function commitGroup(jobs: readonly Job[]): Promise<'done' | 'busy'> {
    const group: Group = { at: now(), events: [], announcements: [], failures: null }
    let isOpen = false
    try {
      log.begin()
      await sql.run('BEGIN IMMEDIATE')
      isOpen = true
      for (const job of jobs) {
        if (await runJob(job, group, jobs.length > 1)) isOpen = false
      }
      if (isOpen) {
        await log.append(group.events)
        await sql.run('COMMIT')
      }
    } catch (cause) {
      if (!isOpen && health.isWorthWaiting(cause)) return 'busy'
      await rollback(sql)
      const error = new StorageUnavailable(health.failed(cause), cause)
      for (const job of jobs) job.fail(error)
      return 'done'
    }
    if (isOpen) {
      log.committed()
      health.succeeded()
      const { events, announcements } = group
      if (events.length > 0 || announcements.length > 0) publish(events, announcements)
    }
    const { failures } = group
    for (const job of jobs) {
      if (failures?.has(job)) job.fail(failures.get(job))
      else job.settle()
    }
    return 'done'
  }

  /**
   * Runs one job and adds what it says to the group's. Alone it needs no savepoint: resolves to true when it failed and
   * the transaction is over.
   */
  async function runJob(job: Job, group: Group, inCompany: boolean): Promise<boolean> {
    const events = group.events.length
    const announcements = group.announcements.length
    if (inCompany) await sql.run('SAVEPOINT mutation')
    try {
      await job.run(new Mutation(sql, log, group))
      if (inCompany) await sql.run('RELEASE mutation')
      return false
    } catch (error) {
      // SQLite may have rolled back everything, the savepoints of the others included.
      if (error instanceof StorageUnavailable) throw error
      group.events.length = events
      group.announcements.length = announcements
      await sql.run(inCompany ? 'ROLLBACK TO mutation' : 'ROLLBACK')
      if (inCompany) await sql.run('RELEASE mutation')
      group.failures ??= new Map()
      group.failures.set(job, error)
      return !inCompany
    }
  }

  function queued<T>(work: (tx: Tx) => Promise<T>, triesAnyway: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let value: T
      enqueue({
        triesAnyway,
        async run(tx) {
          value = await work(tx)
        },
        settle: () => resolve(value),
        fail: reject,
      })
    })
  }

  return {
    log,
    transact: (work) => queued(work, false),
    tryAnyway: (work) => queued(work, true),
    async read(work) {
      // Awaits of a mutation may let this run in the midst of its transaction, on the same connection.
      while (running) await running
      try {
        return await work(new Snapshot(sql, log.epoch, log.bounds))
      } catch (error) {
        if (error instanceof StorageUnavailable) health.failed(error)
        throw error
      }
    },
    prune(policy, maxEvents) {
      return this.transact(() => log.prune(policy, now(), maxEvents))
    },
  }
}

/**
 * A class, as there is one for every mutation: a getter in an object literal would give each a hidden class of its own,
 * which lives, with all that its closures reach, until the old generation is collected.
 */
class Mutation implements Tx {
  readonly sql: Sql
  readonly now: string
  readonly #log: EventLog
  readonly #group: Group
  readonly #at: number
  readonly #encoder = new PayloadEncoder()

  constructor(sql: Sql, log: EventLog, group: Group) {
    this.sql = sql
    this.#log = log
    this.#group = group
    this.#at = group.at
    this.now = new Date(this.#at).toISOString()
  }

  emit<Type extends EventType>(type: Type, payload: EventPayload<Type>): void {
    const entry = entryOf(type)
    if (!entry) throw new Error(`${type} is not in the catalogue`)
    const { data, skip, placements } = this.#encoder.encode(entry, payload)
    const { events } = this.#group
    const seq = this.#log.head + events.length + 1
    events.push(new LogEvent({ seq, type, at: this.#at, data, skip }, payload, placements))
  }

  announce(announcement: Announcement): void {
    this.#group.announcements.push(announcement)
  }

  get eventId(): string {
    return formatCursor(this.#log.epoch, this.#log.head + this.#group.events.length)
  }
}

/** A failed BEGIN leaves nothing to roll back, and some failures roll back by themselves. */
async function rollback(sql: Sql): Promise<void> {
  try {
    await sql.run('ROLLBACK')
  } catch {
    // Harmless: no transaction is open, which is the state wanted.
  }
}
