/** Counts for the metrics. Each scans a short range of an index, however long the server has been in use. */
import type { Sql } from '../sql.ts'

/** `hourAgo` and `hourAgoSecond` are an hour ago; an agent last seen before `agentsSeen` does not count as active. */
export interface Since {
  readonly hourAgo: string
  readonly hourAgoSecond: number
  readonly agentsSeen: string
}

export interface Counts {
  readonly active_sessions: number
  readonly active_agents: number
  readonly pending_tasks: number
  readonly running_tasks: number
  readonly completed_tasks_last_hour: number
  readonly avg_task_duration_ms: number | null
  readonly messages_last_hour: number
}

export async function readCounts(sql: Sql, { hourAgo, hourAgoSecond, agentsSeen }: Since): Promise<Counts> {
  const counts = await sql.get<Counts>(
    `SELECT
       (SELECT count(*) FROM sessions WHERE status IN ('idle', 'working')) AS active_sessions,
       (SELECT count(*) FROM agents
        WHERE last_seen_at >= ? OR EXISTS (SELECT 1 FROM agent_sockets WHERE agent_sockets.agent_id = agents.id)
          OR EXISTS (SELECT 1 FROM attempts
          WHERE attempts.agent = agents.id AND attempts.status IN ('queued', 'running', 'stopping'))) AS active_agents,
       (SELECT count(*) FROM tasks WHERE status = 'pending') AS pending_tasks,
       (SELECT count(*) FROM tasks WHERE status = 'running') AS running_tasks,
       (SELECT count(*) FROM tasks WHERE status = 'completed' AND completed_at > ?) AS completed_tasks_last_hour,
       (SELECT avg(duration_ms) FROM tasks WHERE status = 'completed' AND completed_at > ?) AS avg_task_duration_ms,
       (SELECT coalesce(sum(messages), 0) FROM messages_sent WHERE second > ?) AS messages_last_hour`,
    [agentsSeen, hourAgo, hourAgo, hourAgoSecond],
  )
  if (!counts) throw new Error('a SELECT without FROM has one row')
  return counts
}

/**
 * The number of events committed after `at` (milliseconds since 1970), from the first of them that retention has kept. The
 * times of events grow with `seq`, so a binary search finds it and the log needs no index by time.
 */
export async function countEventsAfter(sql: Sql, at: number): Promise<number> {
  const ends = await sql.get<{ first: number | null; last: number | null }>(
    'SELECT (SELECT min(seq) FROM events) AS first, (SELECT max(seq) FROM events) AS last',
  )
  if (!ends || ends.first === null || ends.last === null) return 0
  let low = ends.first
  let high = ends.last + 1
  let first = high
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const row = await sql.get<{ seq: number; at: number }>(
      'SELECT seq, at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1',
      [middle],
    )
    if (!row || row.at > at) {
      high = middle
      first = row?.seq ?? first
    } else low = row.seq + 1
  }
  return ends.last + 1 - first
}
