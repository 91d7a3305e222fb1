/** Migrates a database to the newest schema. Each numbered step runs in one transaction. */

import { readMeta, writeMeta } from '../meta.ts'
import type { Sql } from '../sql.ts'
import type { Transactions } from '../transactions.ts'
import { boardFamily } from './001-board-family.ts'
import { tasksAndMail } from './002-tasks-and-mail.ts'
import { sessionsWorkflowsShells } from './003-sessions-workflows-shells.ts'
import { presence } from './004-presence.ts'
import { trimmed } from './005-trimmed.ts'
import { orderOfCreation } from './006-order-of-creation.ts'
import { actor } from './007-actor.ts'
import { tickets } from './008-tickets.ts'
import { passedEvents } from './009-passed-events.ts'
import { nodes } from './010-nodes.ts'

/** The statements of each step, oldest first. */
export const MIGRATIONS: ReadonlyArray<readonly string[]> = [
  boardFamily,
  tasksAndMail,
  sessionsWorkflowsShells,
  presence,
  trimmed,
  orderOfCreation,
  actor,
  tickets,
  passedEvents,
  nodes,
]

/** A newer version has migrated the database further than this version can. */
export class NewerSchema extends Error {
  readonly schema: number
  readonly known: number

  constructor(schema: number, known: number) {
    super(`The database was written by a newer Boardcast (schema ${schema}; this version knows ${known}).`)
    this.name = 'NewerSchema'
    this.schema = schema
    this.known = known
  }
}

/** The schema that this version migrates to. */
export const NEWEST_SCHEMA = MIGRATIONS.length

export interface MigrationOptions {
  /** All that this version knows. */
  readonly steps?: typeof MIGRATIONS
  /** Called in the transaction of each step, before anything is changed. `schema`: the steps that were taken before. */
  beforeStep?(sql: Sql, schema: number): Promise<void>
}

/** Safe to run in several processes at once: each step reads the schema inside its transaction. Throws NewerSchema. */
export async function migrate(
  transactions: Pick<Transactions, 'write'>,
  upTo = NEWEST_SCHEMA,
  options: MigrationOptions = {},
): Promise<void> {
  for (let isDone = false; !isDone; ) {
    const transaction = await transactions.write()
    try {
      isDone = await migrateOnce(transaction.sql, upTo, options)
      await transaction.commit()
    } catch (error) {
      await transaction.rollback()
      throw error
    } finally {
      transaction.release()
    }
  }
}

/** Takes one step. Resolves to true when no step was left. */
async function migrateOnce(
  sql: Sql,
  upTo: number,
  { steps = MIGRATIONS, beforeStep }: MigrationOptions,
): Promise<boolean> {
  await sql.run('CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)')
  const done = Number((await readMeta(sql, 'schema')) ?? 0)
  if (done > steps.length) {
    throw new NewerSchema(done, steps.length)
  }
  const statements = steps[done]
  if (!statements || done >= upTo) return true
  await beforeStep?.(sql, done)
  for (const statement of statements) await sql.run(statement)
  await writeMeta(sql, 'schema', String(done + 1))
  return false
}
