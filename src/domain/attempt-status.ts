/**
 * The statuses of an attempt and the transitions between them.
 *
 *   queued ──> running ──> stopping ──> stopped
 *     │          │            │
 *     │          └────────────┴───────> succeeded, failed
 *     └───────────────────────────────> stopped, failed
 */
import type { AttemptStatus } from '../../shared/src/types/kanban.ts'
import { Problem } from '../base/errors.ts'

const NEXT: Readonly<Record<AttemptStatus, readonly AttemptStatus[]>> = {
  queued: ['running', 'stopped', 'failed'],
  running: ['stopping', 'succeeded', 'failed'],
  stopping: ['stopped', 'succeeded', 'failed'],
  stopped: [],
  succeeded: [],
  failed: [],
}

/** Whether an attempt with this status has ended. Until then it is active. */
export function isFinal(status: AttemptStatus): boolean {
  return NEXT[status].length === 0
}

/** Throws `invalid_transition` unless the attempt may change from one status to the other. */
export function checkTransition(from: AttemptStatus, to: AttemptStatus): void {
  const allowed = NEXT[from]
  if (allowed.includes(to)) return
  const fix = isFinal(from) ? 'it has ended; make a new attempt' : `from ${from} it may go to ${allowed.join(', ')}`
  throw new Problem('invalid_transition', `The status of this attempt cannot go from ${from} to ${to}: ${fix}.`)
}
