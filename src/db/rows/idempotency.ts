/** Rows of the answers to POSTs with an `Idempotency-Key`. */
import type { Sql } from '../sql.ts'

export interface Claim {
  /** Keys are scoped to a subject and a route. */
  readonly subject: string
  readonly route: string
  readonly key: string
  readonly bodyHash: string
}

export interface Answer {
  readonly status: number
  readonly text: string
  readonly eventId: string
}

interface AnswerRow {
  body_hash: string
  status: number
  event_id: string
  body: string
}

/** The answer under the claim's key, with the hash of the body it answered, unless it is from `sinceMs` or older. */
export async function findAnswer(
  sql: Sql,
  claim: Claim,
  sinceMs: number,
): Promise<{ bodyHash: string; answer: Answer } | undefined> {
  const row = await sql.get<AnswerRow>(
    `SELECT body_hash, status, event_id, body FROM idempotency_keys
     WHERE subject = ? AND route = ? AND idempotency_key = ? AND at > ?`,
    [claim.subject, claim.route, claim.key, sinceMs],
  )
  return row && { bodyHash: row.body_hash, answer: { status: row.status, text: row.body, eventId: row.event_id } }
}

/** Inserts the answer, or replaces an older one under the same key. `atMs` is since 1970. */
export async function saveAnswer(sql: Sql, claim: Claim, answer: Answer, atMs: number): Promise<void> {
  await sql.run(
    `INSERT INTO idempotency_keys (subject, route, idempotency_key, body_hash, status, event_id, body, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (subject, route, idempotency_key) DO UPDATE SET body_hash = excluded.body_hash,
       status = excluded.status, event_id = excluded.event_id, body = excluded.body, at = excluded.at`,
    [claim.subject, claim.route, claim.key, claim.bodyHash, answer.status, answer.eventId, answer.text, atMs],
  )
}

export async function deleteAnswersUpTo(sql: Sql, ms: number): Promise<void> {
  await sql.run('DELETE FROM idempotency_keys WHERE at <= ?', [ms])
}
