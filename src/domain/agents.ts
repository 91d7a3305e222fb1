/**
 * Agents that made themselves known. An agent may be named by a card or an attempt without being known here; what is
 * known of its work comes from its attempts either way.
 */
import { isDeepStrictEqual } from 'node:util'
import { channelName } from '../../shared/src/channels.ts'
import { UNSTORED } from '../../shared/src/protocol.ts'
import type { Agent, Capabilities } from '../../shared/src/types/agents.ts'
import { externalId } from '../../shared/src/types/text.ts'
import { Problem } from '../base/errors.ts'
import { agentsWithSockets, hasAgentSocket } from '../db/rows/agent-sockets.ts'
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
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'

/** How long an agent counts as online after it was last heard of. */
export const SEEN_MS = 60_000

/** What an agent tells of itself; what it leaves out stays as it was, null takes it away. */
export interface Registration {
  readonly id: string
  readonly label?: string | null
  readonly kind?: string | null
  readonly capabilities?: Capabilities | null
}

/** Registers an agent, or updates what it told before; that is an event only when something of it changed. */
export async function registerAgent(tx: Tx, told: Registration): Promise<{ agent: Agent; created: boolean }> {
  const known = await findAgent(tx.sql, told.id)
  const agent: StoredAgent = {
    id: told.id,
    label: given(told.label, known?.label),
    kind: given(told.kind, known?.kind),
    capabilities: given(told.capabilities, known?.capabilities),
    lastSeenAt: tx.now,
    createdAt: known?.createdAt ?? tx.now,
  }
  await saveAgent(tx.sql, agent)
  if (!isDeepStrictEqual({ ...known, lastSeenAt: tx.now }, agent)) {
    tx.emit('agent.registered', { agentId: agent.id, agent: agent.id, label: agent.label })
  }
  return { agent: await present(tx.sql, agent, Date.parse(tx.now)), created: !known }
}

/**
 * A sign of life. Who is registered counts as online from now; it is passed on to who listens either way, for an agent
 * need not be registered. Not an event: nothing of it is stored.
 */
export async function noteHeartbeat(tx: Tx, id: string): Promise<void> {
  checkAgentId(id)
  await noteAgentSeen(tx.sql, id, tx.now)
  tx.announce({
    event: UNSTORED.agentHeartbeat,
    channels: [channelName('agent', id), 'global'],
    payload: { agent_id: id, timestamp: Date.parse(tx.now) },
  })
}

/** Throws `invalid_channel` for what no agent can be called. */
export function checkAgentId(id: string): void {
  if (externalId.safeParse(id).success) return
  throw new Problem(
    'invalid_channel',
    `${JSON.stringify(id)} cannot be the id of an agent: 1 to 200 letters, digits and : _ - . only.`,
  )
}

/** Registered agents, in the order of their ids. */
export async function listAgents(sql: Sql, nowMs: number): Promise<Agent[]> {
  const active = new Map<string, ActiveAttemptOfAgent[]>()
  for (const attempt of await activeAttemptsOfAgents(sql)) {
    const others = active.get(attempt.agent)
    if (others) others.push(attempt)
    else active.set(attempt.agent, [attempt])
  }
  const connected = await agentsWithSockets(sql)
  return (await allAgents(sql)).map((agent) =>
    shown(agent, { active: active.get(agent.id) ?? [], hasSocket: connected.has(agent.id), nowMs }),
  )
}

export async function getAgent(sql: Sql, id: string, nowMs: number): Promise<Agent> {
  const agent = await findAgent(sql, id)
  if (!agent) throw new Problem('agent_not_found', `No agent is registered as ${id}. Register it with POST /agents.`)
  return present(sql, agent, nowMs)
}

/** The label of a registered agent; null for one without a label, and for one that is not registered. */
export async function agentLabel(sql: Sql, id: string): Promise<string | null> {
  return (await findAgent(sql, id))?.label ?? null
}

/** `running` and `active` count attempts: those an agent works on, and those plus the queued ones. */
export function agentStatus(
  work: { running: number; active: number; hasSocket: boolean; lastSeenAt: string | null },
  nowMs: number,
): Agent['status'] {
  if (work.running > 0) return 'working'
  const seen = work.lastSeenAt !== null && nowMs - Date.parse(work.lastSeenAt) <= SEEN_MS
  return work.active > 0 || work.hasSocket || seen ? 'online' : 'offline'
}

function given<T>(told: T | null | undefined, known: T | null | undefined): T | null {
  return told === undefined ? (known ?? null) : told
}

async function present(sql: Sql, agent: StoredAgent, nowMs: number): Promise<Agent> {
  const active = await activeAttemptsOfAgent(sql, agent.id)
  return shown(agent, { active, hasSocket: await hasAgentSocket(sql, agent.id), nowMs })
}

function shown(
  agent: StoredAgent,
  { active, hasSocket, nowMs }: { active: readonly ActiveAttemptOfAgent[]; hasSocket: boolean; nowMs: number },
): Agent {
  const running = active.filter((attempt) => attempt.status !== 'queued')
  const { id, label, kind, capabilities, lastSeenAt, createdAt } = agent
  const status = agentStatus({ running: running.length, active: active.length, hasSocket, lastSeenAt }, nowMs)
  return { id, label, kind, capabilities, status, currentCardId: running[0]?.cardId ?? null, lastSeenAt, createdAt }
}
