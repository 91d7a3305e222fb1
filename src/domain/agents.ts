/**
 * Registered agents. Cards and attempts may name agents that are not registered; what an agent is working on always comes
 * from its attempts.
 */
import { isDeepStrictEqual } from 'node:util'
import { channelName } from '../../shared/src/channels.ts'
import { UNSTORED } from '../../shared/src/protocol.ts'
import type { Agent, Capabilities } from '../../shared/src/types/agents.ts'
import { externalId } from '../../shared/src/types/text.ts'
import { ChannelPatterns } from '../base/channel-patterns.ts'
import { Problem } from '../base/errors.ts'
import {
  type ActiveAttemptOfAgent,
  activeAttemptsOfAgent,
  activeAttemptsOfAgents,
  allAgents,
  findAgent,
  noteAgentSeen,
  type StoredAgent,
  saveAgent,
} from '../db/rows/agents.ts'
import { agentsWithSockets, hasAgentSocket } from '../db/rows/presence.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'

/** An agent counts as online for this long after its last sign of life. */
export const SEEN_MS = 60_000

/** A field that is left out keeps its value; null removes it. */
export interface Registration {
  readonly id: string
  readonly label?: string | null
  readonly kind?: string | null
  readonly capabilities?: Capabilities | null
}

/** Registers an agent or updates its registration. Emits an event only when something other than `lastSeenAt` changed. */
export async function registerAgent(
  tx: Tx,
  input: Registration,
  sees: ChannelPatterns = ChannelPatterns.all,
): Promise<{ agent: Agent; created: boolean }> {
  const before = await findAgent(tx.sql, input.id)
  const agent: StoredAgent = {
    id: input.id,
    label: merged(input.label, before?.label),
    kind: merged(input.kind, before?.kind),
    capabilities: merged(input.capabilities, before?.capabilities),
    lastSeenAt: tx.now,
    createdAt: before?.createdAt ?? tx.now,
  }
  await saveAgent(tx.sql, agent)
  if (!isDeepStrictEqual({ ...before, lastSeenAt: tx.now }, agent)) {
    tx.emit('agent.registered', { agentId: agent.id, agent: agent.id, label: agent.label })
  }
  return { agent: await withStatus(tx.sql, agent, Date.parse(tx.now), sees), created: !before }
}

/**
 * A sign of life. A registered agent counts as online from now. Listeners get an ephemeral event either way, because
 * agents need not be registered. Throws `invalid_channel` for an invalid agent id.
 */
export async function noteHeartbeat(tx: Tx, id: string): Promise<void> {
  checkAgentId(id)
  await noteAgentSeen(tx.sql, id, tx.now)
  tx.publishEphemeral({
    event: UNSTORED.agentHeartbeat,
    channels: [channelName('agent', id), 'global'],
    payload: { agent_id: id, timestamp: Date.parse(tx.now) },
  })
}

/** Throws `invalid_channel` for an invalid agent id. */
export function checkAgentId(id: string): void {
  if (externalId.safeParse(id).success) return
  throw new Problem(
    'invalid_channel',
    `${JSON.stringify(id)} cannot be the id of an agent: 1 to 200 letters, digits and : _ - . only.`,
  )
}

/** Registered agents that `sees` matches, sorted by id. Cards of boards that it does not match are not named. */
export async function listAgents(
  sql: Sql,
  nowMs: number,
  sees: ChannelPatterns = ChannelPatterns.all,
): Promise<Agent[]> {
  const active = new Map<string, ActiveAttemptOfAgent[]>()
  for (const attempt of await activeAttemptsOfAgents(sql)) {
    const others = active.get(attempt.agent)
    if (others) others.push(attempt)
    else active.set(attempt.agent, [attempt])
  }
  const connected = await agentsWithSockets(sql)
  return (await allAgents(sql, sees.idsOf('agent'))).map((agent) =>
    toAgent(agent, { active: active.get(agent.id) ?? [], hasSocket: connected.has(agent.id), nowMs, sees }),
  )
}

/** Throws `agent_not_found` for an agent that is not registered. */
export async function getAgent(
  sql: Sql,
  id: string,
  nowMs: number,
  sees: ChannelPatterns = ChannelPatterns.all,
): Promise<Agent> {
  const agent = await findAgent(sql, id)
  if (!agent) throw new Problem('agent_not_found', `No agent is registered as ${id}. Register it with POST /agents.`)
  return withStatus(sql, agent, nowMs, sees)
}

/** Null when the agent has no label or is not registered. */
export async function agentLabel(sql: Sql, id: string): Promise<string | null> {
  return (await findAgent(sql, id))?.label ?? null
}

/** `running` counts the attempts that an agent works on; `active` includes the queued ones. */
export function agentStatus(
  work: { running: number; active: number; hasSocket: boolean; lastSeenAt: string | null },
  nowMs: number,
): Agent['status'] {
  if (work.running > 0) return 'working'
  const seen = work.lastSeenAt !== null && nowMs - Date.parse(work.lastSeenAt) <= SEEN_MS
  return work.active > 0 || work.hasSocket || seen ? 'online' : 'offline'
}

function merged<T>(input: T | null | undefined, before: T | null | undefined): T | null {
  return input === undefined ? (before ?? null) : input
}

async function withStatus(sql: Sql, agent: StoredAgent, nowMs: number, sees: ChannelPatterns): Promise<Agent> {
  const active = await activeAttemptsOfAgent(sql, agent.id)
  return toAgent(agent, { active, hasSocket: await hasAgentSocket(sql, agent.id), nowMs, sees })
}

function toAgent(
  agent: StoredAgent,
  {
    active,
    hasSocket,
    nowMs,
    sees,
  }: { active: readonly ActiveAttemptOfAgent[]; hasSocket: boolean; nowMs: number; sees: ChannelPatterns },
): Agent {
  const running = active.filter((attempt) => attempt.status !== 'queued')
  const { id, label, kind, capabilities, lastSeenAt, createdAt } = agent
  const status = agentStatus({ running: running.length, active: active.length, hasSocket, lastSeenAt }, nowMs)
  const shown = running.find(
    ({ boardId, cardId }) => sees.matches(channelName('board', boardId)) || sees.matches(channelName('issue', cardId)),
  )
  return { id, label, kind, capabilities, status, currentCardId: shown?.cardId ?? null, lastSeenAt, createdAt }
}
