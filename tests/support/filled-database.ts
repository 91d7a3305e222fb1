/** Databases with rows in every table, made by their schema, and what databases of either kind hold. */
import SqliteDatabase from 'better-sqlite3'
import pg from 'pg'
import type { CopiedTable } from '../../src/db/copying.ts'
import { NODE_TABLES, tablesOf } from '../../src/db/maintenance/tables.ts'
import { migrate, NEWEST_SCHEMA } from '../../src/db/migrations/migrate.ts'
import { Queries } from '../../src/db/postgres/queries.ts'
import type { SqlValue } from '../../src/db/sql.ts'
import { oneConnection } from '../../src/db/sqlite/one-connection.ts'
import { queriesOn } from '../../src/db/sqlite/queries.ts'

/** Texts that are easily damaged on the way. */
const TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b\0',
  '\x01',
  '\x01\x02',
  '\\N',
  '\\',
  '"{NULL}",',
  'NULL',
  "'",
  '\n\t\r',
  'é😀\u2028',
  '$1 ?',
]

/** Rows by table. */
export type Contents = Record<string, readonly (readonly SqlValue[])[]>

/** Makes a database file of a schema with that many rows in every table, and a log of that many events. */
export async function fillDatabase(
  path: string,
  { rows, events, schema = NEWEST_SCHEMA }: { rows: number; events: number; schema?: number },
): Promise<void> {
  const sqlite = new SqliteDatabase(path)
  try {
    sqlite.pragma('journal_mode = WAL')
    sqlite.pragma('synchronous = OFF')
    await migrate(oneConnection(queriesOn(sqlite)), schema)
    sqlite.exec('BEGIN')
    for (const table of await tablesOf(schema)) {
      if (table.name === 'meta' || NODE_TABLES.has(table.name)) continue
      fillTable(sqlite, table, table.name === 'events' ? events : rows)
    }
    const addFact = sqlite.prepare('INSERT INTO meta (name, value) VALUES (?, ?)')
    for (const fact of [
      ['epoch', 'c0ffee00'],
      ['in_use', '0'],
      ['session_key', 'a\0\x01'],
    ]) {
      addFact.run(fact)
    }
    sqlite.exec('COMMIT')
  } finally {
    sqlite.close()
  }
}

function fillTable(sqlite: SqliteDatabase.Database, { name, columns, key }: CopiedTable, count: number): void {
  const foreign = new Set(
    (sqlite.pragma(`foreign_key_list(${name})`) as Array<{ from: string }>).map(({ from }) => from),
  )
  const insert = sqlite.prepare(`INSERT INTO ${name} VALUES (${columns.map(() => '?').join(', ')})`)
  for (let n = 1; n <= count; n++) {
    insert.run(
      columns.map((column, index) => {
        if (!column.isText) return n
        // The text is the same wherever one row refers to another: all ids are made alike.
        const isId = foreign.has(column.name) || /(^|_)id$/.test(column.name) || key.includes(column.name)
        return isId ? `${n} \0\x01 id` : `${TEXTS[(n + index) % TEXTS.length]}${n}`
      }),
    )
  }
}

/** Everything in a file of the newest schema, or of the one that is given. */
export async function contentsOfFile(path: string, schema = NEWEST_SCHEMA): Promise<Contents> {
  const sqlite = new SqliteDatabase(path, { fileMustExist: true })
  try {
    expectSound(sqlite)
    const contents: Record<string, SqlValue[][]> = {}
    for (const table of await tablesOf(schema)) {
      contents[table.name] = sqlite.prepare(selectionOf(table)).raw().all() as SqlValue[][]
    }
    return contents
  } finally {
    sqlite.close()
  }
}

function expectSound(sqlite: SqliteDatabase.Database): void {
  const state = sqlite.pragma('integrity_check', { simple: true })
  const broken = sqlite.pragma('foreign_key_check') as unknown[]
  if (state !== 'ok' || broken.length > 0) throw new Error(`the file is damaged: ${state} ${JSON.stringify(broken)}`)
}

/** Everything in a database of PostgreSQL. */
export async function contentsOfPostgres(url: string, schema = NEWEST_SCHEMA): Promise<Contents> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const sql = new Queries(client)
    const contents: Record<string, SqlValue[][]> = {}
    for (const table of await tablesOf(schema)) contents[table.name] = await sql.values<SqlValue[]>(selectionOf(table))
    return contents
  } finally {
    await client.end()
  }
}

function selectionOf({ name, columns, key }: CopiedTable): string {
  return `SELECT ${columns.map((column) => column.name).join(', ')} FROM ${name} ORDER BY ${key.join(', ')}`
}
