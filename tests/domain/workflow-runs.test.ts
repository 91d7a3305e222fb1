import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type RunStatus, runStatus, type WorkflowRun } from '../../shared/src/types/workflows.ts'
import { deleteBoard } from '../../src/domain/boards.ts'
import { createRun, getRun, listRuns, type NewRun, type RunEdit, updateRun } from '../../src/domain/workflow-runs.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'
import { putBoard } from './rows.ts'

const T0 = '2026-01-31T12:00:00.000Z'
const T1 = '2026-01-31T12:00:01.000Z'
let db: BoardStore

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(T0) })
  db = await openBoardStore()
  await putBoard(db.sql, 'demo')
})
afterEach(async () => {
  await db.close()
  vi.useRealTimers()
})

const make = (given: Partial<NewRun> = {}) => db.do((tx) => createRun(tx, { name: 'CI', ...given }))
const update = (id: string, edit: RunEdit) => db.do((tx) => updateRun(tx, id, edit))

const STATUS_EVENTS: Record<RunStatus, string> = {
  pending: 'workflow.run.updated',
  running: 'workflow.run.started',
  paused: 'workflow.run.updated',
  completed: 'workflow.run.completed',
  failed: 'workflow.run.failed',
  cancelled: 'workflow.run.updated',
}
const FINAL: readonly RunStatus[] = ['completed', 'failed', 'cancelled']
const pairs = runStatus.options.flatMap((from) => runStatus.options.map((to) => [from, to] as const))

describe('creating a run', () => {
  test('[WR1] [WR4] is one event', async () => {
    const run = await make({ boardId: 'demo' })
    expect(run).toStrictEqual({
      id: expect.stringMatching(/^run_[0-9a-f-]{36}$/),
      boardId: 'demo',
      name: 'CI',
      status: 'pending',
      currentStep: null,
      error: null,
      startedAt: null,
      completedAt: null,
    })
    expect(await getRun(db.sql, run.id)).toStrictEqual(run)
    expect(await db.said()).toEqual([
      { type: 'workflow.run.created', payload: { boardId: 'demo', runId: run.id, status: 'pending' } },
    ])
  })

  test('[WR4] [WR6] as running emits two: created, and started', async () => {
    const run = await make({ status: 'running' })
    expect(run).toMatchObject({ boardId: null, status: 'running', startedAt: T0, completedAt: null })
    expect(await getRun(db.sql, run.id)).toEqual(run)
    expect(await db.said()).toEqual([
      { type: 'workflow.run.created', payload: { runId: run.id, status: 'pending' } },
      {
        type: 'workflow.run.started',
        payload: { runId: run.id, status: 'running', changes: { status: 'running', startedAt: T0 } },
      },
    ])
  })

  test('[WR1] [WR2] refuses an unknown board, and an unknown id', async () => {
    const { errors } = await db.refused('validation_failed', (tx) => createRun(tx, { name: 'x', boardId: 'nowhere' }))
    expect(errors?.map(({ path }) => path)).toEqual(['boardId'])
    await expect(getRun(db.sql, 'none')).rejects.toMatchObject({ code: 'workflow_run_not_found' })
    await db.refused('workflow_run_not_found', (tx) => updateRun(tx, 'none', {}))
  })

  test('[WR2] [WR8] lists the newest first; runs are deleted with their board', async () => {
    const ids: string[] = []
    for (const boardId of ['demo', null, 'demo']) ids.unshift((await make({ boardId })).id)
    const listed = async (boardId?: string, limit = 100) =>
      (await listRuns(db.sql, { boardId, limit })).map(({ id }) => id)
    expect(await listed()).toEqual(ids)
    expect(await listed('demo')).toEqual([ids[0], ids[2]])
    expect(await listed('demo', 1)).toEqual([ids[0]])
    await db.do((tx) => deleteBoard(tx, 'demo'))
    expect(await listed()).toEqual([ids[1]])
  })
})

describe('the status of a run', () => {
  test.each(pairs)('[WR3] [WR4] [WR6] [WR7] from %s to %s', async (from, to) => {
    const { id } = await make({ boardId: 'demo' })
    await db.sql.run('UPDATE workflow_runs SET status = ?', [from])
    await db.said()
    vi.setSystemTime(T1)
    if (FINAL.includes(from)) {
      const { message } = await db.refused('invalid_transition', (tx) => updateRun(tx, id, { status: to }))
      expect(message).toContain(`cannot go from ${from} to ${to}`)
      return
    }
    const run = await update(id, { status: to })
    const startedAt = to === 'running' && from !== 'running' ? { startedAt: T1 } : {}
    const completedAt = FINAL.includes(to) ? { completedAt: T1 } : {}
    expect(run).toMatchObject({ status: to, startedAt: null, completedAt: null, ...startedAt, ...completedAt })
    const changes = { status: to, ...startedAt, ...completedAt }
    expect(await db.said()).toEqual(
      from === to ? [] : [{ type: STATUS_EVENTS[to], payload: { boardId: 'demo', runId: id, status: to, changes } }],
    )
  })

  test('[WR4] [WR6] emits a start again after a pause, and keeps the time of the first', async () => {
    const { id } = await make({ status: 'running' })
    await update(id, { status: 'paused' })
    await db.said()
    vi.setSystemTime(T1)
    expect(await update(id, { status: 'running' })).toMatchObject({ startedAt: T0 })
    expect(await db.said()).toEqual([
      { type: 'workflow.run.started', payload: { runId: id, status: 'running', changes: { status: 'running' } } },
    ])
  })
})

describe('the events of a run', () => {
  test('[WR4] [WR5] one per request, with every field that changed', async () => {
    const { id } = await make({ status: 'running' })
    await db.said()
    const steps: ReadonlyArray<readonly [RunEdit, string | null, object?]> = [
      [{ currentStep: 'build' }, 'workflow.run.updated', { status: 'running', changes: { currentStep: 'build' } }],
      [{ currentStep: 'build', status: 'running' }, null],
      [{}, null],
      [{ error: 'flaky' }, 'workflow.run.updated', { status: 'running', changes: { error: 'flaky' }, error: 'flaky' }],
      [
        { status: 'paused', currentStep: null },
        'workflow.run.updated',
        { status: 'paused', changes: { status: 'paused', currentStep: null }, error: 'flaky' },
      ],
      [
        { status: 'completed', error: null },
        'workflow.run.completed',
        { status: 'completed', changes: { status: 'completed', error: null, completedAt: T0 } },
      ],
    ]
    for (const [edit, type, told] of steps) {
      await update(id, edit)
      expect(await db.said()).toEqual(type === null ? [] : [{ type, payload: { runId: id, ...told } }])
    }
  })

  test('[WR3] fields other than the status may change after the end', async () => {
    const { id } = await make()
    await update(id, { status: 'failed' })
    await db.said()
    vi.setSystemTime(T1)
    const late = await update(id, { error: 'exit 1', currentStep: 'test' })
    expect(late).toMatchObject({ status: 'failed', error: 'exit 1', currentStep: 'test', completedAt: T0 })
    const changes = { currentStep: 'test', error: 'exit 1' }
    expect(await db.said()).toEqual([
      { type: 'workflow.run.updated', payload: { runId: id, status: 'failed', changes, error: 'exit 1' } },
    ])
    await db.refused('invalid_transition', (tx) => updateRun(tx, id, { error: 'other', status: 'failed' }))
  })

  test('[WR5] folded into the old run give the new run', async () => {
    const edit = fc.record(
      {
        status: fc.constantFrom(...runStatus.options),
        currentStep: fc.constantFrom(null, 'a', 'b'),
        error: fc.constantFrom(null, '', 'x'),
      },
      { requiredKeys: [] },
    )
    const cases = fc.asyncProperty(fc.array(edit, { maxLength: 8 }), async (edits) => {
      const made = await make({ boardId: 'demo' })
      await db.said()
      let folded: WorkflowRun = made
      for (const [index, edit] of edits.entries()) {
        vi.setSystemTime(Date.parse(T0) + index * 1_000)
        if (edit.status && FINAL.includes(folded.status)) continue
        await update(made.id, edit)
        for (const { payload } of await db.said()) {
          folded = { ...folded, ...(payload.changes as Partial<WorkflowRun>) }
          expect([payload.status, payload.error ?? null]).toEqual([folded.status, folded.error])
        }
        expect(folded).toEqual(await getRun(db.sql, made.id))
      }
    })
    await fc.assert(cases, { numRuns: 60 })
  })
})
