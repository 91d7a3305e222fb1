/** Deletes stored answers when their idempotency keys have expired. */
import type { Leader } from '../db/lease.ts'
import { forgetOldAnswers } from '../domain/idempotency.ts'

const INTERVAL_MS = 60_000

/** Runs once a minute. Returns a function that stops it. */
export function forgetAnswers(leader: Leader, onError: (error: unknown) => void): () => void {
  const timer = setInterval(() => {
    leader.transact((tx) => forgetOldAnswers(tx.sql, Date.parse(tx.now))).catch(onError)
  }, INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}
