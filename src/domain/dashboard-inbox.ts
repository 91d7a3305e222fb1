/** What needs a person's attention: attempts to review, attempts that failed or were stopped, and stuck attempts. */
import {
  type InboxItem,
  type InboxItems,
  MAX_ERROR_SUMMARY,
  MAX_INBOX_ITEMS,
} from '../../shared/src/types/dashboard.ts'
import { DONE_COLUMN_KEY } from '../../shared/src/types/kanban.ts'
import type { IdRange } from '../base/channel-patterns.ts'
import { type ListedAttempt, type ListedInbox, listNewestOutcomes, listStuck } from '../db/rows/dashboard-attempts.ts'
import type { Sql } from '../db/sql.ts'
import { iso } from './dashboard-range.ts'

/** A queued attempt is stuck after this long. */
export const QUEUED_TOO_LONG_MS = 10 * 60_000
/** A running attempt is stuck after this long without a log line. */
export const SILENT_TOO_LONG_MS = 30 * 60_000

/** Of the boards in the range of ids. */
export async function inboxOf(sql: Sql, boards: IdRange, nowMs: number): Promise<InboxItems> {
  const ended = await listNewestOutcomes(sql, boards, { doneKey: DONE_COLUMN_KEY, limit: MAX_INBOX_ITEMS })
  const review = ended.filter((attempt) => attempt.status === 'succeeded')
  const failed = ended.filter((attempt) => attempt.status !== 'succeeded')
  const stuck = await listStuck(sql, boards, {
    queuedBefore: iso(nowMs - QUEUED_TOO_LONG_MS),
    heardBefore: iso(nowMs - SILENT_TOO_LONG_MS),
    limit: MAX_INBOX_ITEMS,
  })
  return {
    review: review.map(itemOf),
    failed: failed.map((attempt) => ({ ...itemOf(attempt), errorSummary: errorSummary(attempt.error) })),
    stuck: stuck.map(itemOf),
    totals: { review: totalOf(review), failed: totalOf(failed), stuck: totalOf(stuck) },
  }
}

/** The first line of an error that is not blank, truncated. */
export function errorSummary(error: string | null): string | null {
  const line = error
    ?.trimStart()
    .split(/[\r\n]/, 1)[0]
    ?.trimEnd()
  return line ? [...line].slice(0, MAX_ERROR_SUMMARY).join('') : null
}

/** The fields that all lists of attempts share. */
export function attemptFieldsOf(attempt: ListedAttempt): Omit<InboxItem, 'occurredAt'> {
  const { attemptId, cardId, cardTitle, ticketKey, boardId, boardName, agentId, status } = attempt
  return { attemptId, cardId, cardTitle, ticketKey, boardId, boardName, agentId, status }
}

function itemOf(attempt: ListedInbox): InboxItem {
  return { ...attemptFieldsOf(attempt), occurredAt: attempt.since }
}

function totalOf(list: readonly ListedInbox[]): number {
  return list[0]?.total ?? 0
}
