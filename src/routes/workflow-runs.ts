import * as z from 'zod'
import { progress, workflowRun, workflowStep } from '../../shared/src/types/workflows.ts'
import { createRun, getRun, listRuns, updateRun } from '../domain/workflow-runs.ts'
import { createStep, getStep, listStepsOfRun, updateStep } from '../domain/workflow-steps.ts'
import { type Api, pageLimit } from './api.ts'

const { name, boardId, status, currentStep, error } = workflowRun.shape

const newRun = z.strictObject({
  name,
  boardId: boardId.optional(),
  status: status.extract(['pending', 'running']).optional(),
})
const runEdit = z.strictObject({ status, currentStep, error }).partial()
const filter = z.object({ boardId: boardId.unwrap().optional(), limit: pageLimit })

const newStep = z.strictObject({
  name: workflowStep.shape.name,
  phase: workflowStep.shape.phase.optional(),
  status: workflowStep.shape.status.extract(['pending', 'running']).optional(),
})
const stepEdit = z
  .strictObject({
    status: workflowStep.shape.status,
    progress: progress.omit({ percentage: true }),
    error: workflowStep.shape.error,
  })
  .partial()

export function registerWorkflowRuns(api: Api): void {
  api.mutate('post', '/workflow-runs', { status: 201, body: newRun }, (tx, { body }) => createRun(tx, body))
  api.get('/workflow-runs', { query: filter }, async ({ sql, query }) => ({
    runs: await listRuns(sql, query),
  }))
  api.get('/workflow-runs/:id', {}, ({ sql, params }) => getRun(sql, params.id))
  api.mutate('patch', '/workflow-runs/:id', { status: 200, body: runEdit }, (tx, { params, body }) =>
    updateRun(tx, params.id, body),
  )

  api.mutate('post', '/workflow-runs/:id/steps', { status: 201, body: newStep }, (tx, { params, body }) =>
    createStep(tx, params.id, body),
  )
  api.get('/workflow-runs/:id/steps', { query: z.object({ limit: pageLimit }) }, async ({ sql, params, query }) => ({
    steps: await listStepsOfRun(sql, params.id, query.limit),
  }))
  api.get('/workflow-runs/:id/steps/:stepId', {}, ({ sql, params }) => getStep(sql, params.id, params.stepId))
  api.mutate('patch', '/workflow-runs/:id/steps/:stepId', { status: 200, body: stepEdit }, (tx, { params, body }) =>
    updateStep(tx, { runId: params.id, stepId: params.stepId }, body),
  )
}
