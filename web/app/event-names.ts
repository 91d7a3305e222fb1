/**
 * The wire names that the page listens to: an EventSource shows only what it was asked for by name. They are written out
 * because the catalogue brings its validators with it; a test holds them against it.
 */
import { CONTROL, SNAPSHOT } from '../../shared/src/protocol.ts'

const TO_EVERYONE = ['agent_registered', 'agent_profile']

/** The `full` view of a board: its changes come as `state`, so the `card_*` and `column_*` names are not among them. */
export const BOARD_EVENTS: readonly string[] = [
  ...Object.values(CONTROL),
  SNAPSHOT.state,
  'board_updated',
  'board_deleted',
  'attempt_status',
  'attempt_started',
  'attempt_log',
  'conversation_item',
  'attempt_session',
  'attempt_todos',
  'attempt_pr',
  'git_status',
  'git_commit',
  'git_push',
  'git_push_failed',
  ...TO_EVERYONE,
]

export const DASHBOARD_EVENTS: readonly string[] = [
  ...Object.values(CONTROL),
  SNAPSHOT.dashboardOverview,
  ...TO_EVERYONE,
]
