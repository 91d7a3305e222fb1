import { describe, expect, it, vi } from 'vitest'
import { recordPullRequest, recordSession } from '../../src/domain/attempt-links.ts'
import { getAttempt } from '../../src/domain/attempts.ts'
import { setUpWorld, T1, typesOf } from './attempts-fixture.ts'

const world = setUpWorld()

describe('the links of an attempt', () => {
  const about = { boardId: 'demo', cardId: 'a', agentId: 'claude-1' }

  it('[A16] records the session and the work tree', async () => {
    const { id } = await world.attempt('a')
    vi.setSystemTime(T1)
    const attempt = await world.act((tx) => recordSession(tx, id, { sessionId: 's-1', worktreePath: '/w' }))
    expect(attempt).toMatchObject({ sessionId: 's-1', worktreePath: '/w', updatedAt: T1 })
    await world.act((tx) => recordSession(tx, id, { sessionId: 's-1' }))
    expect(await world.news()).toEqual([
      {
        type: 'attempt.session.recorded',
        payload: { ...about, attemptId: id, sessionId: 's-1', worktreePath: '/w' },
      },
    ])
    await world.act((tx) => recordSession(tx, id, { sessionId: 's-2' }))
    expect(await world.news()).toEqual([
      { type: 'attempt.session.recorded', payload: { ...about, attemptId: id, sessionId: 's-2' } },
    ])
    expect(await getAttempt(world.sql, id)).toMatchObject({ sessionId: 's-2', worktreePath: '/w' })
    expect((await world.refused((tx) => recordSession(tx, 'no', { sessionId: 's' }))).code).toBe('attempt_not_found')
  })

  const pr = { number: 7, url: 'https://example.com/pull/7', state: 'open', draft: false } as const

  it('[A17] records the pull request, then its URL on the card', async () => {
    const { id } = await world.attempt('a')
    vi.setSystemTime(T1)
    expect(await world.act((tx) => recordPullRequest(tx, id, pr))).toMatchObject({ pr, updatedAt: T1 })
    expect(await world.news()).toMatchObject([
      { type: 'github.pr.created', payload: { boardId: 'demo', agentId: 'claude-1', attemptId: id, cardId: 'a', pr } },
      { type: 'card.updated', payload: { cardId: 'a', changes: { prUrl: pr.url } } },
    ])
    expect(await getAttempt(world.sql, id)).toMatchObject({ pr })
    expect(await world.sql.get('SELECT pr_url FROM cards WHERE id = ?', ['a'])).toEqual({ pr_url: pr.url })
  })

  it('[A17] emits an event for a record that replaces another, and none for the same record', async () => {
    const { id } = await world.attempt('a')
    await world.act((tx) => recordPullRequest(tx, id, pr))
    await world.news()
    await world.act((tx) => recordPullRequest(tx, id, pr))
    expect(await world.news()).toEqual([])
    await world.act((tx) => recordPullRequest(tx, id, { ...pr, state: 'closed', merged: true }))
    expect(typesOf(await world.news())).toEqual(['github.pr.created'])
    expect((await world.refused((tx) => recordPullRequest(tx, 'no', pr))).code).toBe('attempt_not_found')
  })
})
