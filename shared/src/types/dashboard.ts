/** The overview of all boards: the payload of `dashboard_overview` and the answer of `GET /dashboard`. */
import * as z from 'zod'
import { named } from '../names.ts'
import { agentStatus } from './agents.ts'
import { attemptId, cardId } from './ids.ts'
import { attemptStatus, boardId } from './kanban.ts'
import { timestamp } from './time.ts'

export const dashboardRange = named(
  'DashboardRange',
  z.enum(['last_24h', 'last_7d', 'last_30d', 'last_90d', 'all_time']),
)
export type DashboardRange = z.infer<typeof dashboardRange>

export const DEFAULT_DASHBOARD_RANGE: DashboardRange = 'last_7d'
/** Buckets of a series. */
export const SERIES_BUCKETS = 24
export const MAX_ACTIVE_ATTEMPTS = 200
export const MAX_ACTIVITY = 40
/** The limit of each list; `totals` counts all. */
export const MAX_INBOX_ITEMS = 50
/** In characters. */
export const MAX_ERROR_SUMMARY = 200

const count = z.int().min(0)
const seconds = z.int().min(0)
const rate = z.number().min(0).max(1)

/** An attempt in a list of attempts of many boards. */
const attemptOnCard = z.strictObject({
  attemptId,
  cardId,
  cardTitle: z.string(),
  ticketKey: z.string(),
  boardId,
  boardName: z.string(),
  agentId: z.string(),
  status: attemptStatus,
})

const activeAttempt = named(
  'ActiveAttempt',
  attemptOnCard.extend({
    startedAt: timestamp.nullable(),
    updatedAt: timestamp,
    /** Since the start, or since it was queued if it has not started. */
    elapsedSeconds: seconds,
  }),
)

const attemptActivity = named(
  'AttemptActivity',
  attemptOnCard.extend({
    /** The time of its last change. */
    occurredAt: timestamp,
    /** From start to end; null before the end, and if it never started. */
    durationSeconds: seconds.nullable(),
    /** The first line of its error. */
    errorSummary: z.string().nullable(),
  }),
)
export type AttemptActivity = z.infer<typeof attemptActivity>

/** `occurredAt`: the end of a finished attempt; for a stuck one, the time of its last sign of life. */
const inboxItem = named('InboxItem', attemptOnCard.extend({ occurredAt: timestamp }))
export type InboxItem = z.infer<typeof inboxItem>
const failedInboxItem = named('FailedInboxItem', inboxItem.extend({ errorSummary: z.string().nullable() }))

const inboxItems = named(
  'InboxItems',
  z.strictObject({
    review: z.array(inboxItem).max(MAX_INBOX_ITEMS),
    failed: z.array(failedInboxItem).max(MAX_INBOX_ITEMS),
    stuck: z.array(inboxItem).max(MAX_INBOX_ITEMS),
    totals: named('InboxTotals', z.strictObject({ review: count, failed: count, stuck: count })),
  }),
)
export type InboxItems = z.infer<typeof inboxItems>

const series = named(
  'Series',
  z.array(named('SeriesPoint', z.strictObject({ timestamp, value: count }))).length(SERIES_BUCKETS),
)

const projectSnapshot = named(
  'ProjectSnapshot',
  z.strictObject({
    boardId,
    name: z.string(),
    totalCards: count,
    openCards: count,
    /** By the column's key, otherwise its title; columns of one name are added up. */
    columnCardCounts: z.record(z.string(), count),
    activeAttempts: count,
    attemptsInRange: count,
    failureRateInRange: rate.nullable(),
  }),
)
export type ProjectSnapshot = z.infer<typeof projectSnapshot>

const agentStats = named(
  'AgentStats',
  z.strictObject({
    agentId: z.string(),
    label: z.string().nullable(),
    status: agentStatus,
    attemptsStarted: count,
    attemptsSucceeded: count,
    attemptsFailed: count,
    successRate: rate.nullable(),
    currentActiveAttempts: count,
    lastActiveAt: timestamp.nullable(),
  }),
)
export type AgentStats = z.infer<typeof agentStats>

export const overview = named(
  'DashboardOverview',
  z.strictObject({
    generatedAt: timestamp,
    timeRange: named('TimeRange', z.strictObject({ preset: dashboardRange, from: timestamp, to: timestamp })),
    metrics: named(
      'DashboardMetrics',
      z.strictObject({
        activeAttempts: count,
        attemptsInRange: count,
        successRateInRange: rate.nullable(),
        reviewItemsCount: count,
        projectsWithActivity: count,
        openCards: count,
        series: named(
          'DashboardSeries',
          z.strictObject({ attemptsStarted: series, attemptsSucceeded: series, attemptsFailed: series }),
        ),
      }),
    ),
    activeAttempts: z.array(activeAttempt).max(MAX_ACTIVE_ATTEMPTS),
    recentAttemptActivity: z.array(attemptActivity).max(MAX_ACTIVITY),
    inboxItems,
    projectSnapshots: z.array(projectSnapshot),
    agentStats: z.array(agentStats),
  }),
)
export type Overview = z.infer<typeof overview>
export type ActiveAttempt = z.infer<typeof activeAttempt>
export type Series = z.infer<typeof series>
