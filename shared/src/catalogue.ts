/**
 * The event table: every event type, declared once. Types, validation, encoding, replay, documents and tests are derived
 * from it; to add an event type, add an entry to one of the families.
 */
import { agentOutputEvents } from './catalogue/agent-output.ts'
import { agentEvents } from './catalogue/agents.ts'
import { attemptEvents } from './catalogue/attempts.ts'
import { boardEvents } from './catalogue/boards.ts'
import type { Destination, Entry, Payload, PayloadOf } from './catalogue/define.ts'
import { gitEvents } from './catalogue/git.ts'
import { messageEvents } from './catalogue/messages.ts'
import { sessionEvents } from './catalogue/sessions.ts'
import { shellEvents } from './catalogue/shells.ts'
import { taskEvents } from './catalogue/tasks.ts'
import { topicEvents } from './catalogue/topics.ts'
import { workflowEvents } from './catalogue/workflows.ts'
import { channelName } from './channels.ts'
import { type Placement as PlacementOf, place } from './visibility.ts'

export type { Destination, Entry, Keep, Payload, Refresh } from './catalogue/define.ts'

export const catalogue = {
  ...boardEvents,
  ...attemptEvents,
  ...gitEvents,
  ...agentEvents,
  ...agentOutputEvents,
  ...topicEvents,
  ...sessionEvents,
  ...workflowEvents,
  ...shellEvents,
  ...taskEvents,
  ...messageEvents,
}

export type EventType = keyof typeof catalogue
export type EventPayload<Type extends EventType> =
  (typeof catalogue)[Type] extends Entry<infer About, infer Shows> ? PayloadOf<About, Shows> : never

/** One channel that an event shows on. */
export type Placement = PlacementOf<Destination>

const AGENT_OR_BOARD = /^(agent|board):/

const entries: ReadonlyMap<string, Entry> = new Map(Object.entries(catalogue))

/** The entry of `type`, or undefined for a type that this version does not know. */
export function entryOf(type: string): Entry | undefined {
  return entries.get(type)
}

/** Where an event shows, in the catalogue's order, without `global`, where every event shows. */
export function placementsOf(entry: Entry, payload: Payload): readonly Placement[] {
  return place(entry.to, payload)
}

/**
 * The channels of the boards and agents that an event concerns. A subject without a right to any of them must not learn
 * from a snapshot that it happened.
 */
export function concernedBy(payload: Payload, placements: readonly Placement[]): readonly string[] {
  // An attempt changes the status of its agent, even where the event does not show on the agent's channel.
  const { boardId, agent } = payload
  const board = typeof boardId === 'string' ? [channelName('board', boardId)] : []
  const worker = typeof agent === 'string' ? [channelName('agent', agent)] : []
  const others = placements.flatMap(({ channel, concerns }) => concerns ?? channel)
  return [...board, ...worker, ...others.filter((channel) => AGENT_OR_BOARD.test(channel))]
}

/** The snapshot channels that an event makes stale. */
export function refreshedBy(entry: Entry, payload: Payload): readonly string[] {
  return entry.refreshes.map((kind) => (kind === 'board' ? channelName('board', String(payload.boardId)) : kind))
}
