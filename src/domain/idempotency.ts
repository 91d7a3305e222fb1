/** Answers that are repeated when a POST comes again with the same `Idempotency-Key`. They are kept for 24 hours. */
import { Problem } from '../base/errors.ts'
import * as rows from '../db/rows/idempotency.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'

export type { Answer, Claim } from '../db/rows/idempotency.ts'

const KEPT_MS = 24 * 60 * 60 * 1000

/**
 * The first answer to a claim; undefined when there is none. A retry that arrives while the first request is in progress
 * finds it too, because mutations run one after the other. Throws `idempotency_mismatch` for another body.
 */
export async function findAnswer(tx: Tx, claim: rows.Claim): Promise<rows.Answer | undefined> {
  const found = await rows.findAnswer(tx.sql, claim, Date.parse(tx.now) - KEPT_MS)
  if (found && found.bodyHash !== claim.bodyHash) {
    throw new Problem('idempotency_mismatch', 'This Idempotency-Key was used with another body. Use a new key.', {
      errors: [{ path: '', message: 'differs from the body that was first sent with this Idempotency-Key' }],
    })
  }
  return found?.answer
}

export async function saveAnswer(tx: Tx, claim: rows.Claim, answer: rows.Answer): Promise<void> {
  await rows.saveAnswer(tx.sql, claim, answer, Date.parse(tx.now))
}

/** Deletes answers that are too old to be repeated. `nowMs` is since 1970. */
export async function forgetOldAnswers(sql: Sql, nowMs: number): Promise<void> {
  await rows.deleteAnswersUpTo(sql, nowMs - KEPT_MS)
}
