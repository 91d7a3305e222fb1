/** What a subject with rights to some boards and agents sees of the dashboard; RI5 is stated in docs/security.md. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AttemptStatus } from '../../shared/src/types/kanban.ts'
import { ChannelPatterns } from '../../src/base/channel-patterns.ts'
import { ago, HOUR, setUpDashboard } from './dashboard-fixture.ts'
import { putBoard, putCard } from './rows.ts'

const at = setUpDashboard()
const BOARDS = ['x', 'xy', 'z', 'y']
const RANGES = ['last_7d', 'all_time'] as const

const anAttempt = fc.record({
  board: fc.constantFrom(...BOARDS),
  agent: fc.constantFrom('a', 'a-1', 'b', 'B'),
  status: fc.constantFrom<AttemptStatus[]>('queued', 'running', 'stopping', 'stopped', 'succeeded', 'failed'),
  hours: fc.integer({ min: 0, max: 240 }),
})
const patterns = fc.uniqueArray(
  fc.constantFrom(
    'board:x',
    'board:x*',
    'board:z',
    'board:*',
    'agent:a',
    'agent:a*',
    'agent:B',
    'agent:*',
    'project:z',
  ),
)

test('[RI5] an overview is what it would be without the boards and agents that one may not see', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anAttempt, { maxLength: 30 }), patterns, async (attempts, given) => {
      const sees = ChannelPatterns.of(given)
      const { sql } = at.db
      await sql.run('DELETE FROM boards')
      await sql.run('DELETE FROM agents')
      for (const [index, board] of BOARDS.entries()) {
        await putBoard(sql, board, { createdAt: ago((500 - index) * HOUR) })
      }
      for (const id of ['a', 'b']) {
        await sql.run("INSERT INTO agents (id, created_at) VALUES (?, '2026-01-01T00:00:00.000Z')", [id])
      }
      for (const [index, { board, agent, status, hours }] of attempts.entries()) {
        await putCard(sql, `card-${index}`, `${board}.${index % 3}`)
        const hasEnded = ['stopped', 'succeeded', 'failed'].includes(status)
        await at.attempt({
          card: `card-${index}`,
          agent,
          status,
          createdAt: ago((hours + 2) * HOUR),
          startedAt: status === 'queued' ? null : ago((hours + 1) * HOUR),
          endedAt: hasEnded ? ago(hours * HOUR) : null,
        })
      }
      const seen = []
      for (const range of RANGES) seen.push(await at.look(range, sql, sees))
      const statuses = new Map((await at.look('all_time')).agentStats.map(({ agentId, status }) => [agentId, status]))
      for (const board of BOARDS) {
        if (!sees.matches(`board:${board}`)) await sql.run('DELETE FROM boards WHERE id = ?', [board])
      }
      for (const [index, range] of RANGES.entries()) {
        const { agentStats, ...rest } = await at.look(range)
        const shown = agentStats.filter(({ agentId }) => sees.matches(`agent:${agentId}`))
        // What an agent does now, its own channel shows, whatever the board.
        const own = shown.map((stats) => ({ ...stats, status: statuses.get(stats.agentId) }))
        expect(seen[index]).toEqual({ ...rest, agentStats: own })
      }
    }),
    { numRuns: 60 },
  )
})
