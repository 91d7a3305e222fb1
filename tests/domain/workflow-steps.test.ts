import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type StepStatus, stepStatus } from '../../shared/src/types/workflows.ts'
import { deleteBoard } from '../../src/domain/boards.ts'
import { createRun, updateRun } from '../../src/domain/workflow-runs.ts'
import {
  createStep,
  getStep,
  listStepsOfRun,
  type NewStep,
  type StepEdit,
  updateStep,
  withPercentage,
} from '../../src/domain/workflow-steps.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'
import { putBoard } from './rows.ts'

let db: BoardStore
let runId: string

beforeEach(async () => {
  db = await openBoardStore()
  await putBoard(db.sql, 'demo')
  runId = (await db.do((tx) => createRun(tx, { name: 'CI', boardId: 'demo' }))).id
  await db.said()
})
afterEach(() => db.close())

const make = (given: Partial<NewStep> = {}) => db.do((tx) => createStep(tx, runId, { name: 'test', ...given }))
const update = (stepId: string, edit: StepEdit) => db.do((tx) => updateStep(tx, { runId, stepId }, edit))
/** Event names without their common prefix, and the payload without ids and name. */
async function told() {
  return (await db.said()).map(({ type, payload: { boardId: _, runId: __, stepId: ___, name: ____, ...rest } }) => [
    type.replace('workflow.run.step.', ''),
    rest,
  ])
}

const STATUS_EVENTS: Record<StepStatus, string> = {
  pending: 'progress',
  running: 'started',
  completed: 'completed',
  failed: 'failed',
  skipped: 'progress',
  cancelled: 'progress',
}
const FINAL: readonly StepStatus[] = ['completed', 'failed', 'skipped', 'cancelled']
const pairs = stepStatus.options.flatMap((from) => stepStatus.options.map((to) => [from, to] as const))

describe('creating a step', () => {
  test('[WR9] [WR14] emits an event with its run and its name', async () => {
    const step = await make({ phase: 'checks' })
    expect(step).toStrictEqual({
      id: expect.stringMatching(/^stp_[0-9a-f-]{36}$/),
      runId,
      name: 'test',
      phase: 'checks',
      status: 'pending',
      progress: null,
      error: null,
    })
    expect(await getStep(db.sql, runId, step.id)).toStrictEqual(step)
    expect(await db.said()).toEqual([
      { type: 'workflow.run.step.created', payload: { boardId: 'demo', runId, stepId: step.id, name: 'test' } },
    ])
  })

  test('[WR9] as running emits creation and start; a run that has ended accepts it too', async () => {
    await db.do((tx) => updateRun(tx, runId, { status: 'failed' }))
    await db.said()
    expect(await make({ status: 'running' })).toMatchObject({ status: 'running', phase: null })
    expect(await told()).toEqual([
      ['created', {}],
      ['started', {}],
    ])
  })

  test('[WR8] [WR10] steps are listed oldest first, belong to one run, and are deleted with it', async () => {
    const names = ['c', 'a', 'b']
    const steps = []
    for (const name of names) steps.push(await make({ name }))
    expect(await listStepsOfRun(db.sql, runId, 100)).toEqual(steps)
    expect(await listStepsOfRun(db.sql, runId, 2)).toEqual(steps.slice(0, 2))
    const other = await db.do((tx) => createRun(tx, { name: 'other' }))
    const stepId = steps[0]?.id ?? ''
    expect(await listStepsOfRun(db.sql, other.id, 100)).toEqual([])
    await expect(getStep(db.sql, other.id, stepId)).rejects.toMatchObject({ code: 'step_not_found' })
    await db.refused('step_not_found', (tx) => updateStep(tx, { runId: other.id, stepId }, { status: 'running' }))
    await db.do((tx) => deleteBoard(tx, 'demo'))
    expect(await db.sql.all('SELECT id FROM workflow_steps')).toEqual([])
    for (const read of [listStepsOfRun(db.sql, runId, 1), getStep(db.sql, runId, stepId)]) {
      await expect(read).rejects.toMatchObject({ code: 'workflow_run_not_found' })
    }
    await db.refused('workflow_run_not_found', (tx) => createStep(tx, runId, { name: 'x' }))
    await db.refused('workflow_run_not_found', (tx) => updateStep(tx, { runId, stepId }, {}))
  })
})

describe('the status of a step', () => {
  test.each(pairs)('[WR11] [WR13] from %s to %s', async (from, to) => {
    const { id } = await make()
    await db.sql.run('UPDATE workflow_steps SET status = ?', [from])
    await db.said()
    if (FINAL.includes(from)) {
      const { message } = await db.refused('invalid_transition', (tx) =>
        updateStep(tx, { runId, stepId: id }, { status: to }),
      )
      expect(message).toContain(`cannot go from ${from} to ${to}`)
      return
    }
    expect(await update(id, { status: to })).toMatchObject({ status: to })
    expect(await told()).toEqual(from === to ? [] : [[STATUS_EVENTS[to], {}]])
    expect(await getStep(db.sql, runId, id)).toMatchObject({ status: to })
  })
})

describe('progress', () => {
  test('[WR13] [WR14] is emitted when it changes, between start and end', async () => {
    const { id } = await make()
    await db.said()
    const half = { current: 1, total: 2, percentage: 50 }
    const whole = { current: 2, total: 2, percentage: 100 }
    await update(id, { status: 'running', progress: { current: 1, total: 2 } })
    expect(await told()).toEqual([
      ['started', { progress: half }],
      ['progress', { progress: half }],
    ])
    await update(id, { progress: { current: 1, total: 2 } })
    await update(id, {})
    expect(await told()).toEqual([])
    await update(id, { error: 'flaky' })
    expect(await told()).toEqual([['progress', { progress: half, error: 'flaky' }]])
    const done = await update(id, { status: 'completed', progress: { current: 2, total: 2 }, error: null })
    expect(done).toMatchObject({ status: 'completed', progress: whole, error: null })
    expect(await told()).toEqual([
      ['progress', { progress: whole }],
      ['completed', { progress: whole }],
    ])
  })

  test('[WR13] [WR14] of a skipped step is emitted once', async () => {
    const { id } = await make()
    await db.said()
    await update(id, { status: 'skipped', progress: { current: 0, total: 9 } })
    expect(await told()).toEqual([['progress', { progress: { current: 0, total: 9, percentage: 0 } }]])
  })

  test('[WR11] and error may change after the end', async () => {
    const { id } = await make()
    await update(id, { status: 'failed' })
    await db.said()
    expect(await update(id, { error: 'exit 1', progress: { current: 1, total: 4 } })).toMatchObject({
      status: 'failed',
    })
    expect(await told()).toEqual([
      ['progress', { progress: { current: 1, total: 4, percentage: 25 }, error: 'exit 1' }],
    ])
  })

  test.each([
    [0, 10, 0],
    [1, 3, 33],
    [2, 3, 67],
    [999, 1_000, 99],
    [1_000, 1_000, 100],
    [12, 10, 100],
    [0, 0, 0],
    [5, 0, 0],
    [0.5, 2, 25],
    [1e308, 1e-308, 100],
    [1e-308, 1e308, 0],
  ])('[WR12] %d of %d is %d percent', (current, total, percentage) => {
    expect(withPercentage({ current, total })).toEqual({ current, total, percentage })
  })
})
