/** Forgets the answers under idempotency keys when nobody can ask for them any more. */
import type { Leader } from '../db/lease.ts'
import { forgetOldAnswers } from '../domain/idempotency.ts'

const INTERVAL_MS = 60_000

/** Returns how to stop it. */
export function forgetAnswers(leader: Leader, onError: (error: unknown) => void): () => void {
  const timer = setInterval(() => {
    leader.transact((tx) => forgetOldAnswers(tx.sql, Date.parse(tx.now))).catch(onError)
  }, INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}
