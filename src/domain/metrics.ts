/** Counts and rates of the service at one moment. */
import type { Metrics } from '../../shared/src/types/metrics.ts'
import { countEventsAfter, readCounts } from '../db/rows/metrics.ts'
import type { Sql } from '../db/sql.ts'
import { SEEN_MS } from './agents.ts'

const HOUR_MS = 3_600_000
const ACTIONS_MINUTES = 5

/** Cheap enough to call at any time: one query for the counts and a binary search in the log. `nowMs` is since 1970. */
export async function metricsSnapshot(sql: Sql, nowMs: number): Promise<Metrics> {
  const hourAgoMs = nowMs - HOUR_MS
  const counts = await readCounts(sql, {
    hourAgo: new Date(hourAgoMs).toISOString(),
    hourAgoSecond: Math.floor(hourAgoMs / 1_000),
    agentsSeen: new Date(nowMs - SEEN_MS).toISOString(),
  })
  const actions = await countEventsAfter(sql, nowMs - ACTIONS_MINUTES * 60_000)
  return {
    active_sessions: counts.active_sessions,
    active_agents: counts.active_agents,
    pending_tasks: counts.pending_tasks,
    running_tasks: counts.running_tasks,
    completed_tasks_last_hour: counts.completed_tasks_last_hour,
    messages_last_hour: counts.messages_last_hour,
    actions_per_minute: actions / ACTIONS_MINUTES,
    avg_task_duration_ms: Math.round(counts.avg_task_duration_ms ?? 0),
    timestamp: nowMs,
  }
}
