/**
 * The payloads of known events: their types, and the check against their schemas. Only `validate` loads this file, because
 * it brings zod and every schema; types are free.
 */
import type * as z from 'zod'
import { catalogue, type Entry, type EventPayload, type EventType } from '../../../shared/src/catalogue.ts'
import { parseChannel } from '../../../shared/src/channels.ts'
import { EVERYONE, SNAPSHOT } from '../../../shared/src/protocol.ts'
import { type Overview, overview } from '../../../shared/src/types/dashboard.ts'
import { type BoardState, boardState } from '../../../shared/src/types/kanban.ts'
import { type Metrics, metrics } from '../../../shared/src/types/metrics.ts'
import type { Frame } from '../base/types.ts'

/** The payload on an event's own channels. */
type Shows<Type extends EventType> =
  (typeof catalogue)[Type] extends Entry<infer _About, infer Shown> ? z.infer<z.ZodObject<Shown>> : never

/** Names that differ from those on `global`, which carries whole payloads. */
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

/** `global` carries the whole payload; other channels leave out some fields. */
type DomainNames = { [Type in EventType]: Shows<Type> & Partial<EventPayload<Type>> }

export type Payloads = OwnNames & Snapshots & DomainNames

/** A frame with this name, and with its payload's type if the name is in the catalogue. */
export type FrameOf<Name extends string> = Name extends keyof Payloads
  ? Omit<Frame, 'event' | 'data'> & { readonly event: Name; readonly data: Payloads[Name] }
  : Frame

/** By kind of channel and name. */
const schemas = new Map<string, z.ZodType>([
  [`board ${SNAPSHOT.state}`, boardState],
  [`dashboard ${SNAPSHOT.dashboardOverview}`, overview],
  [`metrics ${SNAPSHOT.metricUpdate}`, metrics],
])
for (const [type, entry] of Object.entries<Entry>(catalogue)) {
  if (entry.isPosted) continue
  schemas.set(`global ${type}`, entry.about.extend(entry.shows.shape))
  for (const { channel, event, payload } of entry.to) schemas.set(`${channel} ${event}`, payload ?? entry.shows)
}

/** Frames without a schema (events that clients post, and types that this version does not know) are valid. */
export function isValid({ channel, event, data }: Frame): boolean {
  const kind = channel === EVERYONE ? EVERYONE : parseChannel(channel)?.kind
  return schemas.get(`${kind} ${event}`)?.safeParse(data).success ?? true
}
