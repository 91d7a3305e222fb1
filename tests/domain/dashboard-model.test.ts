import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AttemptStatus } from '../../shared/src/types/kanban.ts'
import { ago, DAY, HOUR, setUpDashboard } from './dashboard-fixture.ts'
import { putBoard, putCard } from './rows.ts'

const at = setUpDashboard()
const from = ago(7 * DAY)
const to = ago(0)
const within = (time: string | null) => time !== null && time >= from && time <= to

const anAttempt = fc.record({
  card: fc.integer({ min: 0, max: 11 }),
  agent: fc.constantFrom('a', 'a-1', 'b'),
  status: fc.constantFrom<AttemptStatus[]>('queued', 'running', 'stopping', 'stopped', 'succeeded', 'failed'),
  hours: fc.integer({ min: 0, max: 10 * 24 }),
  tookHours: fc.integer({ min: 0, max: 60 }),
})

test('[H16] agrees with a simple count over all rows', async () => {
  const boards = ['x', 'y', 'z']
  for (const board of boards) await putBoard(at.db.sql, board)
  // Four cards per board: two in the backlog, one in review, one done.
  const cards = boards.flatMap((board) =>
    ['0', '0', '1', '2'].map((column, i) => ({ id: `${board}${i}`, board, column })),
  )
  for (const { id, board, column } of cards) await putCard(at.db.sql, id, `${board}.${column}`)

  await fc.assert(
    fc.asyncProperty(fc.array(anAttempt, { maxLength: 40 }), async (given) => {
      const rows = given.map(({ card, agent, status, hours, tookHours }) => {
        const startedAt = status === 'queued' ? null : ago(hours * HOUR)
        const over = status === 'stopped' || status === 'succeeded' || status === 'failed'
        const endedAt = over ? ago(Math.max(0, hours - tookHours) * HOUR) : null
        return { card: cards[card]!, agent, status, startedAt, endedAt, createdAt: ago((hours + 1) * HOUR) }
      })
      await at.db.sql.run('DELETE FROM attempts')
      for (const row of rows) await at.attempt({ ...row, card: row.card.id })
      const seen = await at.look()

      const total = (series: ReadonlyArray<{ value: number }>) => series.reduce((sum, { value }) => sum + value, 0)
      const endedAs = (status: AttemptStatus) => rows.filter((row) => row.status === status && within(row.endedAt))
      const { series } = seen.metrics
      expect(total(series.attemptsStarted)).toBe(rows.filter((row) => within(row.startedAt)).length)
      expect(total(series.attemptsSucceeded)).toBe(endedAs('succeeded').length)
      expect(total(series.attemptsFailed)).toBe(endedAs('failed').length)

      const active = boards.filter((board) =>
        rows.some((row) => row.card.board === board && (within(row.startedAt) || within(row.endedAt))),
      )
      expect(seen.metrics.projectsWithActivity).toBe(active.length)
      expect(seen.projectSnapshots.map(({ attemptsInRange }) => attemptsInRange)).toEqual(
        boards.map((board) => rows.filter((row) => row.card.board === board && within(row.createdAt)).length),
      )

      const inRange = rows.filter((row) => row.endedAt === null || within(row.startedAt) || within(row.endedAt))
      expect(seen.agentStats.map(({ agentId }) => agentId)).toEqual(
        [...new Set(inRange.map(({ agent }) => agent))].sort(),
      )
      for (const stats of seen.agentStats) {
        const own = (list: typeof rows) => list.filter((row) => row.agent === stats.agentId).length
        expect([stats.attemptsStarted, stats.attemptsSucceeded, stats.attemptsFailed]).toEqual([
          own(rows.filter((row) => within(row.startedAt))),
          own(endedAs('succeeded')),
          own(endedAs('failed')),
        ])
      }

      const newest = cards.flatMap((card) => rows.findLast((row) => row.card === card && card.column !== '2') ?? [])
      expect(seen.inboxItems.review.map(({ cardId }) => cardId).sort()).toEqual(
        newest.flatMap((row) => (row.status === 'succeeded' ? row.card.id : [])),
      )
      expect(seen.inboxItems.failed.map(({ cardId }) => cardId).sort()).toEqual(
        newest.flatMap((row) => (row.status === 'failed' || row.status === 'stopped' ? row.card.id : [])),
      )
    }),
    { numRuns: 60 },
  )
})
