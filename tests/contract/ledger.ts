/**
 * What the mutations of the contract suite do. Each takes the next number of a counter, emits some events, and writes
 * a row for each of them, so that rows and log prove each other: the rows of any snapshot are its events, no more and no
 * less, and a number that was taken twice is a lost update.
 */
import { parseCursor } from '../../shared/src/cursor.ts'
import type { Sql } from '../../src/db/sql.ts'
import type { Tx } from '../../src/db/store.ts'

export async function createLedger(sql: Sql): Promise<void> {
  await sql.run('CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)')
  await sql.run('INSERT INTO counter (id, n) VALUES (1, 0)')
  await sql.run('CREATE TABLE mutations (n INTEGER NOT NULL)')
  await sql.run('CREATE TABLE ledger (seq BIGINT NOT NULL, author TEXT NOT NULL)')
}

/** Resolves to the sequence numbers of its events. */
export async function record(tx: Tx, author: string, events = 1): Promise<number[]> {
  const counter = await tx.sql.get<{ n: number }>('SELECT n FROM counter')
  const mutation = (counter?.n ?? 0) + 1
  await tx.sql.run('UPDATE counter SET n = ?', [mutation])
  await tx.sql.run('INSERT INTO mutations (n) VALUES (?)', [mutation])
  const seqs: number[] = []
  for (let i = 0; i < events; i++) {
    tx.emit('board.updated', { boardId: author, changes: { name: `${mutation}.${i}` } })
    const seq = parseCursor(tx.eventId)?.seq ?? 0
    seqs.push(seq)
    await tx.sql.run('INSERT INTO ledger (seq, author) VALUES (?, ?)', [seq, author])
  }
  return seqs
}
