import { beforeEach, describe, expect, test } from 'vitest'
import { ago, DAY, HOUR, MINUTE, setUpDashboard } from './dashboard-fixture.ts'
import { putBoard, putCard } from './rows.ts'

const at = setUpDashboard()

describe('lists of attempts', () => {
  beforeEach(() => putBoard(at.db.sql, 'demo'))

  test('[H8] active ones: running before queued, newest first', async () => {
    await at.attempt({ id: 'waits', status: 'queued', createdAt: ago(90_500) })
    await at.attempt({ id: 'runs', status: 'running', createdAt: ago(3 * HOUR), startedAt: ago(2 * HOUR) })
    await at.attempt({ id: 'stops', status: 'stopping', createdAt: ago(2 * HOUR), startedAt: ago(HOUR) })
    await at.ended('succeeded', 5 * MINUTE)
    const { activeAttempts, metrics } = await at.look('last_24h')
    expect(activeAttempts.map(({ attemptId }) => attemptId)).toEqual(['stops', 'runs', 'waits'])
    expect(metrics.activeAttempts).toBe(3)
    expect(activeAttempts[1]).toEqual({
      attemptId: 'runs',
      cardId: 'card-of-runs',
      cardTitle: 'Title of card-of-runs',
      ticketKey: 'T-card-of-runs',
      boardId: 'demo',
      boardName: 'Board demo',
      agentId: 'claude-1',
      status: 'running',
      startedAt: ago(2 * HOUR),
      updatedAt: ago(2 * HOUR),
      elapsedSeconds: 7200,
    })
    expect(activeAttempts[2]).toMatchObject({ startedAt: null, elapsedSeconds: 90 })
  })

  test('[H9] recent activity: by the last change, with how long it took and the first line of the error', async () => {
    const error = `\n  TypeError: ${'x'.repeat(300)}\n    at main`
    await at.attempt({ id: 'first', status: 'running', createdAt: ago(HOUR), startedAt: ago(HOUR) })
    await at.ended('failed', 30 * MINUTE, { id: 'second', startedAt: ago(40 * MINUTE), error })
    await at.attempt({ id: 'third', status: 'stopped', createdAt: ago(HOUR), endedAt: ago(20 * MINUTE) })
    await at.ended('succeeded', 50 * DAY, { id: 'touched', updatedAt: ago(MINUTE) })
    const { recentAttemptActivity } = await at.look()
    expect(recentAttemptActivity.map(({ attemptId }) => attemptId)).toEqual(['touched', 'third', 'second', 'first'])
    expect(recentAttemptActivity[0]?.occurredAt).toBe(ago(MINUTE))
    expect(recentAttemptActivity[1]).toMatchObject({ durationSeconds: null, errorSummary: null })
    expect(recentAttemptActivity[2]).toMatchObject({
      status: 'failed',
      occurredAt: ago(30 * MINUTE),
      durationSeconds: 600,
      errorSummary: `TypeError: ${'x'.repeat(189)}`,
    })
    expect(recentAttemptActivity[3]?.durationSeconds).toBeNull()
  })

  test('[H9] the first line of an error is found behind much blank space, and may hold NUL', async () => {
    await at.ended('failed', MINUTE, { id: 'only', error: `${' \n'.repeat(2_000)}out of\0memory\nat main` })
    const { recentAttemptActivity, inboxItems } = await at.look()
    expect(recentAttemptActivity[0]?.errorSummary).toBe('out of\0memory')
    expect(inboxItems.failed[0]?.errorSummary).toBe('out of\0memory')
  })

  test('[H10] holds at most 200 active attempts, 40 changes, 50 of each kind in the inbox, and counts all', async () => {
    await at.db.sql.run('BEGIN')
    await at.attempt({ id: 'runs', status: 'running', createdAt: ago(2 * HOUR), startedAt: ago(MINUTE) })
    for (let i = 204; i >= 0; i--) await at.attempt({ status: 'queued', createdAt: ago(HOUR + i) })
    for (let i = 0; i < 60; i++) await at.ended('succeeded', i * MINUTE)
    for (let i = 0; i < 60; i++) await at.ended(i % 2 ? 'failed' : 'stopped', i * MINUTE)
    await at.db.sql.run('COMMIT')
    const { metrics, activeAttempts, recentAttemptActivity, inboxItems } = await at.look()
    expect([metrics.activeAttempts, activeAttempts.length, recentAttemptActivity.length]).toEqual([206, 200, 40])
    expect(activeAttempts[0]?.attemptId).toBe('runs')
    expect(activeAttempts.at(-1)?.updatedAt).toBe(ago(HOUR + 198))
    expect([inboxItems.review, inboxItems.failed, inboxItems.stuck].map((list) => list.length)).toEqual([50, 50, 50])
    expect(inboxItems.totals).toEqual({ review: 60, failed: 60, stuck: 205 })
    expect(metrics.reviewItemsCount).toBe(60)
    // The most recently ended come first and are kept.
    expect(inboxItems.review.map(({ occurredAt }) => occurredAt)).toEqual(
      Array.from({ length: 50 }, (_, i) => ago(i * MINUTE)),
    )
    expect(inboxItems.failed.map(({ occurredAt }) => occurredAt)).toEqual(
      Array.from({ length: 50 }, (_, i) => ago(i * MINUTE)),
    )
  })
})

describe('the inbox', () => {
  beforeEach(async () => {
    await putBoard(at.db.sql, 'demo')
    for (const [card, column] of Object.entries({ a: 'demo.0', b: 'demo.1', c: 'demo.2' })) {
      await putCard(at.db.sql, card, column)
    }
  })

  test('[H11] lists for review the cards that are not done and whose newest attempt succeeded', async () => {
    await at.ended('failed', 3 * HOUR, { card: 'a' })
    await at.ended('succeeded', 100 * DAY, { id: 'yes', card: 'a' })
    await at.ended('succeeded', 3 * HOUR, { card: 'b' })
    await at.attempt({ card: 'b', status: 'running', createdAt: ago(MINUTE), startedAt: ago(MINUTE) })
    await at.ended('succeeded', 3 * HOUR, { card: 'c' })
    const { inboxItems } = await at.look()
    expect(inboxItems.review).toEqual([
      {
        attemptId: 'yes',
        cardId: 'a',
        cardTitle: 'Title of a',
        ticketKey: 'T-a',
        boardId: 'demo',
        boardName: 'Board demo',
        agentId: 'claude-1',
        status: 'succeeded',
        occurredAt: ago(100 * DAY),
      },
    ])
    expect(inboxItems.totals).toEqual({ review: 1, failed: 0, stuck: 0 })
  })

  test('[H12] lists cards whose newest attempt failed or was stopped, unless the card is done', async () => {
    await at.ended('succeeded', 3 * HOUR, { card: 'a' })
    await at.ended('stopped', 2 * HOUR, { card: 'a' })
    await at.ended('failed', HOUR, { card: 'b', error: 'out of memory\nat x' })
    await at.ended('failed', HOUR, { card: 'c' })
    const { inboxItems } = await at.look()
    expect(inboxItems.failed).toMatchObject([
      { cardId: 'b', status: 'failed', occurredAt: ago(HOUR), errorSummary: 'out of memory' },
      { cardId: 'a', status: 'stopped', occurredAt: ago(2 * HOUR), errorSummary: null },
    ])
    expect(inboxItems.totals).toEqual({ review: 0, failed: 2, stuck: 0 })
  })

  test('[H13] lists as stuck what is queued for over 10 min, or running for over 30 min without a line', async () => {
    const running = (startedAt: string, lastLineAt: string | null, id: string) =>
      at.attempt({ id, status: 'running', createdAt: ago(5 * HOUR), startedAt, lastLineAt })
    await at.attempt({ id: 'waits', status: 'queued', createdAt: ago(10 * MINUTE + 1) })
    await at.attempt({ id: 'waits-a-little', status: 'queued', createdAt: ago(10 * MINUTE) })
    await running(ago(30 * MINUTE + 1), null, 'never-spoke')
    await running(ago(30 * MINUTE), null, 'just-started')
    await running(ago(3 * HOUR), ago(2 * HOUR), 'went-quiet')
    await running(ago(3 * HOUR), ago(30 * MINUTE), 'spoke')
    await running(ago(MINUTE), ago(2 * HOUR), 'spoke-only-while-queued')
    await at.attempt({ id: 'stops', status: 'stopping', createdAt: ago(5 * HOUR), startedAt: ago(5 * HOUR) })
    const { stuck, totals } = (await at.look()).inboxItems
    expect(stuck.map(({ attemptId, occurredAt }) => [attemptId, occurredAt])).toEqual([
      ['went-quiet', ago(2 * HOUR)],
      ['never-spoke', ago(30 * MINUTE + 1)],
      ['waits', ago(10 * MINUTE + 1)],
    ])
    expect(totals.stuck).toBe(3)
  })
})
