/**
 * What a listener must receive of an event according to the catalogue, written by hand a second time: streams are compared
 * with this and with the log, never with the code that produced them.
 */
import type { SeenEvent } from './log-reader.ts'

export interface Listening {
  /** In the order in which the listener names them. */
  readonly channels: readonly string[]
  /** The view of the board channels among them; default `diff`. */
  readonly view?: 'full' | 'diff'
  /** The views of single board channels that differ. */
  readonly views?: Readonly<Record<string, 'full' | 'diff'>>
  /** Event names; a final `*` matches any ending. */
  readonly types?: readonly string[]
}

export interface Sighting {
  readonly channel: string
  readonly event: string
  /** Lines that may be joined with those of neighbouring events. */
  readonly lines?: readonly string[]
}

/** Domain name -> the name on `board:` where it shows in both views. */
const ON_BOARD: Readonly<Record<string, string>> = {
  'board.updated': 'board_updated',
  'board.deleted': 'board_deleted',
  'attempt.queued': 'attempt_status',
  'attempt.status.changed': 'attempt_status',
  'attempt.started': 'attempt_started',
  'attempt.log.appended': 'attempt_log',
  'attempt.conversation.appended': 'conversation_item',
  'attempt.session.recorded': 'attempt_session',
  'attempt.todos.updated': 'attempt_todos',
  'github.pr.created': 'attempt_pr',
  'git.status.changed': 'git_status',
  'git.commit.created': 'git_commit',
}
/** Domain name -> the name on `board:` where it shows only in the `diff` view. */
export const ON_DIFF: Readonly<Record<string, string>> = {
  'column.created': 'column_created',
  'column.updated': 'column_updated',
  'column.deleted': 'column_deleted',
  'card.created': 'card_created',
  'card.updated': 'card_updated',
  'card.stage.changed': 'card_updated',
  'card.assigned': 'card_updated',
  'card.moved': 'card_moved',
  'card.deleted': 'card_deleted',
}
/** Domain name -> the name on `project:` and `issue:`. */
const ON_ISSUE: Readonly<Record<string, string>> = {
  'card.created': 'issue_created',
  'card.updated': 'issue_updated',
  'card.moved': 'status_changed',
  'card.deleted': 'issue_deleted',
  'card.stage.changed': 'stage_changed',
  'card.assigned': 'agent_assigned',
}
/** Domain name -> the name on `project:` only. */
const ON_PROJECT: Readonly<Record<string, string>> = {
  'git.operation.completed': 'git.operation.completed',
  'file.changed': 'file.changed',
}
const TO_EVERYONE: Readonly<Record<string, string>> = {
  'agent.registered': 'agent_registered',
  'agent.profile.changed': 'agent_profile',
}

/** What a listener receives of an event: each wire name once, on the first of its channels. */
export function sightingsOf(event: SeenEvent, listening: Listening): Sighting[] {
  const found = new Map<string, Sighting>()
  for (const channel of listening.channels) {
    for (const sighting of onChannel(event, channel, listening.views?.[channel] ?? listening.view ?? 'diff')) {
      if (!found.has(sighting.event)) found.set(sighting.event, sighting)
    }
  }
  const toAll = TO_EVERYONE[event.type]
  if (toAll) found.set(toAll, { channel: '*', event: toAll })
  return [...found.values()].filter(({ event: name }) => passes(name, listening.types))
}

function onChannel({ type, data }: SeenEvent, channel: string, view: 'full' | 'diff'): Sighting[] {
  const [kind = ''] = channel.split(':')
  const id = channel.slice(kind.length + 1)
  const shown = (name: string | undefined) => (name === undefined ? [] : [{ channel, event: name }])
  const moves = type !== 'card.moved' || data.fromColumnId !== data.toColumnId
  switch (kind) {
    case 'global':
      return shown(type === 'topic.event' ? data.event : type)
    case 'topic':
      return type === 'topic.event' && data.topic === id ? shown(data.event) : []
    case 'board':
      if (data.boardId !== id) return []
      return shown(ON_BOARD[type] ?? (view === 'diff' ? ON_DIFF[type] : undefined))
    case 'project':
      if (data.boardId !== id) return []
      return shown(moves ? (ON_ISSUE[type] ?? ON_PROJECT[type]) : undefined)
    case 'issue':
      if (data.cardId !== id) return []
      if (type === 'attempt.started') return shown('agent_started')
      return shown(moves ? ON_ISSUE[type] : undefined)
    case 'attempt':
      return data.attemptId === id ? shown(ON_BOARD[type]) : []
    case 'agent':
      if (type === 'attempt.started') return data.agent === id ? shown('agent_started') : []
      if (data.agentId !== id) return []
      if (type === 'card.assigned') return shown('agent_assigned')
      if (type === 'agent.output') return shown('output')
      if (type === 'agent.output.batch') return [{ channel, event: 'output_batch', lines: data.lines }]
      if (type !== 'attempt.log.appended') return []
      return [{ channel, event: 'output_batch', lines: [String(data.message)] }]
    default:
      throw new Error(`no test listens to ${channel}`)
  }
}

function passes(name: string, types: readonly string[] | undefined): boolean {
  if (!types) return true
  return types.some((type) => (type.endsWith('*') ? name.startsWith(type.slice(0, -1)) : name === type))
}
