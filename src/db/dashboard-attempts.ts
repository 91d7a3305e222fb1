/** Attempts of all boards as the dashboard lists them, with their card and board. */
import type { AttemptStatus } from '../../shared/src/types/kanban.ts'
import type { Sql } from './sql.ts'

export interface ListedAttempt {
  readonly attemptId: string
  readonly cardId: string
  readonly cardTitle: string
  readonly ticketKey: string
  readonly boardId: string
  readonly boardName: string
  readonly agentId: string
  readonly status: AttemptStatus
  readonly createdAt: string
  readonly updatedAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly lastLineAt: string | null
  /** The beginning of its error. */
  readonly error: string | null
}

/** How many open cards have a newest attempt that ended in each way. */
export interface Outcomes {
  readonly succeeded: number
  readonly failed: number
  readonly stopped: number
}

/**
 * Lists choose their rows first and look up what to show of them afterwards. CROSS JOIN keeps SQLite from another order:
 * it knows nothing of how many rows there are.
 */
const SHOWN = `a.id AS "attemptId", a.card_id AS "cardId", c.title AS "cardTitle", c.ticket_key AS "ticketKey",
  a.board_id AS "boardId", b.name AS "boardName", a.agent AS "agentId", a.status, a.created_at AS "createdAt",
  a.updated_at AS "updatedAt", a.started_at AS "startedAt", a.ended_at AS "endedAt", a.last_line_at AS "lastLineAt",
  substr(a.error, 1, 1000) AS error`
const LOOKED_UP = 'CROSS JOIN attempts a CROSS JOIN cards c CROSS JOIN boards b'
const MATCHED = 'a.id = chosen.id AND c.id = a.card_id AND b.id = a.board_id'

/** Those that work before those that wait, newest first. */
export async function listActive(sql: Sql, limit: number): Promise<ListedAttempt[]> {
  return sql.all(
    `SELECT ${SHOWN} FROM (
       SELECT id, CASE status WHEN 'queued' THEN 1 ELSE 0 END AS waits, created_at FROM attempts
       WHERE status IN ('queued', 'running', 'stopping')
       ORDER BY waits, created_at DESC, id DESC LIMIT ?
     ) chosen ${LOOKED_UP} WHERE ${MATCHED}
     ORDER BY chosen.waits, chosen.created_at DESC, chosen.id DESC`,
    [limit],
  )
}

/** The last changed first. */
export async function listChanged(sql: Sql, limit: number): Promise<ListedAttempt[]> {
  return sql.all(
    `SELECT ${SHOWN} FROM (
       SELECT id, updated_at FROM attempts ORDER BY updated_at DESC, id DESC LIMIT ?
     ) chosen ${LOOKED_UP} WHERE ${MATCHED}
     ORDER BY chosen.updated_at DESC, chosen.id DESC`,
    [limit],
  )
}

/** Counts the cards outside columns of key `doneKey` by how their newest attempt ended. Costs by open cards only. */
export async function countOutcomes(sql: Sql, doneKey: string): Promise<Outcomes> {
  const row = await sql.get<Outcomes>(
    `SELECT coalesce(sum(CASE WHEN a.status = 'succeeded' THEN 1 ELSE 0 END), 0) AS succeeded,
       coalesce(sum(CASE WHEN a.status = 'failed' THEN 1 ELSE 0 END), 0) AS failed,
       coalesce(sum(CASE WHEN a.status = 'stopped' THEN 1 ELSE 0 END), 0) AS stopped
     FROM board_columns k CROSS JOIN cards c CROSS JOIN attempts a
     WHERE (k.column_key IS NULL OR k.column_key <> ?) AND c.column_id = k.id AND a.card_id = c.id
       AND a.ordinal = (SELECT max(ordinal) FROM attempts WHERE card_id = c.id)`,
    [doneKey],
  )
  return row ?? { succeeded: 0, failed: 0, stopped: 0 }
}

/**
 * The attempts that `countOutcomes` counts for one outcome, the last to end first. Reads attempts of that outcome from
 * the newest back until it has `limit`: ask for no more than there are, or it reads all of them.
 */
export async function listOutcome(
  sql: Sql,
  outcome: { status: keyof Outcomes; doneKey: string; limit: number },
): Promise<ListedAttempt[]> {
  return sql.all(
    `SELECT ${SHOWN} FROM (
       SELECT o.id, o.ended_at FROM attempts o CROSS JOIN cards d CROSS JOIN board_columns k
       WHERE o.status = ? AND o.ordinal = (SELECT max(ordinal) FROM attempts WHERE card_id = o.card_id)
         AND d.id = o.card_id AND k.id = d.column_id AND (k.column_key IS NULL OR k.column_key <> ?)
       ORDER BY o.ended_at DESC, o.id DESC LIMIT ?
     ) chosen ${LOOKED_UP} WHERE ${MATCHED}
     ORDER BY chosen.ended_at DESC, chosen.id DESC`,
    [outcome.status, outcome.doneKey, outcome.limit],
  )
}

/**
 * Attempts that were queued before one moment, or started before another and printed nothing since; the longest so
 * first. `total` counts those beyond `limit` too.
 */
export async function listSilent(
  sql: Sql,
  silent: { queuedBefore: string; heardBefore: string; limit: number },
): Promise<Array<ListedAttempt & { total: number }>> {
  return sql.all(
    `SELECT ${SHOWN}, chosen.total FROM (
       SELECT id, count(*) OVER () AS total, CASE
           WHEN status = 'queued' THEN created_at
           WHEN last_line_at > started_at THEN last_line_at
           ELSE started_at END AS since
       FROM attempts
       WHERE status IN ('queued', 'running') AND ((status = 'queued' AND created_at < ?)
         OR (status = 'running' AND started_at < ? AND (last_line_at IS NULL OR last_line_at < ?)))
       ORDER BY since, id LIMIT ?
     ) chosen ${LOOKED_UP} WHERE ${MATCHED}
     ORDER BY chosen.since, chosen.id`,
    [silent.queuedBefore, silent.heardBefore, silent.heardBefore, silent.limit],
  )
}
