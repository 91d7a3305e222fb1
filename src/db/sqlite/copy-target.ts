/**
 * A database file as the target of a copy. The copy is made beside it and takes its place when it is complete. What is
 * left of one that was killed is deleted by the next.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { type CopiedTable, type CopyTarget, DatabaseRefused } from '../copying.ts'
import { refuseForeign } from './foreign-database.ts'
import { isSameFile, keepServersOff, type NamedFile, nameFile } from './named-file.ts'
import { createPrivately, sync, takeOver } from './private-file.ts'
import { queriesOn } from './queries.ts'

/** Rejects with DatabaseRefused, also if it is the file `source`. */
export async function openSqliteTarget(given: string, source: string | undefined): Promise<CopyTarget> {
  const file = nameFile(given, 'TARGET')
  if (source !== undefined && isSameFile(file.path, source)) {
    throw new DatabaseRefused(`${file.name} is SOURCE itself.`)
  }
  const unused = await keepServersOff(file)
  let old: SqliteDatabase.Database | null
  try {
    old = openFound(file)
  } catch (error) {
    unused.release()
    throw error
  }
  const part = `${file.path}.copying`
  let made: SqliteDatabase.Database | undefined

  function closeOld(): void {
    old?.close()
    old = null
  }

  return {
    name: file.name,
    found: old && queriesOn(old),
    async begin() {
      closeOld()
      removePart(part)
      createPrivately(part)
      made = new SqliteDatabase(part)
      // It is thrown away if anything fails.
      made.pragma('journal_mode = OFF')
      made.pragma('synchronous = OFF')
      made.pragma('locking_mode = EXCLUSIVE')
      // The rows come as they were, complete.
      made.pragma('foreign_keys = OFF')
      made.exec('BEGIN')
      return queriesOn(made)
    },
    async write(table, rows) {
      const statement = made?.prepare(insertionOf(table))
      for (const row of rows) statement?.run(row)
    },
    async finish() {
      made?.exec('COMMIT')
      made?.close()
      sync(part)
      takeOver(part, statSync(file.path, { throwIfNoEntry: false }))
      // They belong to the file that is replaced; SQLite would apply them to the copy and damage it.
      for (const companion of ['-wal', '-shm']) rmSync(`${file.path}${companion}`, { force: true })
      renameSync(part, file.path)
      syncFolder(dirname(file.path))
    },
    async close() {
      closeOld()
      made?.close()
      removePart(part)
      unused.release()
    },
  }
}

/** The database that is there, with or without a board; null if there is none. Throws DatabaseRefused. */
function openFound(file: NamedFile): SqliteDatabase.Database | null {
  if (!existsSync(file.path)) return null
  let sqlite: SqliteDatabase.Database | undefined
  try {
    sqlite = new SqliteDatabase(file.path, { fileMustExist: true })
    if (refuseForeign(sqlite).isEmpty) {
      sqlite.close()
      return null
    }
    return sqlite
  } catch (error) {
    sqlite?.close()
    throw file.refuse('is not empty', error)
  }
}

function removePart(part: string): void {
  for (const companion of ['', '-journal', '-wal', '-shm']) rmSync(`${part}${companion}`, { force: true })
}

function insertionOf({ name, columns }: CopiedTable): string {
  const places = columns.map(() => '?').join(', ')
  return `INSERT INTO ${name} (${columns.map((column) => column.name).join(', ')}) VALUES (${places})`
}

/** So that the new name of the file survives a loss of power. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } catch {
    // Some file systems cannot, and have nothing to lose.
  } finally {
    closeSync(folder)
  }
}
