/** What an envelope says, whatever channel it was recorded on: under its domain name, with the ids of its channel. */
import { parseChannel } from '../../../shared/src/channels.ts'
import type { Envelope } from '../stream/envelope.ts'

export type Fields = Readonly<Record<string, unknown>>

export interface DomainEvent {
  readonly type: string
  readonly data: Fields
  /** In milliseconds since 1970. */
  readonly timestamp: number
}

/** The domain names of the wire names that differ from them. */
const DOMAIN_NAMES: Readonly<Record<string, string>> = {
  board_updated: 'board.updated',
  board_deleted: 'board.deleted',
  column_created: 'column.created',
  column_updated: 'column.updated',
  column_deleted: 'column.deleted',
  card_created: 'card.created',
  card_updated: 'card.updated',
  card_moved: 'card.moved',
  card_deleted: 'card.deleted',
  issue_created: 'card.created',
  issue_updated: 'card.updated',
  issue_deleted: 'card.deleted',
  status_changed: 'card.moved',
  stage_changed: 'card.stage.changed',
  agent_assigned: 'card.assigned',
  attempt_status: 'attempt.status.changed',
  attempt_started: 'attempt.started',
  agent_started: 'attempt.started',
  attempt_log: 'attempt.log.appended',
  attempt_session: 'attempt.session.recorded',
  attempt_todos: 'attempt.todos.updated',
  attempt_pr: 'github.pr.created',
  conversation_item: 'attempt.conversation.appended',
  git_status: 'git.status.changed',
  git_commit: 'git.commit.created',
  git_push: 'git.push.completed',
  git_push_failed: 'git.push.failed',
  agent_registered: 'agent.registered',
  agent_profile: 'agent.profile.changed',
  output: 'agent.output',
  output_batch: 'agent.output.batch',
}

export function domainEvent({ channel, event, data, timestamp, topic }: Envelope): DomainEvent {
  const { kind, id } = parseChannel(channel) ?? { kind: undefined, id: '' }
  // What clients post has any name, and any data.
  const postedOn = topic ?? (kind === 'topic' && !event.startsWith('message.') ? id : undefined)
  if (postedOn !== undefined) return { type: 'topic.event', data: { topic: postedOn, event, data }, timestamp }
  const fields: Fields = typeof data === 'object' && data !== null ? { ...data } : {}
  const isGlobal = kind === 'global'
  const type = isGlobal ? event : (DOMAIN_NAMES[event] ?? event)
  const known = isGlobal ? fields : { ...idsOf(kind, id), ...renamed(event, fields) }
  const isQueued = type === 'attempt.status.changed' && known.previousStatus === null
  return { type: isQueued ? 'attempt.queued' : type, data: known, timestamp }
}

function idsOf(kind: string | undefined, id: string): Fields {
  if (kind === 'board' || kind === 'project') return { boardId: id }
  if (kind === 'issue') return { cardId: id }
  if (kind === 'attempt') return { attemptId: id }
  if (kind === 'agent') return { agentId: id }
  return {}
}

/** Issue trackers see cards under other names. */
function renamed(event: string, fields: Fields): Fields {
  const { issueId, issue, newStage, agentId } = fields
  const cardId = issueId === undefined ? {} : { cardId: issueId }
  switch (event) {
    case 'issue_created': {
      const { boardId, columnId } = (issue ?? {}) as Fields
      return { boardId, ...cardId, card: issue, columnId }
    }
    case 'stage_changed':
      return { ...cardId, changes: { stage: newStage } }
    case 'agent_assigned':
      return { ...cardId, changes: { assignedAgentId: agentId } }
    default:
      return { ...fields, ...cardId }
  }
}
