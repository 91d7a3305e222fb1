/** What copying a database asks of a driver: a source that is read at one instant, and a target that is filled at once. */
import type { Sql, SqlValue } from './sql.ts'

export interface CopiedTable {
  readonly name: string
  readonly columns: ReadonlyArray<{ readonly name: string; readonly isText: boolean }>
  /** The columns of the primary key, in order. */
  readonly key: readonly string[]
  /** The key counts by itself where a row is inserted without it. */
  readonly isCounted: boolean
}

/** The values in the order of the table's columns. */
export type CopiedRow = readonly SqlValue[]

export interface CopySource {
  /** As messages begin: SOURCE, and the path or the URL without its password. */
  readonly name: string
  readonly sql: Sql
  /** All rows, in the order of the key. One table at a time, and no other query meanwhile. */
  rows(table: CopiedTable): AsyncIterable<readonly CopiedRow[]>
  /** Whether the last server was stopped at this cursor and could not record it in the database. */
  wasStoppedAt(cursor: string): boolean
  close(): Promise<void>
}

export interface CopyTarget {
  /** As messages begin: TARGET, and the path or the URL without its password. */
  readonly name: string
  /** What the database holds; null if there is nothing. Not to be used after `begin`. */
  readonly found: Sql | null
  /** Begins a transaction without the tables that are named, and resolves to queries in it. */
  begin(tables: readonly string[]): Promise<Sql>
  /** Appends to a table. */
  write(table: CopiedTable, rows: readonly CopiedRow[]): Promise<void>
  /** When it resolves, everything is there and on disk; when it rejects, nothing is. */
  finish(tables: readonly CopiedTable[]): Promise<void>
  /** Gives the database back. Undoes everything if it was not finished. Never rejects. */
  close(): Promise<void>
}

/** Why a command on a database does nothing: a sentence that names the database and the fix, without a password. */
export class DatabaseRefused extends Error {
  override readonly name: string = 'DatabaseRefused'
  /** The command was given a database that does not exist or cannot be reached by what was given. */
  readonly isUsage: boolean

  constructor(message: string, { isUsage = false, cause }: { isUsage?: boolean; cause?: unknown } = {}) {
    super(message, { cause })
    this.isUsage = isUsage
  }
}
