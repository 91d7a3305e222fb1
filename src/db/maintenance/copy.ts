/**
 * Copies a database, from a file or from PostgreSQL into either: every table as it is, with the epoch and all ids, so that
 * cursors of clients go on. The target gets the schema of the source. All is written in one transaction.
 */
import { setImmediate } from 'node:timers/promises'
import { formatCursor } from '../../../shared/src/cursor.ts'
import { type CopiedTable, type CopySource, type CopyTarget, DatabaseRefused } from '../copying.ts'
import { readMeta, writeMeta } from '../meta.ts'
import { migrate, NEWEST_SCHEMA } from '../migrations/migrate.ts'
import type { Sql } from '../sql.ts'
import type { Transactions } from '../transactions.ts'
import { openSource, openTarget } from './databases.ts'
import { LOG_TABLES, META, NODE_TABLES, tablesOf } from './tables.ts'

export interface CopyResult {
  /** Where the log stands. */
  readonly cursor: string
  readonly events: number
  /** Rows beside the log. */
  readonly rows: number
}

export interface CopyProgress {
  readonly events: number
  readonly rows: number
  readonly totalEvents: number
  readonly totalRows: number
}

export interface CopyOptions {
  onProgress?(progress: CopyProgress): void
  /** Ends the copy before it is complete: nothing is written. */
  readonly signal?: AbortSignal
}

interface Counted {
  readonly table: CopiedTable
  readonly count: number
}

/** Rejects with DatabaseRefused, with a sentence that says which of the two cannot be used and why. */
export async function copyDatabase(from: string, to: string, options: CopyOptions = {}): Promise<CopyResult> {
  const opened = await openSource(from)
  const { source } = opened
  try {
    const schema = await schemaOf(source.sql, source.name)
    if (schema === undefined) throw new DatabaseRefused(`${source.name} is no Boardcast database.`)
    const counted = await count(source.sql, await tablesOf(schema), source.name)
    const cursor = await cursorOf(source)
    const target = await openTarget(to, opened)
    try {
      const replaced = target.found === null ? [] : await emptyTables(target.found, target.name)
      const sql = await naming(target.name, 'cannot be written', () => target.begin(replaced))
      await naming(target.name, 'cannot be written', async () => {
        await migrate(asOneTransaction(sql), schema)
        await sql.run('DELETE FROM meta')
      })
      const progress = new Progress(counted, options)
      for (const { table, count } of counted) {
        if (count === 0) continue
        await copyTable(source, target, table, progress)
      }
      if (source.wasStoppedAt(cursor)) await writeMeta(sql, 'in_use', '0')
      await naming(target.name, 'cannot be written', () => target.finish(counted.map(({ table }) => table)))
      return { cursor, events: progress.events, rows: progress.rows }
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

/** Writes one batch while the next is read. */
async function copyTable(
  source: CopySource,
  target: CopyTarget,
  table: CopiedTable,
  progress: Progress,
): Promise<void> {
  let writing: Promise<void> = Promise.resolve()
  const batches = source.rows(table)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await naming(source.name, 'cannot be read', () => batches.next())
      await writing
      if (next.done) return
      progress.add(table, next.value.length)
      // Files answer at once; signals and output need a turn of the event loop.
      await setImmediate()
      writing = naming(target.name, 'cannot be written', () => target.write(table, next.value))
      // Reported where it is awaited.
      writing.catch(() => {})
    }
  } finally {
    await batches.return?.()
  }
}

/** The tables of the target, all of which are empty. Throws DatabaseRefused if one holds anything. */
async function emptyTables(sql: Sql, name: string): Promise<string[]> {
  const schema = await schemaOf(sql, name)
  if (schema === undefined) {
    throw new DatabaseRefused(`${name} is not empty: it is the database of another program. Name an empty one.`)
  }
  const counted = await count(sql, await tablesOf(schema), name)
  const full = counted.find(({ table, count }) => table.name !== META && count > 0)
  if (full) {
    const { table, count } = full
    const what = table.name === 'events' ? amount(count, 'event') : `${amount(count, 'row')} in ${table.name}`
    throw new DatabaseRefused(`${name} is not empty: it holds ${what}. Name an empty database, or a new file.`)
  }
  if (Number((await readMeta(sql, 'trimmed')) ?? 0) > 0) {
    throw new DatabaseRefused(`${name} is not empty: it held events. Name an empty database, or a new file.`)
  }
  return counted.map(({ table }) => table.name)
}

function amount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Undefined: it has no schema of ours. Throws DatabaseRefused if it was written by a newer version. */
async function schemaOf(sql: Sql, name: string): Promise<number | undefined> {
  let text: string | undefined
  try {
    text = await readMeta(sql, 'schema')
  } catch {
    return undefined
  }
  const schema = Number(text)
  if (!(schema >= 1)) return undefined
  if (schema <= NEWEST_SCHEMA) return schema
  throw new DatabaseRefused(
    `${name} was written by a newer Boardcast (schema ${schema}; this version knows ${NEWEST_SCHEMA}). Copy it with that version.`,
  )
}

async function count(sql: Sql, tables: readonly CopiedTable[], name: string): Promise<Counted[]> {
  return naming(name, 'is no complete Boardcast database', async () => {
    const counted: Counted[] = []
    for (const table of tables) {
      const row = NODE_TABLES.has(table.name)
        ? undefined
        : await sql.get<{ n: number }>(`SELECT count(*) AS n FROM ${table.name}`)
      counted.push({ table, count: row?.n ?? 0 })
    }
    return counted
  })
}

async function cursorOf({ name, sql }: CopySource): Promise<string> {
  const epoch = await readMeta(sql, 'epoch')
  if (epoch === undefined) throw new DatabaseRefused(`${name} has no epoch yet: start a server on it once.`)
  const newest = await sql.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM events')
  const trimmed = Number((await readMeta(sql, 'trimmed')) ?? 0)
  return formatCursor(epoch, Math.max(newest?.seq ?? 0, trimmed))
}

/** Migrations inside a transaction that goes on after them. */
function asOneTransaction(sql: Sql): Pick<Transactions, 'write'> {
  async function nothing(): Promise<undefined> {
    return undefined
  }
  return {
    async write() {
      return { sql, savepoint: nothing, keep: nothing, undo: nothing, commit: nothing, rollback: nothing, release() {} }
    },
  }
}

/** Names the database in errors of its driver. */
async function naming<T>(name: string, failure: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DatabaseRefused) throw error
    const why = error instanceof Error ? messageOf(error) : String(error)
    throw new DatabaseRefused(`${name} ${failure}: ${why.replace(/\.?$/, '.')} Nothing was changed.`, { cause: error })
  }
}

/** What the driver reported, which is more than what a client of the server is told. */
function messageOf(error: Error): string {
  return error.cause instanceof Error ? messageOf(error.cause) : error.message
}

class Progress {
  events = 0
  rows = 0
  readonly #totals: { readonly totalEvents: number; readonly totalRows: number }
  readonly #options: CopyOptions

  constructor(counted: readonly Counted[], options: CopyOptions) {
    this.#totals = {
      totalEvents: total(counted, ({ table }) => table.name === 'events'),
      totalRows: total(counted, ({ table }) => isRow(table)),
    }
    this.#options = options
  }

  /** Throws if the copy is to end. */
  add(table: CopiedTable, count: number): void {
    this.#options.signal?.throwIfAborted()
    if (table.name === 'events') this.events += count
    else if (isRow(table)) this.rows += count
    const { events, rows } = this
    this.#options.onProgress?.({ events, rows, ...this.#totals })
  }
}

function isRow({ name }: CopiedTable): boolean {
  return name !== META && !LOG_TABLES.has(name)
}

function total(counted: readonly Counted[], isMeant: (each: Counted) => boolean): number {
  return counted.filter(isMeant).reduce((sum, { count }) => sum + count, 0)
}
