/** One thing and what it tells: a session, an attempt, a run, a terminal. `null` as the id means off. */
import type { ConversationItem } from '../../../shared/src/types/conversation.ts'
import type { Attempt, AttemptStatus, Todos } from '../../../shared/src/types/kanban.ts'
import type { Session, SessionStatus } from '../../../shared/src/types/sessions.ts'
import type { Shell } from '../../../shared/src/types/shells.ts'
import type { RunStatus, WorkflowRun, WorkflowStep } from '../../../shared/src/types/workflows.ts'
import type { AttemptLine } from '../stores/attempt.ts'
import { NO_ATTEMPT } from '../stores/initial.ts'
import '../stores/makers.ts'
import { type SessionMessage, type SessionValue, session } from '../stores/session.ts'
import { type ShellOutput, type ShellValue, shell } from '../stores/shell.ts'
import { type WorkflowRunValue, workflowRun } from '../stores/workflow-run.ts'
import { useConnected } from './connection.ts'
import { type Framework, useStoreOf, useValue } from './framework.ts'

interface Stream {
  readonly isConnected: boolean
  /** It has ended. What it flushed last may still come. */
  readonly done: boolean
  readonly error: Error | null
}

export interface SessionStream extends Stream {
  readonly session: Session | null
  readonly status: SessionStatus | null
  /** What it printed: the last 1,000 pieces, oldest first. */
  readonly messages: readonly SessionMessage[]
  /** Of all that were seen. */
  readonly messageCount: number
}

export interface AttemptStream extends Stream {
  readonly attempt: Attempt | null
  readonly status: AttemptStatus | null
  /** The last 1,000, oldest first. */
  readonly lines: readonly AttemptLine[]
  /** Of all that were seen. */
  readonly lineCount: number
  readonly conversation: readonly ConversationItem[]
  readonly todos: Todos | null
}

export interface WorkflowStream extends Stream {
  readonly run: WorkflowRun | null
  readonly status: RunStatus | null
  /** In the order in which they were made. */
  readonly steps: readonly WorkflowStep[]
}

export interface ShellStream extends Stream {
  readonly shell: Shell | null
  readonly status: Shell['status'] | null
  /** The last 1,000, oldest first; the last one may not be whole yet. */
  readonly lines: readonly string[]
  /** The last 1,000 pieces as they came, for a terminal emulator. */
  readonly chunks: readonly ShellOutput[]
  /** Of all that were seen. */
  readonly chunkCount: number
}

const INITIAL = { phase: 'loading', error: null, done: false } as const
const NO_SESSION: SessionValue = { ...INITIAL, session: null, messages: [], messageCount: 0 }
const NO_RUN: WorkflowRunValue = { ...INITIAL, run: null, steps: [] }
const NO_SHELL: ShellValue = { ...INITIAL, shell: null, lines: [], chunks: [], chunkCount: 0 }

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
