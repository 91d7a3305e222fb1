/** How each agent did: those that are registered, and those that had attempts in the range. */
import type { AgentStats } from '../../shared/src/types/dashboard.ts'
import { agentsWithSockets } from '../db/rows/agent-sockets.ts'
import { allAgents, type StoredAgent } from '../db/rows/agents.ts'
import { type AgentCounts, countByAgent, type Range } from '../db/rows/dashboard-metrics.ts'
import type { Sql } from '../db/sql.ts'
import { agentStatus } from './agents.ts'

/** In the order of the agents' ids. */
export async function agentStatsOf(sql: Sql, range: Range, nowMs: number): Promise<AgentStats[]> {
  const registered = new Map((await allAgents(sql)).map((agent) => [agent.id, agent]))
  const connected = await agentsWithSockets(sql)
  const counted = new Map((await countByAgent(sql, range)).map((counts) => [counts.agent, counts]))
  return [...new Set([...registered.keys(), ...counted.keys()])]
    .filter((id) => registered.has(id) || hasAttempts(counted.get(id)))
    .sort()
    .map((id) => statsOf(id, registered.get(id), { counts: counted.get(id), hasSocket: connected.has(id), nowMs }))
}

/** Succeeded and failed attempts are finished; a stopped one says nothing of how its agent does. */
export function successRate({ succeeded, failed }: { succeeded: number; failed: number }): number | null {
  return succeeded + failed === 0 ? null : succeeded / (succeeded + failed)
}

/** In the range, or under way. */
function hasAttempts(counts: AgentCounts | undefined): boolean {
  if (!counts) return false
  return counts.started + counts.succeeded + counts.failed + counts.stopped + counts.active > 0
}

function statsOf(
  agentId: string,
  agent: StoredAgent | undefined,
  { counts, hasSocket, nowMs }: { counts: AgentCounts | undefined; hasSocket: boolean; nowMs: number },
): AgentStats {
  const { started = 0, succeeded = 0, failed = 0, active = 0, running = 0 } = counts ?? {}
  const lastSeenAt = agent?.lastSeenAt ?? null
  return {
    agentId,
    label: agent?.label ?? null,
    status: agentStatus({ running, active, hasSocket, lastSeenAt }, nowMs),
    attemptsStarted: started,
    attemptsSucceeded: succeeded,
    attemptsFailed: failed,
    successRate: successRate({ succeeded, failed }),
    currentActiveAttempts: active,
    lastActiveAt: latest([
      lastSeenAt,
      counts?.lastStartedAt,
      counts?.lastSucceededAt,
      counts?.lastFailedAt,
      counts?.lastStoppedAt,
      counts?.lastLineAt,
    ]),
  }
}

/** Times of one form, which sort as text. */
function latest(times: ReadonlyArray<string | null | undefined>): string | null {
  return times.reduce<string | null>((last, time) => (time && (last === null || time > last) ? time : last), null)
}
