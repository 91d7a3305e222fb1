/**
 * Group commit. Mutations that were asked for in one turn of the event loop run as one transaction, each in its own
 * savepoint: one failing does not fail the others, and all share one COMMIT and one fsync.
 *
 *   turn n    transact(a)  transact(b)  transact(c)            they queue
 *   check     BEGIN  [a] [b failed: rolled back] [c]  append  COMMIT  publish  ->  answers to a, b, c
 *
 * Nothing is awaited between COMMIT and publish, and no answer is given before both. Groups run one after the other. So
 * that this holds for several processes on one database as well, the head of the log is read in every transaction, after
 * BEGIN, when no other process can move it.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { formatCursor } from '../../shared/src/cursor.ts'
import { now as serverNow } from '../base/clock.ts'
import { type Doorbell, NO_DOORBELL } from './doorbell.ts'
import { type Ephemeral, ON_THIS_NODE } from './ephemeral.ts'
import { CountGoesOn } from './event-counts.ts'
import type { Log } from './log.ts'
import { Group, type MutationOptions, type Tx } from './mutation.ts'
import { type Job, type Ran, runJobs } from './run-jobs.ts'
import { ALL, type Bounds, type Snapshot } from './snapshot.ts'
import { OutcomeUnknown, StorageUnavailable, WENT_BACK } from './storage-fault.ts'
import { type StorageHealth, UNWATCHED } from './storage-health.ts'
import { type Publish, type Stretch, Tail } from './tail.ts'
import { traceOf } from './trace.ts'
import type { Transactions, WriteTransaction } from './transactions.ts'
import type { Transient, TransientCount } from './transient.ts'

export type { MutationOptions, Tx } from './mutation.ts'

export interface Store {
  /** As this node last read it. It changes when another program renews it. */
  readonly epoch: string
  /** The newest sequence number that this node has published. The database may hold newer events of other nodes. */
  readonly head: number
  /** `head` as a cursor. */
  readonly cursor: string
  /** For figures and quick checks: what this node has published, and the oldest bound that it last saw. */
  readonly bounds: Bounds
  /** The transient events when they were last counted. May lag behind what other nodes write. */
  readonly transient: TransientCount
  /**
   * Runs `work` in this turn's transaction. Resolves after COMMIT and publication. Rejects with what `work` threw, its
   * writes undone; with `storage_unavailable` when the transaction could not be committed: nothing of it was.
   */
  transact<T>(work: (tx: Tx) => Promise<T>, options?: MutationOptions): Promise<T>
  /** As `transact`, and tries also where others are refused because the storage is known to fail. */
  tryAnyway<T>(work: (tx: Tx) => Promise<T>, options?: MutationOptions): Promise<T>
  /**
   * Runs `work` on the state of one instant. It may await nothing but the snapshot, and must not call `read` or await
   * `transact`. Settles after this node has published everything that the snapshot includes. Runs `work` again, on a later
   * state, if it counts a log that is too long for one transaction.
   */
  read<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T>
  /** Counts the transient events of a snapshot. */
  countTransient(snapshot: Snapshot): Promise<Transient>
}

/**
 * A group is cut here, so that a flood of mutations cannot hold the event loop for longer than this many
 * of them.
 */
const MAX_GROUP = 512
/** How soon a group that met the lock of another program tries again. */
const BUSY_RETRY_MS = 10
/** How much is read at once after other nodes have written. */
const PAGE_EVENTS = 512
const PAGE_LENGTH = 1024 * 1024

export interface StoreOptions {
  readonly health?: StorageHealth
  readonly doorbell?: Doorbell
  readonly ephemeral?: Ephemeral
  /** Milliseconds since 1970; does not go back. */
  now?(): number
  /** Events were trimmed before this node could publish them. Must end every stream: they resume, with a gap. */
  onLost?(): void
  /** Whether somebody needs what other nodes commit. If nobody does, it is not read, and `publish` gets the head alone. */
  isWatched?(): boolean
  /** Called before such a `publish`: what was made of the log before is out of date. */
  onPassedOver?(): void
  /** The log has a new epoch and goes on from `head`. Must end every stream, in the same turn: it was part of another log. */
  onEpoch?(head: number): void
  /** Events of other nodes could not be read. The next ring, read or COMMIT tries again. */
  onError?(error: unknown): void
}

export function createStore(
  transactions: Transactions,
  log: Log,
  publish: Publish,
  {
    health = UNWATCHED,
    doorbell = NO_DOORBELL,
    ephemeral = ON_THIS_NODE,
    now = serverNow,
    onLost = () => {},
    onEpoch = () => {},
    isWatched = () => true,
    onPassedOver = () => {},
    onError = () => {},
  }: StoreOptions = {},
): Store {
  const queue: Job[] = []
  let scheduled = false
  const tail = new Tail({
    head: log.bounds.newest,
    publish,
    read: readStretch,
    isWatched,
    onPassedOver,
    onLost,
    onError,
  })
  log.onEpoch = (head) => {
    tail.beginAt(head)
    onEpoch(head)
  }
  doorbell.onRing((head) => tail.ring(head))
  ephemeral.onPassed((events) => tail.deliver(events))

  function enqueue(job: Job): void {
    queue.push(job)
    if (scheduled) return
    scheduled = true
    setImmediate(runGroup)
  }

  function runGroup(): void {
    const jobs = admitted(queue.splice(0, MAX_GROUP))
    if (jobs.length > 0) void carryOut(jobs)
    else goOn()
  }

  function goOn(): void {
    scheduled = queue.length > 0
    if (scheduled) setImmediate(runGroup)
  }

  async function carryOut(jobs: Job[]): Promise<void> {
    let isWaiting = false
    try {
      isWaiting = (await commitGroup(jobs)) === 'busy'
    } finally {
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
  async function commitGroup(jobs: Job[]): Promise<'done' | 'busy'> {
    let transaction: WriteTransaction
    try {
      transaction = await transactions.write()
    } catch (cause) {
      if (health.isWorthWaiting(cause)) return 'busy'
      failAll(jobs, cause)
      return 'done'
    }
    // Those that came while another node had the lock: the larger a group, the less each of its mutations costs.
    if (queue.length > 0) jobs.push(...admitted(queue.splice(0, MAX_GROUP - jobs.length)))
    const { sql } = transaction
    let group: Group
    let ran: Ran
    try {
      // Everything that was published has been committed.
      const written = await log.begin(sql, tail.head)
      if (!written) {
        await transaction.commit()
        throw new StorageUnavailable(WENT_BACK)
      }
      group = new Group(log.epoch, now(), written)
      ran = await runJobs(transaction, jobs, group)
      if (!ran.isOver) {
        await group.log.append(group.events)
        if (group.ephemeral.length > 0) await ephemeral.pass(sql, group.ephemeral)
        await transaction.commit(traceOf(group.events))
      }
    } catch (cause) {
      await transaction.rollback()
      transaction.release()
      failAll(jobs, cause)
      return 'done'
    }
    let publication: Promise<void> | undefined
    try {
      publication = ran.isOver ? tail.reach(group.log.head).catch(onError) : onCommit(group)
    } finally {
      transaction.release()
    }
    // There is nothing to wait for unless other nodes have written, too.
    if (publication) await publication
    for (const job of jobs) {
      if (ran.failures.has(job)) job.fail(ran.failures.get(job))
      else job.settle()
    }
    return 'done'
  }

  function onCommit(group: Group): Promise<void> | undefined {
    log.committed(group.log)
    health.succeeded()
    const { events } = group
    const publication = tail.committed(group.log.head, events, group.ephemeral)
    if (events.length > 0) doorbell.ring(group.head)
    return publication
  }

  function failAll(jobs: readonly Job[], cause: unknown): void {
    const fault = health.failed(cause)
    const error = cause instanceof OutcomeUnknown ? cause : new StorageUnavailable(fault, cause)
    for (const job of jobs) job.fail(error)
  }

  function queued<T>(
    work: (tx: Tx) => Promise<T>,
    triesAnyway: boolean,
    { actor = null }: MutationOptions = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let value: T
      enqueue({
        triesAnyway,
        actor,
        async run(tx) {
          value = await work(tx)
        },
        settle: () => resolve(value),
        fail: reject,
      })
    })
  }

  async function inSnapshot<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    try {
      // Everything that was published before the transaction begins is visible in it.
      const { head } = tail
      const transaction = await transactions.read()
      try {
        const snapshot = await log.snapshot(transaction.sql)
        const isOlder = snapshot.head < head && snapshot.head < tail.head
        // A transaction that writes is certain, and marks the log for all nodes.
        if (isOlder || snapshot.epoch !== log.epoch) lookCloser()
        if (isOlder) throw new StorageUnavailable(WENT_BACK)
        return await work(snapshot)
      } finally {
        await transaction.end()
      }
    } catch (error) {
      if (error instanceof StorageUnavailable) health.failed(error)
      throw error
    }
  }

  let isLookingCloser = false
  function lookCloser(): void {
    if (isLookingCloser) return
    isLookingCloser = true
    queued(async () => {}, true)
      // The store has reported it.
      .catch(() => {})
      .finally(() => {
        isLookingCloser = false
      })
  }

  function readStretch(after: number, withEvents: boolean): Promise<Stretch> {
    return inSnapshot(async (snapshot) => ({
      ...(withEvents
        ? await snapshot.readAfter(ALL, after, PAGE_EVENTS, PAGE_LENGTH)
        : { events: [], reached: snapshot.head }),
      ...snapshot.bounds,
    }))
  }

  return {
    get epoch() {
      return log.epoch
    },
    get head() {
      return tail.head
    },
    get cursor() {
      return formatCursor(log.epoch, tail.head)
    },
    get bounds() {
      return { oldest: log.bounds.oldest, newest: tail.head }
    },
    get transient() {
      return log.transient
    },
    transact: (work, options) => queued(work, false, options),
    tryAnyway: (work, options) => queued(work, true, options),
    async read(work) {
      let head = 0
      try {
        for (;;) {
          try {
            return await inSnapshot((snapshot) => {
              head = snapshot.head
              return work(snapshot)
            })
          } catch (error) {
            if (!(error instanceof CountGoesOn)) throw error
            await nextTurn()
          }
        }
      } finally {
        if (head > tail.head) await tail.reach(head)
      }
    },
    countTransient: (snapshot) => log.countTransient(snapshot),
  }
}
