/** Hooks over a single resource: the value of its store, and whether the stream is open. `null` as the id means off. */
import type { ConversationItem } from '../../../shared/src/types/conversation.ts'
import type { DashboardRange, Overview } from '../../../shared/src/types/dashboard.ts'
import type { Attempt, AttemptStatus, Todos } from '../../../shared/src/types/kanban.ts'
import type { Metrics } from '../../../shared/src/types/metrics.ts'
import type { Session, SessionStatus } from '../../../shared/src/types/sessions.ts'
import type { Shell } from '../../../shared/src/types/shells.ts'
import type { RunStatus, WorkflowRun, WorkflowStep } from '../../../shared/src/types/workflows.ts'
import '../stores/all-stores.ts'
import type { AttemptLine } from '../stores/attempt.ts'
import { NO_SESSION, type SessionMessage, session } from '../stores/session.ts'
import { NO_SHELL, type ShellOutput, shell } from '../stores/shell.ts'
import { STREAM_RANGE } from '../stores/snapshots.ts'
import { NO_ATTEMPT, NO_DASHBOARD, NO_METRICS } from '../stores/stores.ts'
import { NO_RUN, workflowRun } from '../stores/workflow-run.ts'
import { useConnected } from './connection.ts'
import { type Framework, useStoreOf, useValue } from './framework.ts'

export interface DashboardOptions {
  /** Default: `last_7d`, which the stream carries. Any other range is read again when that one changes. */
  readonly range?: DashboardRange | undefined
}

export interface Dashboard {
  readonly overview: Overview | null
  readonly connected: boolean
  readonly reconnecting: boolean
  /** When the server made the overview, ISO 8601. */
  readonly updatedAt: string | null
  readonly error: Error | null
}

export interface RealtimeMetrics {
  readonly metrics: Metrics | null
  /** The last ten minutes since the page was opened, oldest first, including the newest. */
  readonly history: readonly Metrics[]
  readonly connected: boolean
  readonly error: Error | null
}

interface Stream {
  readonly isConnected: boolean
  /** It has ended. Output that it flushed last may still come. */
  readonly done: boolean
  readonly error: Error | null
}

export interface SessionStream extends Stream {
  readonly session: Session | null
  readonly status: SessionStatus | null
  /** The last 1,000 pieces of output, oldest first. */
  readonly messages: readonly SessionMessage[]
  /** How many were received in total. */
  readonly messageCount: number
}

export interface AttemptStream extends Stream {
  readonly attempt: Attempt | null
  readonly status: AttemptStatus | null
  /** The last 1,000, oldest first. */
  readonly lines: readonly AttemptLine[]
  /** How many were received in total. */
  readonly lineCount: number
  readonly conversation: readonly ConversationItem[]
  readonly todos: Todos | null
}

export interface WorkflowStream extends Stream {
  readonly run: WorkflowRun | null
  readonly status: RunStatus | null
  /** In the order in which they were created. */
  readonly steps: readonly WorkflowStep[]
}

export interface ShellStream extends Stream {
  readonly shell: Shell | null
  readonly status: Shell['status'] | null
  /** The last 1,000, oldest first; the last one may be incomplete. */
  readonly lines: readonly string[]
  /** The last 1,000 chunks as they came, for a terminal emulator. */
  readonly chunks: readonly ShellOutput[]
  /** How many were received in total. */
  readonly chunkCount: number
}

/** The overview of all boards. */
export function useDashboard(fw: Framework, { range = STREAM_RANGE }: DashboardOptions = {}): Dashboard {
  const store = useStoreOf(fw, (hub, id) => hub.dashboard(id as DashboardRange), range)
  const { overview, updatedAt, error } = useValue(fw, store, NO_DASHBOARD)
  const { connected, reconnecting } = useConnected(fw)
  return { overview, connected, reconnecting, updatedAt, error }
}

/** The metrics of the service, every five seconds. */
export function useMetrics(fw: Framework): RealtimeMetrics {
  const store = useStoreOf(fw, (hub) => hub.metrics(), '')
  const { metrics, history, error } = useValue(fw, store, NO_METRICS)
  const { connected } = useConnected(fw)
  return { metrics, history, connected, error }
}

export function useSession(fw: Framework, sessionId: string | null): SessionStream {
  const { phase: _, ...value } = useValue(fw, useStoreOf(fw, session, sessionId), NO_SESSION)
  const { connected: isConnected } = useConnected(fw)
  return { ...value, status: value.session?.status ?? null, isConnected }
}

export function useAttempt(fw: Framework, attemptId: string | null): AttemptStream {
  const store = useStoreOf(fw, (hub, id) => hub.attempt(id), attemptId)
  const { phase: _, ...value } = useValue(fw, store, NO_ATTEMPT)
  const { connected: isConnected } = useConnected(fw)
  return { ...value, status: value.attempt?.status ?? null, isConnected }
}

export function useWorkflow(fw: Framework, runId: string | null): WorkflowStream {
  const { phase: _, ...value } = useValue(fw, useStoreOf(fw, workflowRun, runId), NO_RUN)
  const { connected: isConnected } = useConnected(fw)
  return { ...value, status: value.run?.status ?? null, isConnected }
}

export function useShell(fw: Framework, shellId: string | null): ShellStream {
  const { phase: _, ...value } = useValue(fw, useStoreOf(fw, shell, shellId), NO_SHELL)
  const { connected: isConnected } = useConnected(fw)
  return { ...value, status: value.shell?.status ?? null, isConnected }
}
