/**
 * Backs up and restores a database. SQLite's online backup API restarts after every COMMIT of another process and may
 * never finish on a busy server. `VACUUM INTO` reads one state and writes it once.
 */
import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type SqliteDatabase from 'better-sqlite3'
import { findDatabase, lockBeside } from './database-lock.ts'
import { LOG_ELSEWHERE } from './foreign-database.ts'
import { lockInode } from './inode-lock.ts'
import { openOurs } from './our-database.ts'
import { createPrivately, sync, takeOver } from './private-file.ts'
import { takeUnused } from './unused-file.ts'

/** Copies a database, in use or not, into a new file. Resolves to its size. Rejects with a sentence for the user. */
export async function backUp(dbPath: string, copyPath: string): Promise<number> {
  if (existsSync(copyPath)) throw new Error(`${copyPath} already exists. Choose another name, or delete it.`)
  const folder = dirname(resolve(copyPath))
  if (!existsSync(folder)) throw new Error(`the folder ${folder} does not exist.`)
  const part = `${copyPath}.part`
  rmSync(part, { force: true })
  const path = findDatabase(dbPath)
  await refuseOtherName(path)
  try {
    const copyOut = (sqlite: SqliteDatabase.Database) => {
      createPrivately(part)
      sqlite.prepare('VACUUM INTO ?').run(part)
    }
    withOurs(path, copyOut, `cannot be copied to ${copyPath}`)
    sync(part)
    renameSync(part, copyPath)
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
  return statSync(copyPath).size
}

/** Replaces a database that no server uses with a backup and gives it a new epoch. Resolves to the epoch. */
export async function restore(copyPath: string, dbPath: string): Promise<string> {
  const copy = findDatabase(copyPath)
  if (existsSync(`${copy}-wal`)) {
    throw new Error(`${copyPath} has a write-ahead log beside it: it is not a backup, or a server uses it.`)
  }
  withOurs(copy, () => undefined)
  return whileUnused(dbPath, (path) => {
    if (path === copy) throw new Error(`${copyPath} is the database itself.`)
    const part = `${path}.restoring`
    copyFileSync(copy, part)
    const epoch = drawEpoch(part)
    sync(part)
    takeOver(part, statSync(path, { throwIfNoEntry: false }))
    // They belong to the replaced database; SQLite would apply them to the copy and damage it.
    for (const companion of ['-wal', '-shm']) rmSync(`${path}${companion}`, { force: true })
    renameSync(part, path)
    return epoch
  })
}

/** Gives a database that no server uses a new epoch and resolves to it. Older cursors then get a `gap`. */
export function renewEpoch(dbPath: string): Promise<string> {
  return whileUnused(dbPath, drawEpoch)
}

function drawEpoch(path: string): string {
  const epoch = randomBytes(4).toString('hex')
  withOurs(path, (sqlite) => sqlite.prepare("UPDATE meta SET value = ? WHERE name = 'epoch'").run(epoch))
  return epoch
}

async function whileUnused<T>(dbPath: string, work: (path: string) => T): Promise<T> {
  const file = await takeUnused(dbPath)
  try {
    return work(file.path)
  } finally {
    file.release()
  }
}

/** The write-ahead log lies beside the name that the server uses. A copy made by another hard link would lack the log. */
async function refuseOtherName(path: string): Promise<void> {
  if ((statSync(path, { throwIfNoEntry: false })?.nlink ?? 1) === 1) return
  try {
    const inode = await lockInode(path)
    inode?.release()
  } catch (cause) {
    if (!isLocked(path)) throw new Error(`${path} cannot be used: ${LOG_ELSEWHERE}.`, { cause })
  }
}

function isLocked(path: string): boolean {
  try {
    lockBeside(path, path).giveUp()
    return false
  } catch {
    return true
  }
}

/** Opens a Boardcast database for `work`. `failure` completes the error message when `work` fails. */
function withOurs<T>(path: string, work: (sqlite: SqliteDatabase.Database) => T, failure = 'cannot be used'): T {
  if (!existsSync(path)) throw new Error(`${path} does not exist.`)
  let sqlite: SqliteDatabase.Database | undefined
  try {
    sqlite = openOurs(path)
    return work(sqlite)
  } catch (cause) {
    throw new Error(`${path} ${failure}: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause })
  } finally {
    sqlite?.close()
  }
}
