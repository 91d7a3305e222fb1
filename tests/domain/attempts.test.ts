import { describe, expect, it } from 'vitest'
import { attempt as attemptSchema } from '../../shared/src/types/kanban.ts'
import {
  createAttempt,
  getAttempt,
  newestAttemptStatuses,
  stopAttempt,
  updateAttempt,
} from '../../src/domain/attempts.ts'
import { attemptThatIs, setUpWorld, T0, typesOf } from './attempts-fixture.ts'

const world = setUpWorld()

describe('creating an attempt', () => {
  it('[A1] creates a queued attempt, emits an event, and leaves the card where it is', async () => {
    const attempt = await world.act((tx) => createAttempt(tx, 'a', { agent: 'claude-1', baseBranch: 'main' }))
    expect(attemptSchema.parse(attempt)).toEqual({
      id: expect.stringMatching(/^att_[0-9a-f-]{36}$/),
      boardId: 'demo',
      cardId: 'a',
      agent: 'claude-1',
      profileId: null,
      status: 'queued',
      baseBranch: 'main',
      branchName: null,
      worktreePath: null,
      sessionId: null,
      pr: null,
      exitCode: null,
      error: null,
      startedAt: null,
      endedAt: null,
      createdAt: T0,
      updatedAt: T0,
    })
    expect(await getAttempt(world.sql, attempt.id)).toEqual(attempt)
    expect(await world.news()).toEqual([
      {
        type: 'attempt.queued',
        payload: {
          boardId: 'demo',
          attemptId: attempt.id,
          cardId: 'a',
          agent: 'claude-1',
          status: 'queued',
          previousStatus: null,
          endedAt: null,
          exitCode: null,
          error: null,
        },
      },
    ])
    expect(await world.columnOf('a')).toBe('backlog')
  })

  it('[A2] created as running: emits queued, changed and started, and moves the card to the end of in_progress', async () => {
    const attempt = await world.act((tx) => createAttempt(tx, 'a', { agent: 'claude-1', status: 'running' }))
    expect(attempt).toMatchObject({ status: 'running', startedAt: T0, endedAt: null })
    expect(await getAttempt(world.sql, attempt.id)).toEqual(attempt)
    const status = { attemptId: attempt.id, status: 'running', previousStatus: 'queued' }
    expect(await world.news()).toMatchObject([
      { type: 'attempt.queued', payload: { status: 'queued', previousStatus: null } },
      { type: 'attempt.status.changed', payload: status },
      {
        type: 'attempt.started',
        payload: { boardId: 'demo', stage: null, attemptId: attempt.id, cardId: 'a', agent: 'claude-1' },
      },
      {
        type: 'card.moved',
        payload: { cardId: 'a', fromColumnId: 'backlog', toColumnId: 'in_progress', toIndex: 1 },
      },
    ])
    expect(await world.inColumn('in_progress')).toEqual(['d', 'a'])
  })

  it('[A2] leaves the card where it is on a board without an in_progress column', async () => {
    await world.act((tx) => createAttempt(tx, 'x', { agent: 'claude-1', status: 'running' }))
    expect(typesOf(await world.news())).toEqual(['attempt.queued', 'attempt.status.changed', 'attempt.started'])
    expect(await world.columnOf('x')).toBe('one')
  })

  it.each(['queued', 'running'] as const)('[A3] refuses a %s attempt on a card in a done column', async (status) => {
    const problem = await world.refused((tx) => createAttempt(tx, 'f', { agent: 'claude-1', status }))
    expect(problem.code).toBe('card_done')
  })

  it.each(['queued', 'running'] as const)('[A4] refuses a %s attempt on a blocked card', async (status) => {
    const problem = await world.refused((tx) => createAttempt(tx, 'c', { agent: 'claude-1', status }))
    expect(problem.code).toBe('blocked_by_dependencies')
    await world.move('b', 'done')
    expect((await world.attempt('c', { status })).status).toBe(status)
  })

  it.each(['queued', 'running', 'stopping'] as const)(
    '[A5] refuses a second attempt while one is %s',
    async (status) => {
      const { id } = await attemptThatIs(world, status)
      const problem = await world.refused((tx) => createAttempt(tx, 'a', { agent: 'codex' }))
      expect(problem.code).toBe('conflict')
      expect(problem.message).toContain(id)
    },
  )

  it.each(['stopped', 'succeeded', 'failed'] as const)(
    '[A5] allows another attempt after one that is %s',
    async (status) => {
      const before = await attemptThatIs(world, status)
      const attempt = await world.attempt('a', { agent: 'codex' })
      expect(attempt.id).not.toBe(before.id)
      expect(await newestAttemptStatuses(world.sql, 'demo')).toMatchObject([{ attemptId: attempt.id, agent: 'codex' }])
    },
  )

  it('[A6] accepts a profile of every board or of its own, and refuses any other', async () => {
    for (const [id, board] of [
      ['pro_all', null],
      ['pro_demo', 'demo'],
      ['pro_bare', 'bare'],
    ] as const) {
      await world.sql.run(
        "INSERT INTO agent_profiles (id, agent, name, config, board_id, created_at) VALUES (?, 'claude-1', 'p', '{}', ?, ?)",
        [id, board, T0],
      )
    }
    for (const profileId of ['pro_none', 'pro_bare']) {
      const problem = await world.refused((tx) => createAttempt(tx, 'a', { agent: 'claude-1', profileId }))
      expect(problem).toMatchObject({ code: 'validation_failed', errors: [{ path: 'profileId' }] })
    }
    expect((await world.attempt('a', { profileId: 'pro_all' })).profileId).toBe('pro_all')
    expect((await world.attempt('b', { profileId: 'pro_demo' })).profileId).toBe('pro_demo')
  })

  it('[A7] does not find an unknown card or attempt', async () => {
    expect((await world.refused((tx) => createAttempt(tx, 'no', { agent: 'claude-1' }))).code).toBe('card_not_found')
    expect((await world.refused((tx) => updateAttempt(tx, 'no', { status: 'running' }))).code).toBe('attempt_not_found')
    expect((await world.refused((tx) => stopAttempt(tx, 'no'))).code).toBe('attempt_not_found')
  })
})
