import { beforeEach, describe, expect, test } from 'vitest'
import type { DashboardRange } from '../../shared/src/types/dashboard.ts'
import type { Sql } from '../../src/db/sql.ts'
import { registerAgent } from '../../src/domain/agents.ts'
import { ago, DAY, HOUR, MINUTE, setUpDashboard } from './dashboard-fixture.ts'
import { putBoard, putCard } from './rows.ts'

const at = setUpDashboard()

describe('an overview', () => {
  test('[H1] of an empty database has every field, all zero', async () => {
    const seen = await at.look()
    expect(seen.generatedAt).toBe('2026-03-01T12:00:00.000Z')
    expect(seen.metrics).toMatchObject({
      activeAttempts: 0,
      attemptsInRange: 0,
      successRateInRange: null,
      reviewItemsCount: 0,
      projectsWithActivity: 0,
      openCards: 0,
    })
    expect(seen.inboxItems).toEqual({ review: [], failed: [], stuck: [], totals: { review: 0, failed: 0, stuck: 0 } })
    expect([seen.activeAttempts, seen.recentAttemptActivity, seen.projectSnapshots, seen.agentStats]).toEqual([
      [],
      [],
      [],
      [],
    ])
  })

  test('[H2] covers the last seven days by default', async () => {
    expect((await at.look()).timeRange).toEqual({ preset: 'last_7d', from: ago(7 * DAY), to: ago(0) })
    const days = { last_24h: 1, last_7d: 7, last_30d: 30, last_90d: 90 } as const
    for (const [preset, count] of Object.entries(days)) {
      expect((await at.look(preset as DashboardRange)).timeRange).toEqual({
        preset,
        from: ago(count * DAY),
        to: ago(0),
      })
    }
  })

  test('[H2] of all time begins with the first board, or now without boards', async () => {
    expect((await at.look('all_time')).timeRange).toEqual({ preset: 'all_time', from: ago(0), to: ago(0) })
    await putBoard(at.db.sql, 'young', { createdAt: ago(DAY) })
    await putBoard(at.db.sql, 'demo', { createdAt: ago(400 * DAY) })
    expect((await at.look('all_time')).timeRange.from).toBe(ago(400 * DAY))
    await at.ended('succeeded', 399 * DAY)
    expect((await at.look('all_time')).metrics.attemptsInRange).toBe(1)
    expect((await at.look('last_90d')).metrics.attemptsInRange).toBe(0)
  })

  test('[H3] runs the same number of queries however much data there is', async () => {
    let queries = 0
    const counting: Sql = {
      ...at.db.sql,
      get: (query, params) => {
        queries += 1
        return at.db.sql.get(query, params)
      },
      all: (query, params) => {
        queries += 1
        return at.db.sql.all(query, params)
      },
      values: (query, params) => {
        queries += 1
        return at.db.sql.values(query, params)
      },
    }
    await at.look('last_7d', counting)
    const empty = queries
    queries = 0
    for (const id of ['demo', 'two', 'three']) await putBoard(at.db.sql, id)
    for (let i = 0; i < 30; i++) await at.ended(i % 2 ? 'failed' : 'succeeded', i * HOUR, { agent: `agent-${i}` })
    await at.look('last_7d', counting)
    expect(queries).toBe(empty)
  })
})

describe('metrics', () => {
  beforeEach(() => putBoard(at.db.sql, 'demo'))

  test('[H4] a series has 24 equal buckets; an attempt counts in those where it started and ended', async () => {
    const bucket = (7 * DAY) / 24
    const start = 7 * DAY
    // Exactly at the beginning of the range, at the edge of two buckets, and now.
    await at.attempt({
      status: 'succeeded',
      createdAt: ago(start),
      startedAt: ago(start),
      endedAt: ago(start - bucket),
    })
    await at.attempt({ status: 'failed', createdAt: ago(bucket), startedAt: ago(bucket + 1), endedAt: ago(0) })
    await at.attempt({ status: 'stopped', createdAt: ago(bucket), startedAt: ago(bucket), endedAt: ago(1) })
    // Outside the range: too early, and in the future.
    await at.attempt({ status: 'failed', createdAt: ago(8 * DAY), startedAt: ago(8 * DAY), endedAt: ago(start + 1) })
    await at.attempt({ status: 'running', createdAt: ago(0), startedAt: ago(-1) })
    const { series } = (await at.look()).metrics
    const filled = (values: Record<number, number>) =>
      Array.from({ length: 24 }, (_, i) => ({ timestamp: ago(start - i * bucket), value: values[i] ?? 0 }))
    expect(series.attemptsStarted).toEqual(filled({ 0: 1, 22: 1, 23: 1 }))
    expect(series.attemptsSucceeded).toEqual(filled({ 1: 1 }))
    expect(series.attemptsFailed).toEqual(filled({ 23: 1 }))
  })

  test('[H5] the success rate counts succeeded and failed attempts, not stopped ones', async () => {
    await at.ended('stopped', HOUR)
    expect((await at.look()).metrics.successRateInRange).toBeNull()
    await at.ended('succeeded', HOUR)
    await at.ended('succeeded', HOUR)
    await at.ended('failed', HOUR)
    await at.ended('failed', 8 * DAY)
    const { metrics, projectSnapshots } = await at.look()
    expect(metrics.successRateInRange).toBe(2 / 3)
    expect(projectSnapshots[0]?.failureRateInRange).toBe(1 / 3)
    expect(metrics.attemptsInRange).toBe(4)
  })

  test('[H6] counts cards outside the done column as open', async () => {
    await putBoard(at.db.sql, 'plain', { columns: ['/Doing', '/done', 'done/Gone'] })
    for (const column of ['demo.0', 'demo.2', 'plain.0', 'plain.1', 'plain.2']) await putCard(at.db.sql, column, column)
    await putCard(at.db.sql, 'one more', 'plain.1')
    const { metrics, projectSnapshots } = await at.look()
    expect(metrics.openCards).toBe(4)
    expect(projectSnapshots.map(({ boardId, openCards }) => [boardId, openCards])).toEqual([
      ['demo', 1],
      ['plain', 3],
    ])
  })

  test('[H7] a project with activity is a board where an attempt started or ended in the range', async () => {
    for (const id of ['queued', 'started', 'ended', 'old', 'stopped']) {
      await putBoard(at.db.sql, id)
      await putCard(at.db.sql, `card-${id}`, `${id}.0`)
    }
    const long = { createdAt: ago(9 * DAY), startedAt: ago(8 * DAY) }
    await at.attempt({ card: 'card-queued', status: 'queued', createdAt: ago(HOUR) })
    await at.attempt({ card: 'card-started', status: 'running', createdAt: ago(8 * DAY), startedAt: ago(HOUR) })
    await at.attempt({ card: 'card-ended', status: 'failed', ...long, endedAt: ago(HOUR) })
    await at.attempt({ card: 'card-stopped', status: 'stopped', createdAt: ago(2 * HOUR), endedAt: ago(HOUR) })
    await at.attempt({ card: 'card-old', status: 'running', ...long })
    expect((await at.look()).metrics.projectsWithActivity).toBe(3)
    expect((await at.look('last_30d')).metrics.projectsWithActivity).toBe(4)
  })
})

describe('projects and agents', () => {
  test('[H14] has a snapshot of every board, oldest first', async () => {
    await putBoard(at.db.sql, 'bare', { columns: [], createdAt: ago(2 * DAY) })
    await putBoard(at.db.sql, 'demo', { columns: ['backlog', 'done', '/Later', '/Later'], createdAt: ago(DAY) })
    for (const column of ['demo.0', 'demo.1', 'demo.2', 'demo.3']) await putCard(at.db.sql, `in-${column}`, column)
    await at.ended('failed', HOUR, { card: 'in-demo.0' })
    await at.ended('succeeded', 8 * DAY, { card: 'in-demo.1' })
    await at.attempt({ card: 'in-demo.0', status: 'queued', createdAt: ago(MINUTE) })
    expect((await at.look()).projectSnapshots).toEqual([
      {
        boardId: 'bare',
        name: 'Board bare',
        totalCards: 0,
        openCards: 0,
        columnCardCounts: {},
        activeAttempts: 0,
        attemptsInRange: 0,
        failureRateInRange: null,
      },
      {
        boardId: 'demo',
        name: 'Board demo',
        totalCards: 4,
        openCards: 3,
        columnCardCounts: { backlog: 1, done: 1, Later: 2 },
        activeAttempts: 1,
        attemptsInRange: 2,
        failureRateInRange: 1,
      },
    ])
  })

  test('[H15] has every agent that is registered, has attempts in the range, or has an active one', async () => {
    await putBoard(at.db.sql, 'demo')
    await at.db.do((tx) => registerAgent(tx, { id: 'idle', label: 'Idle' }))
    await at.db.sql.run('UPDATE agents SET last_seen_at = ?', [ago(HOUR)])
    await at.ended('succeeded', 8 * DAY, { agent: 'gone' })
    await at.ended('succeeded', HOUR, { agent: 'busy' })
    await at.ended('failed', 2 * HOUR, { agent: 'busy' })
    await at.ended('stopped', 3 * HOUR, { agent: 'busy' })
    await at.attempt({ agent: 'busy', status: 'queued', createdAt: ago(MINUTE) })
    await at.attempt({
      agent: 'slow',
      status: 'running',
      createdAt: ago(9 * DAY),
      startedAt: ago(9 * DAY),
      lastLineAt: ago(MINUTE),
    })
    const none = { attemptsStarted: 0, attemptsSucceeded: 0, attemptsFailed: 0, successRate: null }
    expect((await at.look()).agentStats).toEqual([
      {
        agentId: 'busy',
        label: null,
        status: 'online',
        attemptsStarted: 3,
        attemptsSucceeded: 1,
        attemptsFailed: 1,
        successRate: 0.5,
        currentActiveAttempts: 1,
        lastActiveAt: ago(HOUR),
      },
      {
        agentId: 'idle',
        label: 'Idle',
        status: 'offline',
        ...none,
        currentActiveAttempts: 0,
        lastActiveAt: ago(HOUR),
      },
      {
        agentId: 'slow',
        label: null,
        status: 'working',
        ...none,
        currentActiveAttempts: 1,
        lastActiveAt: ago(MINUTE),
      },
    ])
    expect((await at.look('last_30d')).agentStats.map(({ agentId }) => agentId)).toEqual([
      'busy',
      'gone',
      'idle',
      'slow',
    ])
  })
})
