/**
 * The things that the examples of all routes are about. They tell one story: the card DEMO-1 of the board `demo` is worked
 * on by the agent `claude-1` in the session `session-7`; `reviewer` writes to it.
 */
import { exampleCard, exampleCursor, exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import type { Agent, Profile } from '../../shared/src/types/agents.ts'
import type { Overview } from '../../shared/src/types/dashboard.ts'
import { SERIES_BUCKETS } from '../../shared/src/types/dashboard.ts'
import type { Envelope } from '../../shared/src/types/envelope.ts'
import type { Attempt, Board, BoardState, Column } from '../../shared/src/types/kanban.ts'
import type { Message } from '../../shared/src/types/messages.ts'
import type { Session } from '../../shared/src/types/sessions.ts'
import type { Shell } from '../../shared/src/types/shells.ts'
import type { Subtask, Task } from '../../shared/src/types/tasks.ts'
import type { WorkflowRun, WorkflowStep } from '../../shared/src/types/workflows.ts'

export const exampleEnvelope: Envelope = {
  channel: `board:${exampleIds.board}`,
  event: 'card_deleted',
  data: { cardId: exampleIds.card, columnId: exampleIds.column },
  timestamp: Date.parse(exampleTime),
  actor: null,
  id: exampleCursor,
}

export const exampleColumn: Column = { id: exampleIds.nextColumn, key: 'qa', title: 'QA', cardIds: [] }

const backlog: Column = { id: exampleIds.column, key: 'backlog', title: 'Backlog', cardIds: [exampleIds.card] }

export const exampleBoard: Board = {
  id: exampleIds.board,
  name: 'Demo',
  description: null,
  ticketPrefix: 'DEMO',
  columns: [backlog, exampleColumn],
  createdAt: exampleTime,
  updatedAt: exampleTime,
}

export const exampleState: BoardState = {
  boardId: exampleIds.board,
  columns: { [exampleIds.column]: backlog, [exampleIds.nextColumn]: exampleColumn },
  columnOrder: [exampleIds.column, exampleIds.nextColumn],
  cards: { [exampleIds.card]: exampleCard },
}

/** As it is created. */
export const exampleAttempt: Attempt = {
  id: exampleIds.attempt,
  boardId: exampleIds.board,
  cardId: exampleIds.card,
  agent: exampleIds.agent,
  profileId: exampleIds.profile,
  status: 'queued',
  baseBranch: 'main',
  branchName: 'resume-by-id',
  worktreePath: null,
  sessionId: null,
  pr: null,
  exitCode: null,
  error: null,
  startedAt: null,
  endedAt: null,
  createdAt: exampleTime,
  updatedAt: exampleTime,
}

/** As it is while the agent works. */
export const exampleRunningAttempt: Attempt = {
  ...exampleAttempt,
  status: 'running',
  worktreePath: '/tmp/worktree',
  sessionId: exampleIds.session,
  startedAt: exampleTime,
}

export const exampleAgent: Agent = {
  id: exampleIds.agent,
  label: 'Claude',
  kind: 'claude',
  capabilities: ['typescript', 'review'],
  status: 'online',
  currentCardId: null,
  lastSeenAt: exampleTime,
  createdAt: exampleTime,
}

export const exampleProfile: Profile = {
  id: exampleIds.profile,
  agent: exampleIds.agent,
  name: 'Careful',
  config: { model: 'opus', maxTurns: 40 },
  boardId: exampleIds.board,
}

export const exampleSession: Session = {
  id: exampleIds.session,
  boardId: exampleIds.board,
  agentId: exampleIds.agent,
  name: 'Resume streams by id',
  status: 'working',
  error: null,
  createdAt: exampleTime,
  updatedAt: exampleTime,
}

export const exampleRun: WorkflowRun = {
  id: exampleIds.run,
  boardId: exampleIds.board,
  name: 'Check and merge',
  status: 'running',
  currentStep: 'test',
  error: null,
  startedAt: exampleTime,
  completedAt: null,
}

export const exampleStep: WorkflowStep = {
  id: exampleIds.step,
  runId: exampleIds.run,
  name: 'test',
  phase: 'verify',
  status: 'running',
  progress: { current: 59, total: 118, percentage: 50 },
  error: null,
}

export const exampleShell: Shell = {
  id: exampleIds.shell,
  boardId: exampleIds.board,
  attemptId: exampleIds.attempt,
  command: 'npm test',
  status: 'open',
  exitCode: null,
}

export const exampleTask: Task = {
  task_id: exampleIds.task,
  request_id: null,
  session_id: exampleIds.session,
  name: 'Resume streams by id',
  wave_number: 1,
  status: 'running',
  created_at: exampleTime,
  completed_at: null,
}

export const exampleSubtask: Subtask = {
  subtask_id: exampleIds.subtask,
  task_id: exampleIds.task,
  agent_type: 'coder',
  agent_id: exampleIds.agent,
  description: 'Write the test first.',
  status: 'running',
  blocked_by: [],
  result: null,
  created_at: exampleTime,
  started_at: exampleTime,
  completed_at: null,
}

export const exampleMessage: Message = {
  message_id: exampleIds.message,
  from_agent: 'reviewer',
  to_agent: exampleIds.agent,
  topic: null,
  content: { ask: 'Please look at the cursor again.' },
  priority: 5,
  ttl_seconds: 3_600,
  created_at: exampleTime,
  expires_at: '2026-01-31T13:00:00.000Z',
  read_by: [],
}

const WEEK_BEFORE = Date.parse(exampleTime) - 7 * 86_400_000
const bucketMs = (7 * 86_400_000) / SERIES_BUCKETS
const buckets = Array.from({ length: SERIES_BUCKETS }, (_, index) => ({
  timestamp: new Date(WEEK_BEFORE + index * bucketMs).toISOString(),
  value: index === SERIES_BUCKETS - 1 ? 1 : 0,
}))
const noneYet = buckets.map((bucket) => ({ ...bucket, value: 0 }))

export const exampleOverview: Overview = {
  generatedAt: exampleTime,
  timeRange: { preset: 'last_7d', from: new Date(WEEK_BEFORE).toISOString(), to: exampleTime },
  metrics: {
    activeAttempts: 1,
    attemptsInRange: 1,
    successRateInRange: null,
    reviewItemsCount: 0,
    projectsWithActivity: 1,
    openCards: 1,
    series: { attemptsStarted: buckets, attemptsSucceeded: noneYet, attemptsFailed: noneYet },
  },
  activeAttempts: [{ ...attemptOnCard(), startedAt: exampleTime, updatedAt: exampleTime, elapsedSeconds: 12 }],
  recentAttemptActivity: [{ ...attemptOnCard(), occurredAt: exampleTime, durationSeconds: null, errorSummary: null }],
  inboxItems: { review: [], failed: [], stuck: [], totals: { review: 0, failed: 0, stuck: 0 } },
  projectSnapshots: [
    {
      boardId: exampleIds.board,
      name: 'Demo',
      totalCards: 1,
      openCards: 1,
      columnCardCounts: { backlog: 1, qa: 0 },
      activeAttempts: 1,
      attemptsInRange: 1,
      failureRateInRange: null,
    },
  ],
  agentStats: [
    {
      agentId: exampleIds.agent,
      label: 'Claude',
      status: 'working',
      attemptsStarted: 1,
      attemptsSucceeded: 0,
      attemptsFailed: 0,
      successRate: null,
      currentActiveAttempts: 1,
      lastActiveAt: exampleTime,
    },
  ],
}

function attemptOnCard() {
  return {
    attemptId: exampleIds.attempt,
    cardId: exampleIds.card,
    cardTitle: exampleCard.title,
    ticketKey: exampleCard.ticketKey,
    boardId: exampleIds.board,
    boardName: 'Demo',
    agentId: exampleIds.agent,
    status: 'running' as const,
  }
}
