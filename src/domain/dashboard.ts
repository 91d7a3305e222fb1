/** The overview of the boards at one instant: metrics, lists of attempts, boards and agents. */
import {
  type ActiveAttempt,
  type AttemptActivity,
  type DashboardRange,
  DEFAULT_DASHBOARD_RANGE,
  MAX_ACTIVE_ATTEMPTS,
  MAX_ACTIVITY,
  type Overview,
  type ProjectSnapshot,
  type Series,
} from '../../shared/src/types/dashboard.ts'
import { DONE_COLUMN_KEY } from '../../shared/src/types/kanban.ts'
import { ChannelPatterns } from '../base/channel-patterns.ts'
import { type ListedActive, type ListedChange, listActive, listChanged } from '../db/rows/dashboard-attempts.ts'
import {
  type BoardCounts,
  type BucketCounts,
  type ColumnCount,
  countByBoard,
  countByBucket,
  countByColumn,
  firstCreation,
} from '../db/rows/dashboard-metrics.ts'
import type { Sql } from '../db/sql.ts'
import { agentStatsOf, successRate } from './dashboard-agents.ts'
import { attemptFieldsOf, errorSummary, inboxOf } from './dashboard-inbox.ts'
import { bucketsOf, iso, spanOf } from './dashboard-range.ts'

/**
 * The overview at `nowMs`, milliseconds since 1970. It has the boards and the agents that `sees` matches, and counts the
 * attempts on these boards; the status of an agent is its own, whatever it works on. Runs a fixed number of queries, however many boards there are. Call it
 * in one `store.read`, so that all figures show the same instant.
 */
export async function dashboardOverview(
  sql: Sql,
  nowMs: number,
  preset: DashboardRange = DEFAULT_DASHBOARD_RANGE,
  sees: ChannelPatterns = ChannelPatterns.all,
): Promise<Overview> {
  const seen = { boards: sees.idsOf('board'), agents: sees.idsOf('agent') }
  const span = spanOf(preset, nowMs, preset === 'all_time' ? await firstCreation(sql, seen.boards) : undefined)
  const range = { from: iso(span.fromMs), to: iso(span.toMs) }
  const buckets = bucketsOf(span)
  const counts = await countByBucket(sql, seen.boards, buckets)
  const boards = await countByBoard(sql, seen.boards, range)
  const projectSnapshots = snapshotsOf(boards, await countByColumn(sql, seen.boards))
  const inboxItems = await inboxOf(sql, seen.boards, nowMs)
  const series = (name: keyof BucketCounts): Series =>
    buckets.map(({ low }, index) => ({ timestamp: low, value: counts[index]?.[name] ?? 0 }))
  return {
    generatedAt: iso(nowMs),
    timeRange: { preset, ...range },
    metrics: {
      activeAttempts: sum(boards, (board) => board.active),
      attemptsInRange: sum(boards, (board) => board.made),
      successRateInRange: successRate({
        succeeded: sum(boards, (board) => board.succeeded),
        failed: sum(boards, (board) => board.failed),
      }),
      reviewItemsCount: inboxItems.totals.review,
      projectsWithActivity: boards.filter(hadActivity).length,
      openCards: sum(projectSnapshots, (project) => project.openCards),
      series: {
        attemptsStarted: series('started'),
        attemptsSucceeded: series('succeeded'),
        attemptsFailed: series('failed'),
      },
    },
    activeAttempts: (await listActive(sql, seen.boards, MAX_ACTIVE_ATTEMPTS)).map((attempt) =>
      activeOf(attempt, nowMs),
    ),
    recentAttemptActivity: (await listChanged(sql, seen.boards, MAX_ACTIVITY)).map(activityOf),
    inboxItems,
    projectSnapshots,
    agentStats: await agentStatsOf(sql, seen, range, nowMs),
  }
}

/**
 * Whether an attempt started or ended in the range. An attempt that started in the range is either still active or has
 * ended, also in the range.
 */
function hadActivity(board: BoardCounts): boolean {
  return board.succeeded + board.failed + board.stopped + board.startedActive > 0
}

function snapshotsOf(boards: readonly BoardCounts[], columns: readonly ColumnCount[]): ProjectSnapshot[] {
  const columnsOf = new Map<string, ColumnCount[]>(boards.map((board) => [board.id, []]))
  for (const column of columns) columnsOf.get(column.boardId)?.push(column)
  return boards.map((board) => {
    const own = columnsOf.get(board.id) ?? []
    const cardCounts = new Map<string, number>()
    for (const { key, title, cards } of own) {
      const name = key ?? title
      cardCounts.set(name, (cardCounts.get(name) ?? 0) + cards)
    }
    const success = successRate(board)
    return {
      boardId: board.id,
      name: board.name,
      totalCards: sum(own, (column) => column.cards),
      openCards: sum(own, (column) => (column.key === DONE_COLUMN_KEY ? 0 : column.cards)),
      columnCardCounts: Object.fromEntries(cardCounts),
      activeAttempts: board.active,
      attemptsInRange: board.made,
      failureRateInRange: success === null ? null : board.failed / (board.succeeded + board.failed),
    }
  })
}

function activeOf(attempt: ListedActive, nowMs: number): ActiveAttempt {
  const { startedAt, updatedAt, createdAt } = attempt
  const elapsedSeconds = secondsBetween(Date.parse(startedAt ?? createdAt), nowMs)
  return { ...attemptFieldsOf(attempt), startedAt, updatedAt, elapsedSeconds }
}

function activityOf(attempt: ListedChange): AttemptActivity {
  const { startedAt, endedAt } = attempt
  const ran = startedAt !== null && endedAt !== null
  return {
    ...attemptFieldsOf(attempt),
    occurredAt: attempt.updatedAt,
    durationSeconds: ran ? secondsBetween(Date.parse(startedAt), Date.parse(endedAt)) : null,
    errorSummary: errorSummary(attempt.error),
  }
}

/** Whole seconds; 0 when the clock was set back in between. */
function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.floor((toMs - fromMs) / 1000))
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
