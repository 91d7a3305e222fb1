/**
 * Counts over all boards, or those in a range of ids. The overview is rendered several times a second while somebody watches, so each function runs
 * one query, and each count in it scans a range of one index (migrations/001-board-family.ts). A GROUP BY would sort every
 * attempt in the range instead.
 */
import type { IdRange } from '../../base/channel-patterns.ts'
import type { Sql } from '../sql.ts'
import { boardsOf, clause, onBoard, within } from './visible.ts'

/** A time range, ISO 8601, both ends included. */
export interface Range {
  readonly from: string
  readonly to: string
}

/** A time range, ISO 8601, without its end. */
export interface Bucket {
  readonly low: string
  readonly high: string
}

export interface BucketCounts {
  readonly started: number
  readonly succeeded: number
  readonly failed: number
}

/** A board and its attempts: created in the range (`made`), ended in the range by outcome, and active now. */
export interface BoardCounts {
  readonly id: string
  readonly name: string
  readonly made: number
  readonly succeeded: number
  readonly failed: number
  readonly stopped: number
  readonly active: number
  /** Active attempts that started in the range. */
  readonly startedActive: number
}

export interface ColumnCount {
  readonly boardId: string
  readonly key: string | null
  readonly title: string
  readonly cards: number
}

/** An agent that attempts name, and its attempts: started or ended in the range, and active now. */
export interface AgentCounts {
  readonly agent: string
  readonly started: number
  readonly succeeded: number
  readonly failed: number
  readonly stopped: number
  readonly active: number
  /** Active attempts that are not queued. */
  readonly running: number
  readonly lastStartedAt: string | null
  readonly lastSucceededAt: string | null
  readonly lastFailedAt: string | null
  readonly lastStoppedAt: string | null
  readonly lastLineAt: string | null
}

const BUCKETS = 24
const BUCKET_ROWS = Array.from({ length: BUCKETS }, (_, place) => `(${place}, ?, ?)`).join(', ')

/** When the oldest board was created; undefined without boards. No attempt is older than its board. */
export async function firstCreation(sql: Sql, boards: IdRange): Promise<string | undefined> {
  const seen = clause('WHERE', within('id', boards))
  const row = await sql.get<{ at: string | null }>(`SELECT min(created_at) AS at FROM boards ${seen.text}`, seen.params)
  return row?.at ?? undefined
}

/** Takes exactly 24 buckets and returns their counts in the same order. */
export async function countByBucket(sql: Sql, boards: IdRange, buckets: readonly Bucket[]): Promise<BucketCounts[]> {
  if (buckets.length !== BUCKETS) throw new Error(`expected ${BUCKETS} buckets, got ${buckets.length}`)
  const { table, condition, params } = boardsOf(boards)
  return sql.all(
    `WITH ${table} bucket (place, low, high) AS (VALUES ${BUCKET_ROWS})
     SELECT
       (SELECT count(*) FROM attempts WHERE started_at >= low AND started_at < high ${condition}) AS started,
       (SELECT count(*) FROM attempts WHERE status = 'succeeded' AND ended_at >= low AND ended_at < high ${condition})
         AS succeeded,
       (SELECT count(*) FROM attempts WHERE status = 'failed' AND ended_at >= low AND ended_at < high ${condition}) AS failed
     FROM bucket ORDER BY place`,
    [...params, ...buckets.flatMap(({ low, high }) => [low, high])],
  )
}

/** Every board in the range of ids, oldest first. */
export async function countByBoard(sql: Sql, boards: IdRange, { from, to }: Range): Promise<BoardCounts[]> {
  const seen = clause('WHERE', within('b.id', boards))
  return sql.all(
    `SELECT b.id, b.name,
       (SELECT count(*) FROM attempts WHERE board_id = b.id AND created_at BETWEEN ? AND ?) AS made,
       (SELECT count(*) FROM attempts WHERE board_id = b.id AND status = 'succeeded' AND ended_at BETWEEN ? AND ?)
         AS succeeded,
       (SELECT count(*) FROM attempts WHERE board_id = b.id AND status = 'failed' AND ended_at BETWEEN ? AND ?)
         AS failed,
       (SELECT count(*) FROM attempts WHERE board_id = b.id AND status = 'stopped' AND ended_at BETWEEN ? AND ?)
         AS stopped,
       (SELECT count(*) FROM attempts WHERE board_id = b.id AND status IN ('queued', 'running', 'stopping')) AS active,
       (SELECT count(*) FROM attempts
         WHERE board_id = b.id AND status IN ('running', 'stopping') AND started_at BETWEEN ? AND ?) AS "startedActive"
     FROM boards b ${seen.text} ORDER BY b.position`,
    [from, to, from, to, from, to, from, to, from, to, ...seen.params],
  )
}

/** Every column, in display order on its board. */
export async function countByColumn(sql: Sql, boards: IdRange): Promise<ColumnCount[]> {
  const seen = clause('WHERE', onBoard('k.board_id', boards))
  return sql.all(
    `SELECT k.board_id AS "boardId", k.column_key AS key, k.title,
       (SELECT count(*) FROM cards WHERE column_id = k.id) AS cards
     FROM board_columns k ${seen.text} ORDER BY k.board_id, k.position`,
    seen.params,
  )
}

/** Every agent in the range of ids that an attempt names, sorted by id, and its attempts on the boards in theirs. */
export async function countByAgent(
  sql: Sql,
  { agents, boards }: { agents: IdRange; boards: IdRange },
  { from, to }: Range,
): Promise<AgentCounts[]> {
  const own = boardsOf(boards)
  const seen = clause('AND', within('n.agent', agents))
  // The recursion steps through the index from one agent id to the next and skips the attempts in between.
  return sql.all(
    `WITH RECURSIVE ${own.table} named (agent) AS (
       SELECT min(agent) FROM attempts
       UNION ALL
       SELECT (SELECT min(agent) FROM attempts WHERE agent > named.agent) FROM named WHERE named.agent IS NOT NULL
     )
     SELECT n.agent,
       (SELECT count(*) FROM attempts WHERE agent = n.agent AND started_at BETWEEN ? AND ? ${own.condition}) AS started,
       (SELECT count(*) FROM attempts WHERE agent = n.agent AND status = 'succeeded' AND ended_at BETWEEN ? AND ? ${own.condition})
         AS succeeded,
       (SELECT count(*) FROM attempts WHERE agent = n.agent AND status = 'failed' AND ended_at BETWEEN ? AND ? ${own.condition}) AS failed,
       (SELECT count(*) FROM attempts WHERE agent = n.agent AND status = 'stopped' AND ended_at BETWEEN ? AND ? ${own.condition})
         AS stopped,
       (SELECT count(*) FROM attempts WHERE agent = n.agent AND status IN ('queued', 'running', 'stopping') ${own.condition}) AS active,
       (SELECT count(*) FROM attempts WHERE agent = n.agent AND status IN ('running', 'stopping') ${own.condition}) AS running,
       (SELECT max(started_at) FROM attempts WHERE agent = n.agent ${own.condition}) AS "lastStartedAt",
       (SELECT max(ended_at) FROM attempts WHERE agent = n.agent AND status = 'succeeded' ${own.condition}) AS "lastSucceededAt",
       (SELECT max(ended_at) FROM attempts WHERE agent = n.agent AND status = 'failed' ${own.condition}) AS "lastFailedAt",
       (SELECT max(ended_at) FROM attempts WHERE agent = n.agent AND status = 'stopped' ${own.condition}) AS "lastStoppedAt",
       (SELECT max(last_line_at) FROM attempts WHERE agent = n.agent AND status IN ('running', 'stopping') ${own.condition})
         AS "lastLineAt"
     FROM named n WHERE n.agent IS NOT NULL ${seen.text} ORDER BY n.agent`,
    [...own.params, from, to, from, to, from, to, from, to, ...seen.params],
  )
}
