/** The snapshots of each kind of channel. Streams themselves do not depend on boards. */
import type { ChannelKind } from '../../shared/src/channels.ts'
import { METRICS_EVERY_MS, OVERVIEW_INTERVAL_MS, SNAPSHOT, STATE_INTERVAL_MS } from '../../shared/src/protocol.ts'
import { now } from '../base/clock.ts'
import { Problem } from '../base/errors.ts'
import { jsonLine } from '../base/json.ts'
import type { Sql } from '../db/sql.ts'
import { newestAttemptStatuses } from '../domain/attempts.ts'
import { boardState } from '../domain/board-state.ts'
import { boardExists } from '../domain/boards.ts'
import { dashboardOverview } from '../domain/dashboard.ts'
import { metricsSnapshot } from '../domain/metrics.ts'
import { RenderedBoard } from '../domain/rendered-board.ts'
import { type SnapshotSources, textRendering } from '../sse/delivery/snapshot-source.ts'

/** The overview contains elapsed times; a new stream may get one of this age. */
const OVERVIEW_MAX_AGE_MS = 1_000
const OVERVIEW_EVERY_MS = 30_000
const METRICS_MAX_AGE_MS = 1_000

export const snapshotSources: SnapshotSources = {
  board: {
    event: SNAPSHOT.state,
    minIntervalMs: STATE_INTERVAL_MS,
    hasDiffView: true,
    maxAgeMs: Infinity,
    async render(sql, boardId) {
      const state = await boardState(sql, boardId)
      return state && new RenderedBoard(state)
    },
    async opening(sql, boardId) {
      const statuses = await newestAttemptStatuses(sql, boardId)
      return statuses.map((status) => ({ event: 'attempt_status', data: jsonLine(status) }))
    },
  },
  dashboard: {
    event: SNAPSHOT.dashboardOverview,
    minIntervalMs: OVERVIEW_INTERVAL_MS,
    hasDiffView: false,
    // Attempts become stuck, agents go offline and the range moves on without an event.
    everyMs: OVERVIEW_EVERY_MS,
    maxAgeMs: OVERVIEW_MAX_AGE_MS,
    isPerSubject: true,
    async render(sql, _id, sees) {
      return textRendering(jsonLine(await dashboardOverview(sql, now(), undefined, sees)))
    },
  },
  metrics: {
    event: SNAPSHOT.metricUpdate,
    minIntervalMs: 0,
    hasDiffView: false,
    everyMs: METRICS_EVERY_MS,
    maxAgeMs: METRICS_MAX_AGE_MS,
    async render(sql) {
      return textRendering(jsonLine(await metricsSnapshot(sql, now())))
    },
  },
}

/** A stream of a board requires the board to exist; other resources may be created later. */
export async function mustExist(sql: Sql, kind: ChannelKind, id: string): Promise<void> {
  if (kind !== 'board' && kind !== 'project') return
  if (!(await boardExists(sql, id))) {
    throw new Problem(
      'board_not_found',
      `There is no board "${id}". GET /api/v1/boards lists the boards, POST /api/v1/boards creates one.`,
    )
  }
}
