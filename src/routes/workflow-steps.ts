import * as z from 'zod'
import { progress, workflowStep } from '../../shared/src/types/workflows.ts'
import { createStep, getStep, listStepsOfRun, updateStep } from '../domain/workflow-steps.ts'
import type { Api } from './api.ts'
import { pageLimit } from './paging.ts'
import { runOrBoard } from './things.ts'

const { name, phase, status, error } = workflowStep.shape

const newStep = z.strictObject({
  name,
  phase: phase.optional(),
  status: status.extract(['pending', 'running']).optional(),
})
const stepEdit = z.strictObject({ status, progress: progress.omit({ percentage: true }), error }).partial()

export function registerWorkflowSteps(api: Api): void {
  api.mutate(
    'post',
    '/workflow-runs/:id/steps',
    { status: 201, right: runOrBoard, body: newStep },
    (tx, { params, body }) => createStep(tx, params.id, body),
  )
  api.get(
    '/workflow-runs/:id/steps',
    { right: runOrBoard, query: z.object({ limit: pageLimit }) },
    async ({ sql, params, query }) => ({
      steps: await listStepsOfRun(sql, params.id, query.limit),
    }),
  )
  api.get('/workflow-runs/:id/steps/:stepId', { right: runOrBoard }, ({ sql, params }) =>
    getStep(sql, params.id, params.stepId),
  )
  api.mutate(
    'patch',
    '/workflow-runs/:id/steps/:stepId',
    { status: 200, right: runOrBoard, body: stepEdit },
    (tx, { params, body }) => updateStep(tx, { runId: params.id, stepId: params.stepId }, body),
  )
}
