import * as z from 'zod'
import { exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { named } from '../../shared/src/names.ts'
import { workflowRun } from '../../shared/src/types/workflows.ts'
import { createRun, getRun, listRuns, updateRun } from '../domain/workflow-runs.ts'
import type { Api } from './api.ts'
import { exampleRun } from './examples.ts'
import { boardFilter, pageLimit } from './paging.ts'
import { ANY_SUBJECT } from './rights.ts'
import { boardOr, runOrBoard } from './things.ts'

const { name, boardId, status, currentStep, error } = workflowRun.shape

const newRun = named(
  'NewWorkflowRun',
  z.strictObject({
    name,
    boardId: boardId.optional(),
    status: status.extract(['pending', 'running']).optional(),
  }),
)
const runEdit = named('WorkflowRunEdit', z.strictObject({ status, currentStep, error }).partial())
const filter = z.object({ boardId: boardFilter, limit: pageLimit })
const runList = named('WorkflowRunList', z.strictObject({ runs: z.array(workflowRun) }))

export function registerWorkflowRuns(api: Api): void {
  api.mutate(
    'post',
    '/workflow-runs',
    {
      operationId: 'createWorkflowRun',
      tag: 'Workflows',
      summary: 'Creates a run of a workflow, pending or running.',
      status: 201,
      right: {
        by: 'body',
        to: '`board:ID` of the board; without one `global`',
        needs: ({ boardId }) => [[boardOr('global', boardId)]],
      },
      body: newRun,
      answer: workflowRun,
      example: {
        body: { name: exampleRun.name, boardId: exampleIds.board, status: 'running' },
        answer: { ...exampleRun, currentStep: null },
      },
      errors: [],
      emits: ['workflow.run.created', 'workflow.run.started'],
    },
    (tx, { body }) => createRun(tx, body),
  )
  api.get(
    '/workflow-runs',
    {
      operationId: 'listWorkflowRuns',
      tag: 'Workflows',
      summary: 'Lists the runs of workflows.',
      right: ANY_SUBJECT,
      query: filter,
      answer: runList,
      example: { answer: { runs: [exampleRun] } },
      errors: [],
    },
    async ({ sql, query, subject }) => ({
      runs: await listRuns(sql, query, subject.subscribe),
    }),
  )
  api.get(
    '/workflow-runs/:runId',
    {
      operationId: 'getWorkflowRun',
      tag: 'Workflows',
      summary: 'Reads a run of a workflow.',
      right: runOrBoard,
      answer: workflowRun,
      example: { answer: exampleRun },
      errors: ['workflow_run_not_found'],
    },
    ({ sql, params }) => getRun(sql, params.runId),
  )
  api.mutate(
    'patch',
    '/workflow-runs/:runId',
    {
      operationId: 'updateWorkflowRun',
      tag: 'Workflows',
      summary: 'Changes the status, the current step or the error of a run.',
      status: 200,
      right: runOrBoard,
      body: runEdit,
      answer: workflowRun,
      example: {
        body: { status: 'completed' },
        answer: { ...exampleRun, status: 'completed', completedAt: exampleTime },
      },
      errors: ['workflow_run_not_found', 'invalid_transition'],
      emits: ['workflow.run.started', 'workflow.run.updated', 'workflow.run.completed', 'workflow.run.failed'],
    },
    (tx, { params, body }) => updateRun(tx, params.runId, body),
  )
}
