/** Workflow runs and their steps over HTTP, and what listeners of the run and of its project see. Rules WR1 to WR14. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type WorkflowRun, type WorkflowStep, workflowRun, workflowStep } from '../../shared/src/types/workflows.ts'
import { makeBoard } from '../support/board.ts'
import { ask, expectProblem, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

let server: TestServer
let boardId: string
beforeAll(async () => {
  server = await startTestServer()
  boardId = (await makeBoard(server)).id
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json: unknown) => ask(server, 'POST', path, { json })
const patch = (path: string, json: unknown) => ask(server, 'PATCH', path, { json })
const get = (path: string) => ask(server, 'GET', path)
const makeRun = (fields: object = {}) => server.post<WorkflowRun>('/workflow-runs', { name: 'CI', ...fields })
const makeStep = (runId: string, fields: object = {}) =>
  server.post<WorkflowStep>(`/workflow-runs/${runId}/steps`, { name: 'test', ...fields })

describe('runs', () => {
  it('[WR1] [WR2] [WR3] are created, read, listed and changed', async () => {
    const created = await post('/workflow-runs', { name: 'Nightly', boardId })
    expect(created.status).toBe(201)
    const run = workflowRun.parse(created.body)
    expect(run).toMatchObject({ name: 'Nightly', boardId, status: 'pending' })
    expect((await get(`/workflow-runs/${run.id}`)).body).toEqual(run)
    const changed = await patch(`/workflow-runs/${run.id}`, { status: 'running', currentStep: 'build' })
    expect([changed.status, workflowRun.parse(changed.body)]).toMatchObject([200, { currentStep: 'build' }])
    const other = await makeRun({ boardId })
    const { body } = await get(`/workflow-runs?boardId=${boardId}`)
    expect(body.runs.map(({ id }: WorkflowRun) => id)).toEqual([other.id, run.id])
    expect((await get('/workflow-runs?limit=1')).body.runs.map(({ id }: WorkflowRun) => id)).toEqual([other.id])
    expect((await get('/workflow-runs?boardId=nowhere')).body).toEqual({ runs: [] })
  })

  it('[WR1] [WR3] are refused with a sentence for every fault', async () => {
    const { id } = await makeRun()
    await patch(`/workflow-runs/${id}`, { status: 'failed' })
    const run = `/workflow-runs/${id}`
    await withoutEvents(server, async () => {
      expectProblem(await post('/workflow-runs', {}), 422, 'validation_failed', 'name')
      expectProblem(await post('/workflow-runs', { name: '' }), 422, 'validation_failed', 'name')
      expectProblem(await post('/workflow-runs', { name: 'x', id: 'mine' }), 422, 'validation_failed', 'id')
      expectProblem(
        await post('/workflow-runs', { name: 'x', boardId: 'nowhere' }),
        422,
        'validation_failed',
        'boardId',
      )
      expectProblem(await post('/workflow-runs', { name: 'x', status: 'paused' }), 422, 'validation_failed', 'status')
      expectProblem(await patch(run, { status: 'running' }), 409, 'invalid_transition')
      expectProblem(await patch(run, { status: 'failed' }), 409, 'invalid_transition')
      expectProblem(await patch(run, { status: 'done' }), 422, 'validation_failed', 'status')
      expectProblem(await patch(run, { name: 'x' }), 422, 'validation_failed', 'name')
      expectProblem(await patch(run, { error: '\udfff' }), 422, 'validation_failed', 'error')
      expectProblem(await patch('/workflow-runs/none', {}), 404, 'workflow_run_not_found')
      expectProblem(await get('/workflow-runs/none'), 404, 'workflow_run_not_found')
      expectProblem(await get('/workflow-runs?limit=1001'), 400, 'bad_request')
    })
  })
})

describe('steps', () => {
  it('[WR9] [WR10] [WR11] are created, read, listed and changed', async () => {
    const run = await makeRun()
    const path = `/workflow-runs/${run.id}/steps`
    const created = await post(path, { name: 'lint', phase: 'checks', status: 'running' })
    expect(created.status).toBe(201)
    const step = workflowStep.parse(created.body)
    expect((await get(`${path}/${step.id}`)).body).toEqual(step)
    const second = (await post(path, { name: 'test', phase: null })).body
    const changed = await patch(`${path}/${step.id}`, { status: 'completed', progress: { current: 3, total: 4 } })
    expect(changed.status).toBe(200)
    expect(workflowStep.parse(changed.body)).toEqual({
      ...step,
      status: 'completed',
      progress: { current: 3, total: 4, percentage: 75 },
    })
    expect((await get(path)).body).toEqual({ steps: [changed.body, second] })
    expect((await get(`${path}?limit=1`)).body).toEqual({ steps: [changed.body] })
  })

  it('[WR10] [WR11] [WR12] are refused with a sentence for every fault', async () => {
    const run = await makeRun()
    const other = await makeRun()
    const { id } = await makeStep(run.id)
    const path = `/workflow-runs/${run.id}/steps`
    const ended = await makeStep(run.id)
    await patch(`${path}/${ended.id}`, { status: 'skipped' })
    await withoutEvents(server, async () => {
      expectProblem(await post(path, {}), 422, 'validation_failed', 'name')
      expectProblem(await post(path, { name: 'x', status: 'failed' }), 422, 'validation_failed', 'status')
      expectProblem(await post(path, { name: 'x', progress: null }), 422, 'validation_failed', 'progress')
      expectProblem(await post('/workflow-runs/none/steps', { name: 'x' }), 404, 'workflow_run_not_found')
      expectProblem(await get('/workflow-runs/none/steps'), 404, 'workflow_run_not_found')
      expectProblem(await get(`/workflow-runs/none/steps/${id}`), 404, 'workflow_run_not_found')
      expectProblem(await get(`${path}/none`), 404, 'step_not_found')
      expectProblem(await get(`/workflow-runs/${other.id}/steps/${id}`), 404, 'step_not_found')
      expectProblem(await patch(`/workflow-runs/${other.id}/steps/${id}`, {}), 404, 'step_not_found')
      expectProblem(await patch(`${path}/${ended.id}`, { status: 'skipped' }), 409, 'invalid_transition')
      expectProblem(await patch(`${path}/${id}`, { status: 'paused' }), 422, 'validation_failed', 'status')
      for (const [progress, fault] of [
        [{ current: 1 }, 'progress.total'],
        [{ current: -1, total: 2 }, 'progress.current'],
        [{ current: 1, total: 2, percentage: 50 }, 'progress.percentage'],
        [{ current: '1', total: 2 }, 'progress.current'],
        [null, 'progress'],
      ] as const) {
        expectProblem(await patch(`${path}/${id}`, { progress }), 422, 'validation_failed', fault)
      }
      const raw = '{"progress":{"current":1,"total":1e999}}'
      expectProblem(await ask(server, 'PATCH', `${path}/${id}`, { raw }), 422, 'validation_failed', 'progress.total')
    })
  })
})

describe('the events of a run', () => {
  it('[WR4] [WR5] [WR13] [WR14] show on the run and on the project of its board', async () => {
    const board = await makeBoard(server)
    const run = await makeRun({ boardId: board.id, status: 'running' })
    await using onRun = await listen(server.url, `/sse?channels=workflow:run:${run.id}`)
    await using onProject = await listen(server.url, `/sse?channels=project:${board.id}&since=earliest`)
    await using onBoard = await listen(server.url, `/sse?channels=board:${board.id}`)
    const step = await makeStep(run.id)
    const stepPath = `/workflow-runs/${run.id}/steps/${step.id}`
    await patch(stepPath, { status: 'running' })
    await patch(stepPath, { progress: { current: 1, total: 2 } })
    await patch(stepPath, { status: 'failed', error: 'exit 1' })
    const last = await server.call<WorkflowRun>('PATCH', `/workflow-runs/${run.id}`, {
      status: 'failed',
      error: 'a step failed',
    })
    const about = { runId: run.id, stepId: step.id, name: 'test' }
    const progress = { current: 1, total: 2, percentage: 50 }
    const told = [
      ['workflow.run.step.created', about],
      ['workflow.run.step.started', about],
      ['workflow.run.step.progress', { ...about, progress }],
      ['workflow.run.step.failed', { ...about, progress, error: 'exit 1' }],
      [
        'workflow.run.failed',
        {
          runId: run.id,
          status: 'failed',
          changes: { status: 'failed', error: 'a step failed', completedAt: last.body.completedAt },
          error: 'a step failed',
        },
      ],
    ]
    const before = [
      ['workflow.run.created', { runId: run.id, status: 'pending' }],
      [
        'workflow.run.started',
        { runId: run.id, status: 'running', changes: { status: 'running', startedAt: run.startedAt } },
      ],
    ]
    await Promise.all([onRun.id(last.eventId), onProject.id(last.eventId)])
    const shown = (listener: typeof onRun) => listener.frames.slice(1).map(({ event, data }) => [event, data.data])
    expect(shown(onRun)).toEqual(told)
    expect(shown(onProject)).toEqual([...before, ...told])
    expect(onProject.frames.at(-1)?.data).toEqual({
      channel: `project:${board.id}`,
      event: 'workflow.run.failed',
      data: told[4]?.[1],
      timestamp: Date.parse(last.body.completedAt ?? ''),
      actor: null,
      id: last.eventId,
    })
    // An event to the board follows everything that the board must not see.
    const { eventId } = await server.call('PATCH', `/boards/${board.id}`, { name: 'Renamed' })
    await onBoard.id(eventId)
    expect(onBoard.frames.map(({ event }) => event)).toEqual(['hello', 'state', 'board_updated'])
  })

  it('[WR4] [WR5] show once on both channels, on the one that was named first', async () => {
    const run = await makeRun({ boardId })
    await using both = await listen(server.url, `/sse?channels=workflow:run:${run.id},project:${boardId}`)
    const { eventId } = await server.call('PATCH', `/workflow-runs/${run.id}`, { status: 'paused' })
    await both.id(eventId)
    expect(both.frames.slice(1).map(({ data }) => data.channel)).toEqual([`workflow:run:${run.id}`])
  })

  it('[WR7] none when nothing changed', async () => {
    const run = await makeRun({ boardId })
    const reply = await withoutEvents(server, () =>
      patch(`/workflow-runs/${run.id}`, { status: 'pending', error: null }),
    )
    expect(reply.status).toBe(200)
  })
})

it('[WR8] a run is unchanged after a restart', async () => {
  const run = await makeRun({ boardId, status: 'running' })
  const step = await makeStep(run.id, { status: 'running' })
  const read = async () => [
    (await get(`/workflow-runs/${run.id}`)).body,
    (await get(`/workflow-runs/${run.id}/steps/${step.id}`)).body,
  ]
  const before = await read()
  await withoutEvents(server, () => server.restart())
  expect(await read()).toEqual(before)
})
