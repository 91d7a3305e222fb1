import { describe, expect, it } from 'vitest'
import {
  reportCommit,
  reportFileChanges,
  reportGitOperation,
  reportGitStatus,
  reportPush,
} from '../../src/domain/git.ts'
import { setUpWorld, T0, T1 } from './attempts-fixture.ts'

const world = setUpWorld()
const summary = { added: 1, modified: 2, deleted: 3, untracked: 4, staged: 5 }
const status = { branch: 'fix', ahead: 1, behind: 0, hasUncommitted: true, summary }
const commit = { shortSha: '3f2a9bc', subject: 'Fix it' }
const push = { remote: 'origin', branch: 'fix' }

describe('git', () => {
  it('[G1] emits the status of a work tree, with the attempt only when there is one', async () => {
    await world.act((tx) => reportGitStatus(tx, 'demo', status))
    expect(await world.news()).toEqual([{ type: 'git.status.changed', payload: { boardId: 'demo', ...status } }])
    const { id } = await world.attempt('a')
    const files = ['src/a.ts', { path: 'src/b.ts', state: 'M' }]
    await world.act((tx) => reportGitStatus(tx, 'demo', { ...status, attemptId: id, files }))
    expect(await world.news()).toEqual([
      { type: 'git.status.changed', payload: { boardId: 'demo', cardId: 'a', attemptId: id, ...status, files } },
    ])
  })

  it('[G2] emits a commit, by default with the present time', async () => {
    const shown = await world.act((tx) => reportCommit(tx, 'demo', commit))
    expect(shown).toEqual({ attemptId: null, ...commit, author: undefined, ts: T0 })
    expect(await world.news()).toEqual([
      { type: 'git.commit.created', payload: { boardId: 'demo', attemptId: null, ...commit, ts: T0 } },
    ])
    const { id } = await world.attempt('a')
    await world.act((tx) => reportCommit(tx, 'demo', { ...commit, attemptId: id, author: 'claude-1', ts: T1 }))
    expect(await world.news()).toEqual([
      {
        type: 'git.commit.created',
        payload: { boardId: 'demo', cardId: 'a', attemptId: id, ...commit, author: 'claude-1', ts: T1 },
      },
    ])
  })

  it('[G3] emits a push as completed, or as failed with its error', async () => {
    expect(await world.act((tx) => reportPush(tx, 'demo', push))).toEqual({ attemptId: null, ...push, ts: T0 })
    await world.act((tx) => reportPush(tx, 'demo', { ...push, ok: true, error: null }))
    await world.act((tx) => reportPush(tx, 'demo', { ...push, ok: false, error: 'rejected' }))
    const failed = await world.act((tx) => reportPush(tx, 'demo', { ...push, ok: false }))
    expect(failed).toEqual({ attemptId: null, ...push, ts: T0, error: 'push failed' })
    const told = { boardId: 'demo', attemptId: null, ...push, ts: T0 }
    expect(await world.news()).toEqual([
      { type: 'git.push.completed', payload: told },
      { type: 'git.push.completed', payload: told },
      { type: 'git.push.failed', payload: { ...told, error: 'rejected' } },
      { type: 'git.push.failed', payload: { ...told, error: 'push failed' } },
    ])
  })

  it('[G3] refuses an error without ok: false', async () => {
    for (const given of [{ error: 'rejected' }, { ok: true, error: 'rejected' }]) {
      const problem = await world.refused((tx) => reportPush(tx, 'demo', { ...push, ...given }))
      expect(problem).toMatchObject({ code: 'validation_failed', errors: [{ path: 'error' }] })
    }
  })

  it('[G4] emits another operation, with null for missing details', async () => {
    const shown = await world.act((tx) => reportGitOperation(tx, 'demo', { operation: 'rebase', ok: false }))
    expect(shown).toEqual({ operation: 'rebase', ok: false, details: null })
    await world.act((tx) =>
      reportGitOperation(tx, 'demo', { operation: 'fetch', ok: true, details: { refs: ['main'] } }),
    )
    expect(await world.news()).toEqual([
      { type: 'git.operation.completed', payload: { boardId: 'demo', operation: 'rebase', ok: false, details: null } },
      {
        type: 'git.operation.completed',
        payload: { boardId: 'demo', operation: 'fetch', ok: true, details: { refs: ['main'] } },
      },
    ])
  })

  it('[G5] emits one event per changed file, in order', async () => {
    const changes = [
      { path: 'a', kind: 'created' },
      { path: 'b', kind: 'renamed', oldPath: 'c' },
      { path: 'd', kind: 'renamed' },
      { path: 'e', kind: 'deleted' },
    ] as const
    expect(await world.act((tx) => reportFileChanges(tx, 'demo', changes))).toBe(4)
    const told = changes.map((change) => ({ type: 'file.changed', payload: { boardId: 'demo', ...change } }))
    expect(await world.news()).toEqual(told)
  })

  it('[G5] refuses the whole list when a file that was not renamed has an oldPath', async () => {
    const changes = [
      { path: 'a', kind: 'created' },
      { path: 'b', kind: 'modified', oldPath: 'c' },
    ] as const
    const problem = await world.refused((tx) => reportFileChanges(tx, 'demo', changes))
    expect(problem).toMatchObject({ code: 'validation_failed', errors: [{ path: 'changes.1.oldPath' }] })
  })

  it('[G6] refuses an attempt that is unknown or of another board', async () => {
    const elsewhere = await world.attempt('x')
    for (const attemptId of ['no', elsewhere.id]) {
      const refusals = [
        await world.refused((tx) => reportGitStatus(tx, 'demo', { ...status, attemptId })),
        await world.refused((tx) => reportCommit(tx, 'demo', { ...commit, attemptId })),
        await world.refused((tx) => reportPush(tx, 'demo', { ...push, attemptId })),
      ]
      for (const problem of refusals) {
        expect(problem).toMatchObject({ code: 'validation_failed', errors: [{ path: 'attemptId' }] })
      }
    }
  })

  it('[G7] does not find an unknown board', async () => {
    const refusals = [
      await world.refused((tx) => reportGitStatus(tx, 'no', status)),
      await world.refused((tx) => reportCommit(tx, 'no', commit)),
      await world.refused((tx) => reportPush(tx, 'no', push)),
      await world.refused((tx) => reportGitOperation(tx, 'no', { operation: 'fetch', ok: true })),
      await world.refused((tx) => reportFileChanges(tx, 'no', [{ path: 'a', kind: 'created' }])),
    ]
    expect(refusals.map(({ code }) => code)).toEqual(Array(5).fill('board_not_found'))
  })
})
