import type { EventType } from '../../shared/src/catalogue.ts'

/** The names that events have on boards, agents and cards, where they differ from those on `global`. */
export const OWN_NAMES = [
  'agent_assigned',
  'agent_profile',
  'agent_registered',
  'agent_started',
  'attempt_log',
  'attempt_pr',
  'attempt_session',
  'attempt_started',
  'attempt_status',
  'attempt_todos',
  'board_deleted',
  'board_updated',
  'card_created',
  'card_deleted',
  'card_moved',
  'card_updated',
  'column_created',
  'column_deleted',
  'column_updated',
  'conversation_item',
  'git_commit',
  'git_push',
  'git_push_failed',
  'git_status',
  'issue_created',
  'issue_deleted',
  'issue_updated',
  'output',
  'output_batch',
  'stage_changed',
  'status_changed',
] as const

/** The name of an event on any channel. Clients may post events under other names, so every text is one. */
export type EventName = EventType | (typeof OWN_NAMES)[number] | 'agent.heartbeat' | (string & {})
