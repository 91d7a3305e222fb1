/** Opens a file for a command, if it is a Boardcast database. */
import { existsSync, statSync } from 'node:fs'
import SqliteDatabase from 'better-sqlite3'
import { LOG_ELSEWHERE, refuseForeign } from './foreign-database.ts'

/** Throws why the file cannot be used, as a clause. The file exists. */
export function openOurs(path: string): SqliteDatabase.Database {
  const hasLog = existsSync(`${path}-wal`)
  const sqlite = new SqliteDatabase(path, { fileMustExist: true })
  try {
    const { isEmpty, isUnclosed } = refuseForeign(sqlite)
    if (isEmpty) throw new Error('it holds no board')
    if (isUnclosed && !hasLog && statSync(path).nlink > 1) throw new Error(LOG_ELSEWHERE)
    return sqlite
  } catch (error) {
    sqlite.close()
    throw error
  }
}
