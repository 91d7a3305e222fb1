/** Attempts of all boards as the dashboard lists them, with card and board. */
import type { AttemptStatus } from '../../../shared/src/types/kanban.ts'
import type { IdRange } from '../../base/channel-patterns.ts'
import type { Sql } from '../sql.ts'
import { clause, onBoard } from './visible.ts'

export interface ListedAttempt {
  readonly attemptId: string
  readonly cardId: string
  readonly cardTitle: string
  readonly ticketKey: string
  readonly boardId: string
  readonly boardName: string
  readonly agentId: string
  readonly status: AttemptStatus
}

export interface ListedActive extends ListedAttempt {
  readonly createdAt: string
  readonly updatedAt: string
  readonly startedAt: string | null
}

export interface ListedChange extends ListedAttempt {
  readonly updatedAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly error: string | null
}

/** An item of a list that was cut at a limit. */
export interface ListedInbox extends ListedAttempt {
  /** Since when it belongs to this list. */
  readonly since: string
  readonly error: string | null
  /** The length of the whole list. */
  readonly total: number
}

/**
 * Each list picks its rows first and joins card and board afterwards. CROSS JOIN makes SQLite keep that order: it has no
 * statistics about the number of rows.
 */
const SHOWN = `a.id AS "attemptId", a.card_id AS "cardId", c.title AS "cardTitle", c.ticket_key AS "ticketKey",
  a.board_id AS "boardId", b.name AS "boardName", a.agent AS "agentId", a.status`
const LOOKED_UP = 'CROSS JOIN attempts a CROSS JOIN cards c CROSS JOIN boards b'
const MATCHED = 'a.id = chosen.id AND c.id = a.card_id AND b.id = a.board_id'

/** Running attempts before queued ones, each newest first; as everywhere here, of the boards in the range. */
export async function listActive(sql: Sql, boards: IdRange, limit: number): Promise<ListedActive[]> {
  const seen = clause('AND', onBoard('board_id', boards))
  return sql.all(
    `SELECT ${SHOWN}, a.created_at AS "createdAt", a.updated_at AS "updatedAt", a.started_at AS "startedAt" FROM (
       SELECT id, CASE status WHEN 'queued' THEN 1 ELSE 0 END AS waits, position FROM attempts
       WHERE status IN ('queued', 'running', 'stopping') ${seen.text}
       ORDER BY waits, position DESC LIMIT ?
     ) chosen ${LOOKED_UP} WHERE ${MATCHED}
     ORDER BY chosen.waits, chosen.position DESC`,
    [...seen.params, limit],
  )
}

/** The most recently changed first. */
export async function listChanged(sql: Sql, boards: IdRange, limit: number): Promise<ListedChange[]> {
  const seen = clause('WHERE', onBoard('board_id', boards))
  return sql.all(
    `SELECT ${SHOWN}, a.updated_at AS "updatedAt", a.started_at AS "startedAt", a.ended_at AS "endedAt", a.error FROM (
       SELECT id, updated_at FROM attempts ${seen.text} ORDER BY updated_at DESC, id DESC LIMIT ?
     ) chosen ${LOOKED_UP} WHERE ${MATCHED}
     ORDER BY chosen.updated_at DESC, chosen.id DESC`,
    [...seen.params, limit],
  )
}

/**
 * The outcome of open cards: of each card outside the columns with the key `doneKey`, the newest attempt, if it has ended.
 * At most `limit` that succeeded and `limit` that failed or were stopped, the most recently ended first. `total` counts
 * the attempts of the same kind. The cost grows with the number of open cards, not with that of attempts.
 */
export async function listNewestOutcomes(
  sql: Sql,
  boards: IdRange,
  { doneKey, limit }: { doneKey: string; limit: number },
): Promise<ListedInbox[]> {
  const seen = clause('AND', onBoard('k.board_id', boards))
  return sql.all(
    `WITH newest AS MATERIALIZED (
       SELECT a.id, a.ended_at, CASE a.status WHEN 'succeeded' THEN 1 ELSE 0 END AS success
       FROM board_columns k CROSS JOIN cards c CROSS JOIN attempts a
       WHERE (k.column_key IS NULL OR k.column_key <> ?) ${seen.text} AND c.column_id = k.id AND a.card_id = c.id
         AND a.ordinal = (SELECT max(ordinal) FROM attempts WHERE card_id = c.id)
         AND a.status IN ('succeeded', 'failed', 'stopped')
     ), chosen AS (
       SELECT * FROM (
         SELECT id, ended_at, (SELECT sum(success) FROM newest) AS total FROM newest
         WHERE success = 1 ORDER BY ended_at DESC, id DESC LIMIT ?
       ) succeeded
       UNION ALL
       SELECT * FROM (
         SELECT id, ended_at, (SELECT sum(1 - success) FROM newest) AS total FROM newest
         WHERE success = 0 ORDER BY ended_at DESC, id DESC LIMIT ?
       ) others
     )
     SELECT ${SHOWN}, chosen.ended_at AS since, a.error, chosen.total FROM chosen ${LOOKED_UP} WHERE ${MATCHED}
     ORDER BY chosen.ended_at DESC, chosen.id DESC`,
    [doneKey, ...seen.params, limit, limit],
  )
}

/**
 * Attempts that are still queued since before `queuedBefore`, or are running without a log line since before
 * `heardBefore`; the longest first. `total` includes those beyond `limit`.
 */
export async function listStuck(
  sql: Sql,
  boards: IdRange,
  { queuedBefore, heardBefore, limit }: { queuedBefore: string; heardBefore: string; limit: number },
): Promise<ListedInbox[]> {
  const seen = clause('AND', onBoard('board_id', boards))
  return sql.all(
    `SELECT ${SHOWN}, chosen.since, a.error, chosen.total FROM (
       SELECT id, count(*) OVER () AS total, CASE
           WHEN status = 'queued' THEN created_at
           WHEN last_line_at > started_at THEN last_line_at
           ELSE started_at END AS since
       FROM attempts
       WHERE status IN ('queued', 'running') AND ((status = 'queued' AND created_at < ?)
         OR (status = 'running' AND started_at < ? AND (last_line_at IS NULL OR last_line_at < ?))) ${seen.text}
       ORDER BY since, id LIMIT ?
     ) chosen ${LOOKED_UP} WHERE ${MATCHED}
     ORDER BY chosen.since, chosen.id`,
    [queuedBefore, heardBefore, heardBefore, ...seen.params, limit],
  )
}
