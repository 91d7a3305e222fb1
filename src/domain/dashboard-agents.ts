/** Statistics per agent: registered agents, and agents that had attempts in the range. */
import type { AgentStats } from '../../shared/src/types/dashboard.ts'
import type { IdRange } from '../base/channel-patterns.ts'
import { activeAttemptsOfAgents, allAgents, type StoredAgent } from '../db/rows/agents.ts'
import { type AgentCounts, countByAgent, type Range } from '../db/rows/dashboard-metrics.ts'
import { agentsWithSockets } from '../db/rows/presence.ts'
import type { Sql } from '../db/sql.ts'
import { agentStatus } from './agents.ts'

/** What an agent does now, on whatever board. */
type Work = Pick<AgentCounts, 'active' | 'running'>

/** The agents in the range of ids, sorted by id, with their attempts on the boards in theirs. */
export async function agentStatsOf(
  sql: Sql,
  seen: { agents: IdRange; boards: IdRange },
  range: Range,
  nowMs: number,
): Promise<AgentStats[]> {
  const registered = new Map((await allAgents(sql, seen.agents)).map((agent) => [agent.id, agent]))
  const connected = await agentsWithSockets(sql)
  const counted = new Map((await countByAgent(sql, seen, range)).map((counts) => [counts.agent, counts]))
  const working = seen.boards.all ? counted : await workOfAgents(sql)
  return [...new Set([...registered.keys(), ...counted.keys()])]
    .filter((id) => registered.has(id) || hasAttempts(counted.get(id)))
    .sort()
    .map((id) =>
      statsOf(id, registered.get(id), {
        counts: counted.get(id),
        work: working.get(id),
        hasSocket: connected.has(id),
        nowMs,
      }),
    )
}

async function workOfAgents(sql: Sql): Promise<Map<string, Work>> {
  const work = new Map<string, Work>()
  for (const { agent, status } of await activeAttemptsOfAgents(sql)) {
    const { active, running } = work.get(agent) ?? { active: 0, running: 0 }
    work.set(agent, { active: active + 1, running: running + (status === 'queued' ? 0 : 1) })
  }
  return work
}

/** From 0 to 1; null without finished attempts. Stopped attempts do not count: they say nothing about the agent. */
export function successRate({ succeeded, failed }: { succeeded: number; failed: number }): number | null {
  return succeeded + failed === 0 ? null : succeeded / (succeeded + failed)
}

/** Whether it had attempts in the range or has active ones. */
function hasAttempts(counts: AgentCounts | undefined): boolean {
  if (!counts) return false
  return counts.started + counts.succeeded + counts.failed + counts.stopped + counts.active > 0
}

function statsOf(
  agentId: string,
  agent: StoredAgent | undefined,
  {
    counts,
    work: { active: activeAnywhere, running } = { active: 0, running: 0 },
    hasSocket,
    nowMs,
  }: { counts: AgentCounts | undefined; work: Work | undefined; hasSocket: boolean; nowMs: number },
): AgentStats {
  const { started = 0, succeeded = 0, failed = 0, active = 0 } = counts ?? {}
  const lastSeenAt = agent?.lastSeenAt ?? null
  return {
    agentId,
    label: agent?.label ?? null,
    status: agentStatus({ running, active: activeAnywhere, hasSocket, lastSeenAt }, nowMs),
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

/** The times have the same format, so they sort as text. */
function latest(times: ReadonlyArray<string | null | undefined>): string | null {
  return times.reduce<string | null>((last, time) => (time && (last === null || time > last) ? time : last), null)
}
