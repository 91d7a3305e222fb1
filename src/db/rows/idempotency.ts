/** Answers that are given again when a POST comes back with its key. */
import { Problem } from '../../base/errors.ts'
import type { Sql } from '../sql.ts'
import type { Tx } from '../store.ts'

const KEPT_MS = 24 * 60 * 60 * 1000

export interface Claim {
  /** Keys belong to a subject and a route. */
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

/**
 * The first answer to a claim, undefined when there is none. A request that came while the first one was at work finds
 * it too: both are mutations, and those run one after the other.
 */
export async function findAnswer(tx: Tx, claim: Claim): Promise<Answer | undefined> {
  const row = await tx.sql.get<AnswerRow>(
    `SELECT body_hash, status, event_id, body FROM idempotency_keys
     WHERE subject = ? AND route = ? AND idempotency_key = ? AND at > ?`,
    [claim.subject, claim.route, claim.key, Date.parse(tx.now) - KEPT_MS],
  )
  if (!row) return undefined
  if (row.body_hash !== claim.bodyHash) {
    throw new Problem('idempotency_mismatch', 'This Idempotency-Key was used with another body. Use a new key.', {
      errors: [{ path: '', message: 'differs from the body that was first sent with this Idempotency-Key' }],
    })
  }
  return { status: row.status, text: row.body, eventId: row.event_id }
}

export async function saveAnswer(tx: Tx, claim: Claim, answer: Answer): Promise<void> {
  await tx.sql.run(
    `INSERT INTO idempotency_keys (subject, route, idempotency_key, body_hash, status, event_id, body, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (subject, route, idempotency_key) DO UPDATE SET body_hash = excluded.body_hash,
       status = excluded.status, event_id = excluded.event_id, body = excluded.body, at = excluded.at`,
    [
      claim.subject,
      claim.route,
      claim.key,
      claim.bodyHash,
      answer.status,
      answer.eventId,
      answer.text,
      Date.parse(tx.now),
    ],
  )
}

/** Forgets answers that are too old to be asked for. */
export async function forgetOldAnswers(sql: Sql, now: number): Promise<void> {
  await sql.run('DELETE FROM idempotency_keys WHERE at <= ?', [now - KEPT_MS])
}
