/**
 * Runs the mutations of a group in one transaction, each in its own savepoint. The next one begins before the database has
 * answered the end of the savepoint, which would cost a trip to PostgreSQL for each:
 *
 *   sent        savepoint  [a]  end, savepoint  [b]  end, savepoint  [c] ...
 *   answered               [a]                  end of a, [b]        end of b, [c] ...
 *
 * When a statement of `a` turns out to have failed, everything of `b` has failed with it: both are undone, and `b` runs again.
 */
import { type Group, Mutation, type Savepoint, type Tx } from './mutation.ts'
import { StorageUnavailable } from './storage-fault.ts'
import type { WriteTransaction } from './transactions.ts'

export interface Job {
  readonly triesAnyway: boolean
  readonly actor: string | null
  /** Called again if the database has carried out nothing of what the first call asked. */
  run(tx: Tx): Promise<void>
  settle(): void
  fail(error: unknown): void
}

export interface Ran {
  /** Why some of them failed. They are undone. */
  readonly failures: ReadonlyMap<Job, unknown>
  /** The transaction was rolled back: one job alone needs no savepoint. */
  readonly isOver: boolean
}

/** A job that has run, whose statements may still fail. */
interface Unconfirmed {
  readonly job: Job
  readonly before: Savepoint
  readonly confirmed: Promise<void>
}

interface Failure {
  readonly error: unknown
}

/** Rejects with StorageUnavailable if the transaction cannot go on. */
export function runJobs(transaction: WriteTransaction, jobs: readonly Job[], group: Group): Promise<Ran> {
  const [only] = jobs
  return only && jobs.length === 1 ? runAlone(transaction, only, group) : runAll(transaction, jobs, group)
}

async function runAlone(transaction: WriteTransaction, job: Job, group: Group): Promise<Ran> {
  const failures = new Map<Job, unknown>()
  try {
    await job.run(new Mutation(transaction.sql, group, job.actor))
    return { failures, isOver: false }
  } catch (error) {
    failures.set(job, failureIn(error).error)
    await transaction.rollback()
    return { failures, isOver: true }
  }
}

async function runAll(transaction: WriteTransaction, jobs: readonly Job[], group: Group): Promise<Ran> {
  const failures = new Map<Job, unknown>()
  let last: Unconfirmed | undefined

  async function undo({ job, before }: Pick<Unconfirmed, 'job' | 'before'>, { error }: Failure): Promise<void> {
    failures.set(job, error)
    group.undoTo(before)
    await transaction.undo()
    last = undefined
  }

  let isMarked = false
  for (let at = 0; at < jobs.length; at++) {
    const job = jobs[at]
    if (!job) continue
    const before = group.savepoint()
    if (!isMarked) await transaction.savepoint()
    isMarked = false
    const mutation = new Mutation(transaction.sql, group, job.actor)
    let failure: Failure | undefined
    try {
      await job.run(mutation)
    } catch (error) {
      failure = failureIn(error)
    }
    const earlier = last && (await failureOf(last.confirmed))
    if (last && earlier) {
      await undo(last, earlier)
      at -= 1
    } else if (failure) await undo({ job, before }, failure)
    else {
      isMarked = at < jobs.length - 1
      const kept = await transaction.keep(isMarked)
      last = kept && { job, before, ...kept }
    }
  }
  const failure = last && (await failureOf(last.confirmed))
  if (last && failure) await undo(last, failure)
  return { failures, isOver: false }
}

async function failureOf(confirmed: Promise<void>): Promise<Failure | undefined> {
  try {
    await confirmed
    return undefined
  } catch (error) {
    return failureIn(error)
  }
}

/** Throws StorageUnavailable: the database may have rolled back everything, earlier savepoints included. */
function failureIn(error: unknown): Failure {
  if (error instanceof StorageUnavailable) throw error
  return { error }
}
