import * as z from 'zod'
import { named } from '../../shared/src/names.ts'
import { progress, workflowStep } from '../../shared/src/types/workflows.ts'
import { createStep, getStep, listStepsOfRun, updateStep } from '../domain/workflow-steps.ts'
import type { Api } from './api.ts'
import { exampleStep } from './examples.ts'
import { pageLimit } from './paging.ts'
import { runOrBoard } from './things.ts'

const { name, phase, status, error } = workflowStep.shape

const newStep = named(
  'NewWorkflowStep',
  z.strictObject({
    name,
    phase: phase.optional(),
    status: status.extract(['pending', 'running']).optional(),
  }),
)
const stepEdit = named(
  'WorkflowStepEdit',
  z.strictObject({ status, progress: progress.omit({ percentage: true }), error }).partial(),
)
const stepList = named('WorkflowStepList', z.strictObject({ steps: z.array(workflowStep) }))

export function registerWorkflowSteps(api: Api): void {
  api.mutate(
    'post',
    '/workflow-runs/:runId/steps',
    {
      operationId: 'createWorkflowStep',
      tag: 'Workflows',
      summary: 'Adds a step to a run.',
      status: 201,
      right: runOrBoard,
      body: newStep,
      answer: workflowStep,
      example: {
        body: { name: 'test', phase: 'verify', status: 'running' },
        answer: { ...exampleStep, progress: null },
      },
      errors: ['workflow_run_not_found'],
      emits: ['workflow.run.step.created', 'workflow.run.step.started'],
    },
    (tx, { params, body }) => createStep(tx, params.runId, body),
  )
  api.get(
    '/workflow-runs/:runId/steps',
    {
      operationId: 'listWorkflowSteps',
      tag: 'Workflows',
      summary: 'Lists the steps of a run, oldest first.',
      right: runOrBoard,
      query: z.object({ limit: pageLimit }),
      answer: stepList,
      example: { answer: { steps: [exampleStep] } },
      errors: ['workflow_run_not_found'],
    },
    async ({ sql, params, query }) => ({
      steps: await listStepsOfRun(sql, params.runId, query.limit),
    }),
  )
  api.get(
    '/workflow-runs/:runId/steps/:stepId',
    {
      operationId: 'getWorkflowStep',
      tag: 'Workflows',
      summary: 'Reads a step of a run.',
      right: runOrBoard,
      answer: workflowStep,
      example: { answer: exampleStep },
      errors: ['workflow_run_not_found', 'step_not_found'],
    },
    ({ sql, params }) => getStep(sql, params.runId, params.stepId),
  )
  api.mutate(
    'patch',
    '/workflow-runs/:runId/steps/:stepId',
    {
      operationId: 'updateWorkflowStep',
      tag: 'Workflows',
      summary: 'Changes the status, the progress or the error of a step.',
      status: 200,
      right: runOrBoard,
      body: stepEdit,
      answer: workflowStep,
      example: { body: { progress: { current: 59, total: 118 } }, answer: exampleStep },
      errors: ['workflow_run_not_found', 'step_not_found', 'invalid_transition'],
      emits: [
        'workflow.run.step.started',
        'workflow.run.step.progress',
        'workflow.run.step.completed',
        'workflow.run.step.failed',
      ],
    },
    (tx, { params, body }) => updateStep(tx, { runId: params.runId, stepId: params.stepId }, body),
  )
}
