/** The rights to things that have no channel of their own in the address: they follow from what the thing belongs to. */
import { type ChannelKind, channelName } from '../../shared/src/channels.ts'
import { findProfile } from '../db/rows/agent-profiles.ts'
import { findAttemptRefs } from '../db/rows/attempts.ts'
import { findCard } from '../db/rows/cards.ts'
import { findColumn } from '../db/rows/columns.ts'
import { findShell } from '../db/rows/shells.ts'
import { findSubtask } from '../db/rows/subtasks.ts'
import { findTask } from '../db/rows/tasks.ts'
import { findRun } from '../db/rows/workflow-runs.ts'
import type { Sql } from '../db/sql.ts'
import type { Need } from './rights.ts'

type Id = Readonly<{ id: string }>

export const boardOrIssueOfCard = thing('board', async (sql, id) => {
  const card = await findCard(sql, id)
  return card ? [channelName('board', card.card.boardId), channelName('issue', id)] : null
})

export const boardOfColumn = thing('board', async (sql, id) => {
  const column = await findColumn(sql, id)
  return column ? [channelName('board', column.boardId)] : null
})

export const boardOrAttempt = thing('board', async (sql, id) => {
  const attempt = await findAttemptRefs(sql, id)
  return attempt ? [channelName('board', attempt.boardId), channelName('attempt', id)] : null
})

export const runOrBoard = thing('workflow', async (sql, id) => {
  const run = await findRun(sql, id)
  return run ? [channelName('workflow', id), boardOr('global', run.boardId)] : null
})

export const shellOrBoard = thing('shell', async (sql, id) => {
  const shell = await findShell(sql, id)
  return shell ? [channelName('shell', id), boardOr('global', shell.boardId)] : null
})

export const sessionOfTask = thing('session', async (sql, id) => {
  const task = await findTask(sql, id)
  return task ? [sessionOr('global', task.session_id)] : null
})

export const agentOrSessionOfSubtask = thing('agent', async (sql, id) => {
  const subtask = await findSubtask(sql, id)
  if (!subtask) return null
  const task = await findTask(sql, subtask.task_id)
  return [...agentsOf(subtask), sessionOr('global', task?.session_id)]
})

export const agentOrBoardOfProfile = thing('agent', async (sql, id) => {
  const profile = await findProfile(sql, id)
  return profile ? agentOrBoard(profile) : null
})

/** The channels that show a profile: that of its agent, and that of its board if it has one. */
export function agentOrBoard({ agent, boardId }: { agent: string; boardId: string | null }): Need {
  return [channelName('agent', agent), ...(boardId === null ? [] : [channelName('board', boardId)])]
}

/** The channel of the board; without one, `other`. */
export function boardOr(other: string, boardId: string | null | undefined): string {
  return boardId ? channelName('board', boardId) : other
}

export function sessionOr(other: string, sessionId: string | null | undefined): string {
  return sessionId ? channelName('session', sessionId) : other
}

/** The channels of the agents that a subtask is for. */
export function agentsOf({
  agent_id,
  agent_type,
}: {
  agent_id?: string | null | undefined
  agent_type?: string | null | undefined
}): string[] {
  return [agent_id, agent_type].flatMap((id) => (id ? [channelName('agent', id)] : []))
}

function thing(kind: ChannelKind, channelsOf: (sql: Sql, id: string) => Promise<Need | null>) {
  return { by: 'thing', kind, find: (sql: Sql, { id }: Id) => channelsOf(sql, id) } as const
}
