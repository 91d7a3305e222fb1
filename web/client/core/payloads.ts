/** What is in the frames whose names are known: types only, from the catalogue. */
import type * as z from 'zod'
import type { catalogue, Entry, EventPayload, EventType } from '../../../shared/src/catalogue.ts'
import type { Overview } from '../../../shared/src/types/dashboard.ts'
import type { BoardState } from '../../../shared/src/types/kanban.ts'
import type { Metrics } from '../../../shared/src/types/metrics.ts'
import type { Frame } from './types.ts'

/** The payload on an event's own channels. */
type Shows<Type extends EventType> =
  (typeof catalogue)[Type] extends Entry<infer _About, infer Shown> ? z.infer<z.ZodObject<Shown>> : never

/** Names that differ from those on `global`, where these have whole payloads. */
interface OwnNames {
  board_updated: Shows<'board.updated'>
  board_deleted: Shows<'board.deleted'>
  column_created: Shows<'column.created'>
  column_updated: Shows<'column.updated'>
  column_deleted: Shows<'column.deleted'>
  card_created: Shows<'card.created'>
  card_updated: Shows<'card.updated'>
  card_moved: Shows<'card.moved'>
  card_deleted: Shows<'card.deleted'>
  attempt_status: Shows<'attempt.status.changed'>
  attempt_started: Shows<'attempt.started'>
  attempt_log: Shows<'attempt.log.appended'>
  attempt_session: Shows<'attempt.session.recorded'>
  attempt_todos: Shows<'attempt.todos.updated'>
  attempt_pr: Shows<'github.pr.created'>
  conversation_item: Shows<'attempt.conversation.appended'>
  git_status: Shows<'git.status.changed'>
  git_commit: Shows<'git.commit.created'>
  git_push: Shows<'git.push.completed'>
  git_push_failed: Shows<'git.push.failed'>
  agent_registered: Shows<'agent.registered'>
  agent_profile: Shows<'agent.profile.changed'>
  output: Shows<'agent.output'>
  output_batch: Shows<'agent.output.batch'>
}

interface Snapshots {
  state: BoardState
  dashboard_overview: Overview
  'metric.update': Metrics
}

/** On `global` the whole payload; a channel of its own has some fields less. */
type DomainNames = { [Type in EventType]: Shows<Type> & Partial<EventPayload<Type>> }

export type Payloads = OwnNames & Snapshots & DomainNames

/** A frame with this name; with its payload, where the name is in the catalogue. */
export type FrameOf<Name extends string> = Name extends keyof Payloads
  ? Omit<Frame, 'event' | 'data'> & { readonly event: Name; readonly data: Payloads[Name] }
  : Frame
