import { describe, expect, it, vi } from 'vitest'
import { type AttemptStatus, attemptStatus } from '../../shared/src/types/kanban.ts'
import { recordSession } from '../../src/domain/attempt-links.ts'
import {
  getAttempt,
  newestAttemptStatuses,
  settleInterrupted,
  stopAttempt,
  updateAttempt,
} from '../../src/domain/attempts.ts'
import { attemptThatIs, setUpWorld, T0, T1, typesOf } from './attempts-fixture.ts'

const world = setUpWorld()

describe('the status of an attempt', () => {
  const allowed: Record<AttemptStatus, readonly AttemptStatus[]> = {
    queued: ['running', 'stopped', 'failed'],
    running: ['stopping', 'succeeded', 'failed'],
    stopping: ['stopped', 'succeeded', 'failed'],
    stopped: [],
    succeeded: [],
    failed: [],
  }
  const pairs = attemptStatus.options.flatMap((from) => attemptStatus.options.map((to) => [from, to] as const))

  it.each(pairs.filter(([from, to]) => allowed[from].includes(to)))('[A8] goes from %s to %s', async (from, to) => {
    const { id } = await attemptThatIs(world, from)
    vi.setSystemTime(T1)
    const attempt = await world.act((tx) => updateAttempt(tx, id, { status: to }))
    const endedAt = ['stopped', 'succeeded', 'failed'].includes(to) ? T1 : null
    expect(attempt).toMatchObject({ status: to, endedAt, startedAt: to === 'running' ? T1 : null, updatedAt: T1 })
    expect(await getAttempt(world.sql, id)).toEqual(attempt)
    expect((await world.news())[0]).toMatchObject({
      type: 'attempt.status.changed',
      payload: { attemptId: id, status: to, previousStatus: from, endedAt },
    })
  })

  it.each(pairs.filter(([from, to]) => !allowed[from].includes(to)))(
    '[A8] refuses to go from %s to %s',
    async (from, to) => {
      const { id } = await attemptThatIs(world, from)
      const problem = await world.refused((tx) => updateAttempt(tx, id, { status: to, exitCode: 3 }))
      expect(problem.code).toBe('invalid_transition')
      expect(problem.message).toContain(`from ${from} to ${to}`)
      for (const next of allowed[from]) expect(problem.message).toContain(next)
    },
  )

  it('[A9] starts a queued attempt with everything that a start includes', async () => {
    const { id } = await world.attempt('a')
    await world.act((tx) => updateAttempt(tx, id, { status: 'running' }))
    expect(typesOf(await world.news())).toEqual(['attempt.status.changed', 'attempt.started', 'card.moved'])
    expect(await world.inColumn('in_progress')).toEqual(['d', 'a'])
  })

  it('[A9] checks again before the start whether the card is done or blocked', async () => {
    const { id } = await world.attempt('a')
    await world.move('a', 'done')
    const start = (attemptId: string) => world.refused((tx) => updateAttempt(tx, attemptId, { status: 'running' }))
    expect((await start(id)).code).toBe('card_done')
    await world.move('a', 'backlog')
    await world.sql.run("INSERT INTO card_dependencies (card_id, depends_on, position) VALUES ('a', 'd', 0)")
    expect((await start(id)).code).toBe('blocked_by_dependencies')
  })

  it('[A10] moves the card to the end of review on success', async () => {
    const { id } = await world.attempt('a', { status: 'running' })
    await world.act((tx) => updateAttempt(tx, id, { status: 'succeeded' }))
    const told = await world.news()
    expect(typesOf(told)).toEqual(['attempt.status.changed', 'card.moved'])
    expect(told[1]).toMatchObject({
      payload: { cardId: 'a', fromColumnId: 'in_progress', toColumnId: 'review', toIndex: 1 },
    })
    expect(await world.inColumn('review')).toEqual(['e', 'a'])
  })

  it('[A10] leaves the card where it is on a board without a review column', async () => {
    const { id } = await world.attempt('x', { status: 'running' })
    await world.act((tx) => updateAttempt(tx, id, { status: 'succeeded' }))
    expect(typesOf(await world.news())).toEqual(['attempt.status.changed'])
    expect(await world.columnOf('x')).toBe('one')
  })

  it('[A10] leaves a card in its done column on success', async () => {
    const { id } = await world.attempt('a', { status: 'running' })
    await world.move('a', 'done')
    await world.act((tx) => updateAttempt(tx, id, { status: 'succeeded' }))
    expect(typesOf(await world.news())).toEqual(['attempt.status.changed'])
    expect(await world.columnOf('a')).toBe('done')
  })

  it.each(['failed', 'stopping'] as const)(
    '[A10] leaves the card in progress when its attempt is %s',
    async (status) => {
      const { id } = await world.attempt('a', { status: 'running' })
      await world.act((tx) => updateAttempt(tx, id, { status }))
      expect(typesOf(await world.news())).toEqual(['attempt.status.changed'])
      expect(await world.columnOf('a')).toBe('in_progress')
    },
  )

  it('[A11] carries the exit code and the error that came with the status or before it', async () => {
    const { id } = await world.attempt('a', { status: 'running' })
    await world.act((tx) => updateAttempt(tx, id, { error: 'a test\u0000failed' }))
    expect(await world.news()).toEqual([])
    await world.act((tx) => updateAttempt(tx, id, { status: 'failed', exitCode: 137 }))
    const ended = { status: 'failed', exitCode: 137, error: 'a test\u0000failed' }
    expect(await world.news()).toMatchObject([{ payload: ended }])
    expect(await getAttempt(world.sql, id)).toMatchObject(ended)
  })

  it('[A12] updates updatedAt with every change and emits nothing for one without a status', async () => {
    const { id } = await world.attempt('a')
    vi.setSystemTime(T1)
    const fields = { exitCode: 0, error: 'none', worktreePath: '/w', branchName: 'fix' }
    expect(await world.act((tx) => updateAttempt(tx, id, fields))).toMatchObject({ ...fields, updatedAt: T1 })
    const cleared = await world.act((tx) => updateAttempt(tx, id, { exitCode: null, error: null }))
    expect(cleared).toMatchObject({ exitCode: null, error: null, worktreePath: '/w', branchName: 'fix' })
    expect(await getAttempt(world.sql, id)).toEqual(cleared)
    expect(await world.news()).toEqual([])
  })

  it('[A12] changes nothing when nothing differs', async () => {
    const { id } = await world.attempt('a', { branchName: 'fix' })
    vi.setSystemTime(T1)
    for (const changes of [{}, { branchName: 'fix', error: null }]) {
      expect((await world.act((tx) => updateAttempt(tx, id, changes))).updatedAt).toBe(T0)
    }
    expect(await getAttempt(world.sql, id)).toMatchObject({ updatedAt: T0 })
  })

  it('[A13] asks a running attempt to stop and stops a queued one', async () => {
    const queued = await world.attempt('a')
    const running = await world.attempt('b', { status: 'running' })
    expect(await world.act((tx) => stopAttempt(tx, queued.id))).toMatchObject({ status: 'stopped', endedAt: T0 })
    expect(await world.act((tx) => stopAttempt(tx, running.id))).toMatchObject({ status: 'stopping', endedAt: null })
    const statuses = (await world.news()).map(({ payload }) => [payload.previousStatus, payload.status])
    expect(statuses).toEqual([
      ['queued', 'stopped'],
      ['running', 'stopping'],
    ])
    for (const { id } of [queued, running]) {
      expect((await world.refused((tx) => stopAttempt(tx, id))).code).toBe('invalid_transition')
    }
  })

  it('[A14] fails the attempts that a crash left active, with an event for each', async () => {
    const queued = await world.attempt('a')
    const running = await world.attempt('b', { status: 'running' })
    const stopping = await world.attempt('d', { status: 'running' })
    await world.act((tx) => stopAttempt(tx, stopping.id))
    const ended = await world.attempt('e', { status: 'running' })
    await world.act((tx) => updateAttempt(tx, ended.id, { status: 'succeeded' }))
    await world.news()
    vi.setSystemTime(T1)
    expect(await world.act(settleInterrupted)).toBe(3)
    const told = await world.news()
    expect(typesOf(told)).toEqual(Array(3).fill('attempt.status.changed'))
    for (const [attempt, previousStatus] of [
      [queued, 'queued'],
      [running, 'running'],
      [stopping, 'stopping'],
    ] as const) {
      const settled = { status: 'failed', error: 'interrupted', endedAt: T1 }
      expect(told).toContainEqual(
        expect.objectContaining({
          payload: expect.objectContaining({ attemptId: attempt.id, previousStatus, ...settled }),
        }),
      )
      expect(await getAttempt(world.sql, attempt.id)).toMatchObject(settled)
    }
    expect(await getAttempt(world.sql, ended.id)).toMatchObject({ status: 'succeeded', updatedAt: T0 })
    expect(await world.act(settleInterrupted)).toBe(0)
  })

  it('[A15] replays the newest attempt of every card of a board, newest first', async () => {
    const first = await world.attempt('a')
    await world.act((tx) => updateAttempt(tx, first.id, { status: 'failed' }))
    const onB = await world.attempt('b', { status: 'running' })
    await world.act((tx) => updateAttempt(tx, onB.id, { status: 'failed', exitCode: 2, error: 'no' }))
    const onA = await world.attempt('a', { agent: 'codex' })
    await world.attempt('x')
    expect(await newestAttemptStatuses(world.sql, 'demo')).toEqual([
      {
        attemptId: onA.id,
        cardId: 'a',
        agent: 'codex',
        status: 'queued',
        previousStatus: null,
        endedAt: null,
        exitCode: null,
        error: null,
        replayed: true,
      },
      {
        attemptId: onB.id,
        cardId: 'b',
        agent: 'claude-1',
        status: 'failed',
        previousStatus: 'running',
        endedAt: T0,
        exitCode: 2,
        error: 'no',
        replayed: true,
      },
    ])
    expect(await newestAttemptStatuses(world.sql, 'none')).toEqual([])
  })

  it('[A15] keeps the previous status through changes of other fields', async () => {
    const { id } = await world.attempt('a', { status: 'running' })
    await world.act((tx) => updateAttempt(tx, id, { branchName: 'fix' }))
    await world.act((tx) => recordSession(tx, id, { sessionId: 's' }))
    expect(await newestAttemptStatuses(world.sql, 'demo')).toMatchObject([
      { status: 'running', previousStatus: 'queued' },
    ])
  })
})
