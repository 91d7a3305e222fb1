/** The rights to things that have no channel of their own in the address: they follow from what the thing belongs to. */
import { type ChannelKind, channelName } from '../../shared/src/channels.ts'
import { findProfile } from '../db/rows/agent-profiles.ts'
import { findCard } from '../db/rows/cards.ts'
import { findColumn } from '../db/rows/columns.ts'
import { findMessageRefs } from '../db/rows/messages.ts'
import { findShell } from '../db/rows/shells.ts'
import { findSubtask } from '../db/rows/subtasks.ts'
import { findTask } from '../db/rows/tasks.ts'
import { findRun } from '../db/rows/workflow-runs.ts'
import type { Sql } from '../db/sql.ts'
import { channelsOfProfile } from '../domain/agent-profiles.ts'
import { lookUpAttemptRefs } from '../domain/attempts.ts'
import { channelsOfAgents } from '../domain/subtasks.ts'
import { ANYONE, type Need, type Reader } from './rights.ts'

export const boardOrIssueOfCard = thing(
  'cardId',
  '`board:ID` of its board or `issue:{cardId}`',
  ['board'],
  async (sql, id) => {
    const card = await findCard(sql, id)
    return card ? [channelName('board', card.card.boardId), channelName('issue', id)] : null
  },
)

export const boardOfCard = thing('cardId', '`board:ID` of its board', ['board'], async (sql, id) => {
  const card = await findCard(sql, id)
  return card ? [channelName('board', card.card.boardId)] : null
})

export const boardOfColumn = thing('columnId', '`board:ID` of its board', ['board'], async (sql, id) => {
  const column = await findColumn(sql, id)
  return column ? [channelName('board', column.boardId)] : null
})

export const boardOrAttempt = {
  by: 'thing',
  to: '`board:ID` of its board or `attempt:{attemptId}`',
  kinds: ['board'],
  async find(reader: Reader, { attemptId }: { readonly attemptId: string }) {
    const attempt = await lookUpAttemptRefs(reader, attemptId)
    return attempt ? [channelName('board', attempt.boardId), channelName('attempt', attemptId)] : null
  },
} as const

export const runOrBoard = thing(
  'runId',
  '`workflow:run:{runId}`, or `board:ID` of its board; without a board `global`',
  ['workflow'],
  async (sql, id) => {
    const run = await findRun(sql, id)
    return run ? [channelName('workflow', id), boardOr('global', run.boardId)] : null
  },
)

export const shellOrBoard = thing(
  'shellId',
  '`shell:terminal:{shellId}`, or `board:ID` of its board; without a board `global`',
  ['shell'],
  async (sql, id) => {
    const shell = await findShell(sql, id)
    return shell ? [channelName('shell', id), boardOr('global', shell.boardId)] : null
  },
)

export const sessionOfTask = thing(
  'taskId',
  '`session:ID` of its session; without a session `global`',
  ['session', 'global'],
  async (sql, id) => {
    const task = await findTask(sql, id)
    return task ? [sessionOr('global', task.session_id)] : null
  },
)

export const agentOrSessionOfSubtask = thing(
  'subtaskId',
  '`agent:ID` of its agents, or `session:ID` of its task; without a session `global`',
  ['session', 'global'],
  async (sql, id) => {
    const subtask = await findSubtask(sql, id)
    if (!subtask) return null
    const task = await findTask(sql, subtask.task_id)
    return [...channelsOfAgents(subtask), sessionOr('global', task?.session_id)]
  },
)

export const agentOrBoardOfProfile = thing(
  'profileId',
  '`agent:ID` of its agent, or `board:ID` of its board',
  ['agent'],
  async (sql, id) => {
    const profile = await findProfile(sql, id)
    return profile ? channelsOfProfile(profile) : null
  },
)

/** The channels that show a message: those of its addressee and of its topic. */
export const mailOfMessage = thing(
  'messageId',
  '`agent:ID` of its addressee or `topic:ID` of its topic; a message to everyone needs neither',
  ['agent', 'topic'],
  async (sql, id) => {
    const message = await findMessageRefs(sql, id)
    if (!message) return null
    const channels = addresseesOf(message)
    return channels.length > 0 ? channels : ANYONE
  },
)

export function addresseesOf({
  to_agent,
  topic,
}: {
  to_agent?: string | null | undefined
  topic?: string | null | undefined
}): Need {
  return [...(to_agent ? [channelName('agent', to_agent)] : []), ...(topic ? [channelName('topic', topic)] : [])]
}

/** The channel of the board; without one, `other`. */
export function boardOr(other: string, boardId: string | null | undefined): string {
  return boardId ? channelName('board', boardId) : other
}

export function sessionOr(other: string, sessionId: string | null | undefined): string {
  return sessionId ? channelName('session', sessionId) : other
}

/** `to` as in `Right`. */
function thing<Name extends string>(
  parameter: Name,
  to: string,
  kinds: readonly ChannelKind[],
  channelsOf: (sql: Sql, id: string) => Promise<Need | typeof ANYONE | null>,
) {
  return {
    by: 'thing',
    to,
    kinds,
    find: ({ sql }: Reader, params: Readonly<Record<Name, string>>) => channelsOf(sql, params[parameter]),
  } as const
}
