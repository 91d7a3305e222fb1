/** Rows of tickets. The text of a ticket is nowhere stored. */
import type { Sql } from '../sql.ts'

export interface TicketRow {
  readonly hash: string
  /** JSON of the subject that holds it. */
  readonly subject: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

export async function insertTicket(sql: Sql, { hash, subject, expiresAt }: TicketRow): Promise<void> {
  await sql.run('INSERT INTO tickets (hash, subject, expires_at) VALUES (?, ?, ?)', [hash, subject, expiresAt])
}

/** Deletes the ticket; resolves to the JSON of its subject, undefined if there is none that is valid at `nowMs`. */
export async function takeTicket(sql: Sql, hash: string, nowMs: number): Promise<string | undefined> {
  const row = await sql.get<{ subject: string }>(
    'DELETE FROM tickets WHERE hash = ? AND expires_at > ? RETURNING subject',
    [hash, nowMs],
  )
  return row?.subject
}

export async function deleteTicketsUpTo(sql: Sql, ms: number): Promise<void> {
  await sql.run('DELETE FROM tickets WHERE expires_at <= ?', [ms])
}
