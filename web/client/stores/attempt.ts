/** One attempt: how it stands, what it printed, said, and has to do. */
import type { ConversationItem } from '../../../shared/src/types/conversation.ts'
import type { Attempt, AttemptStatus, LogLine, PullRequest, Todos } from '../../../shared/src/types/kanban.ts'
import type { HubCore } from '../core/hub-core.ts'
import { compareIds } from '../core/positions.ts'
import type { Frame } from '../core/types.ts'
import { type ResourceStore, resourceStore, type Standing } from './resource.ts'
import { TAIL_LIMIT, Tail } from './tail.ts'

export interface AttemptLine extends LogLine {
  readonly id: string
}

export interface AttemptValue extends Standing {
  readonly attempt: Attempt | null
  /** The last 1,000, oldest first. */
  readonly lines: readonly AttemptLine[]
  /** Of all lines that were seen, those that were let go included. */
  readonly lineCount: number
  readonly conversation: readonly ConversationItem[]
  readonly todos: Todos | null
  /** It has ended. Lines may still follow. */
  readonly done: boolean
}

export interface Known {
  attempt: Attempt
  todos: Todos | null
  conversation: readonly ConversationItem[]
  readonly lines: Tail<AttemptLine>
  /** The lines that were read hold everything up to here. */
  readonly printed: string
}

/** It only ever goes on: news of an earlier stage that come after it was read are old. */
const STAGE = { queued: 0, running: 1, stopping: 2, stopped: 3, succeeded: 3, failed: 3 } satisfies Record<
  AttemptStatus,
  number
>

export type AttemptStore = ResourceStore<AttemptValue, Known>

export function attemptStore(hub: HubCore, id: string): AttemptStore {
  const path = `/attempts/${encodeURIComponent(id)}`
  return resourceStore<Known, AttemptValue>(hub, {
    channels: [`attempt:${id}`],
    async load() {
      const printed = await hub.request<{ lines: AttemptLine[]; cursor: string }>(
        'GET',
        `${path}/logs?tail=${TAIL_LIMIT}`,
      )
      const { body } = await hub.request<Omit<Known, 'lines' | 'printed'>>('GET', path)
      return { value: { ...body, lines: new Tail(printed.body.lines), printed: printed.body.cursor } }
    },
    // It goes with its card and its board, without a word on its own channel.
    check: () => hub.request('GET', path),
    fold(known, frame) {
      foldAttempt(known, frame)
      return undefined
    },
    show: (known, standing) => ({
      ...standing,
      attempt: known?.attempt ?? null,
      lines: known?.lines.list ?? [],
      lineCount: known?.lines.count ?? 0,
      conversation: known?.conversation ?? [],
      todos: known?.todos ?? null,
      done: known !== null && STAGE[known.attempt.status] === STAGE.stopped,
    }),
  })
}

function foldAttempt(known: Known, { event, data, id, timestamp }: Frame): void {
  switch (event) {
    case 'attempt_log': {
      if (compareIds(id, known.printed) <= 0) return
      const { level, message, ts, stream } = data as LogLine
      known.lines.push({ id, level, message, ts, ...(stream && { stream }) })
      return
    }
    case 'attempt_status': {
      const { status, endedAt, exitCode, error } = data as Pick<Attempt, 'status' | 'endedAt' | 'exitCode' | 'error'>
      if (STAGE[status] < STAGE[known.attempt.status]) return
      change(known, { status, endedAt, exitCode, error, updatedAt: isoOf(timestamp) })
      return
    }
    case 'attempt_started':
      change(known, { startedAt: known.attempt.startedAt ?? isoOf(timestamp) })
      return
    case 'attempt_session': {
      const { sessionId, worktreePath } = data as { sessionId: string; worktreePath?: string }
      change(known, { sessionId, ...(worktreePath !== undefined && { worktreePath }) })
      return
    }
    case 'attempt_pr':
      change(known, { pr: (data as { pr: PullRequest }).pr })
      return
    case 'attempt_todos':
      known.todos = (data as { todos: Todos }).todos
      return
    case 'conversation_item':
      known.conversation = withItem(known.conversation, (data as { item: ConversationItem }).item)
      return
    default:
  }
}

function change(known: Known, fields: Partial<Attempt>): void {
  known.attempt = { ...known.attempt, ...fields }
}

function withItem(items: readonly ConversationItem[], item: ConversationItem): readonly ConversationItem[] {
  const at = items.findLastIndex(({ id }) => id === item.id)
  return at < 0 ? [...items, item] : items.with(at, item)
}

function isoOf(timestamp: number): string {
  return new Date(timestamp).toISOString()
}
