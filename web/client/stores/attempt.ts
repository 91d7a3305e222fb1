/** An attempt: its status, output, conversation and todos. */
import type { ConversationItem } from '../../../shared/src/types/conversation.ts'
import type { Attempt, AttemptStatus, LogLine, PullRequest, Todos } from '../../../shared/src/types/kanban.ts'
import { compareIds } from '../base/frames.ts'
import type { Frame, HubCore } from '../base/types.ts'
import { MAX_RECENT_ITEMS, RecentItems } from './recent-items.ts'
import { Resource } from './resource.ts'
import type { Standing } from './resource-state.ts'

export interface AttemptLine extends LogLine {
  readonly id: string
}

export interface AttemptValue extends Standing {
  readonly attempt: Attempt | null
  /** The last 1,000, oldest first. */
  readonly lines: readonly AttemptLine[]
  /** How many lines were received in total, including those that are not kept. */
  readonly lineCount: number
  readonly conversation: readonly ConversationItem[]
  readonly todos: Todos | null
  /** It has ended. More lines may still come. */
  readonly done: boolean
}

interface AttemptState {
  attempt: Attempt
  todos: Todos | null
  conversation: readonly ConversationItem[]
  readonly lines: RecentItems<AttemptLine>
  /** The answer included every line up to here. */
  readonly linesCursor: string
}

export type OpenAttempt = Resource<AttemptState, AttemptValue>

/** Statuses only advance. An event with an earlier one is older than what was read. */
const STAGE = { queued: 0, running: 1, stopping: 2, stopped: 3, succeeded: 3, failed: 3 } satisfies Record<
  AttemptStatus,
  number
>

export function openAttempt(hub: HubCore, id: string, changed: () => void): OpenAttempt {
  const path = `/attempts/${encodeURIComponent(id)}`
  return new Resource<AttemptState, AttemptValue>(
    hub,
    {
      channels: [`attempt:${id}`],
      async load() {
        const logs = await hub.request<{ lines: AttemptLine[]; cursor: string }>(
          'GET',
          `${path}/logs?tail=${MAX_RECENT_ITEMS}`,
        )
        const { body } = await hub.request<Omit<AttemptState, 'lines' | 'linesCursor'>>('GET', path)
        return { value: { ...body, lines: new RecentItems(logs.body.lines), linesCursor: logs.body.cursor } }
      },
      // It is deleted with its card or board, without an event on its own channel.
      check: () => hub.request('GET', path),
      apply(state, frame) {
        applyToAttempt(state, frame)
        return state
      },
      show: (state, standing) => ({
        ...standing,
        attempt: state?.attempt ?? null,
        lines: state?.lines.list ?? [],
        lineCount: state?.lines.count ?? 0,
        conversation: state?.conversation ?? [],
        todos: state?.todos ?? null,
        done: state !== null && STAGE[state.attempt.status] === STAGE.stopped,
      }),
    },
    changed,
  )
}

function applyToAttempt(state: AttemptState, { event, data, id, timestamp }: Frame): void {
  switch (event) {
    case 'attempt_log': {
      if (compareIds(id, state.linesCursor) <= 0) return
      const { level, message, ts, stream } = data as LogLine
      state.lines.push({ id, level, message, ts, ...(stream && { stream }) })
      return
    }
    case 'attempt_status': {
      const { status, endedAt, exitCode, error } = data as Pick<Attempt, 'status' | 'endedAt' | 'exitCode' | 'error'>
      if (STAGE[status] < STAGE[state.attempt.status]) return
      change(state, { status, endedAt, exitCode, error, updatedAt: isoOf(timestamp) })
      return
    }
    case 'attempt_started':
      change(state, { startedAt: state.attempt.startedAt ?? isoOf(timestamp) })
      return
    case 'attempt_session': {
      const { sessionId, worktreePath } = data as { sessionId: string; worktreePath?: string }
      change(state, { sessionId, ...(worktreePath !== undefined && { worktreePath }) })
      return
    }
    case 'attempt_pr':
      change(state, { pr: (data as { pr: PullRequest }).pr })
      return
    case 'attempt_todos':
      state.todos = (data as { todos: Todos }).todos
      return
    case 'conversation_item':
      state.conversation = withItem(state.conversation, (data as { item: ConversationItem }).item)
      return
    default:
  }
}

function change(state: AttemptState, fields: Partial<Attempt>): void {
  state.attempt = { ...state.attempt, ...fields }
}

function withItem(items: readonly ConversationItem[], item: ConversationItem): readonly ConversationItem[] {
  const index = items.findLastIndex(({ id }) => id === item.id)
  return index < 0 ? [...items, item] : items.with(index, item)
}

function isoOf(timestamp: number): string {
  return new Date(timestamp).toISOString()
}
