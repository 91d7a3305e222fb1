import * as z from 'zod'
import { workflowRun } from '../../shared/src/types/workflows.ts'
import { createRun, getRun, listRuns, updateRun } from '../domain/workflow-runs.ts'
import type { Api } from './api.ts'
import { pageLimit } from './paging.ts'
import { ANY_SUBJECT } from './rights.ts'
import { boardOr, runOrBoard } from './things.ts'

const { name, boardId, status, currentStep, error } = workflowRun.shape

const newRun = z.strictObject({
  name,
  boardId: boardId.optional(),
  status: status.extract(['pending', 'running']).optional(),
})
const runEdit = z.strictObject({ status, currentStep, error }).partial()
const filter = z.object({ boardId: boardId.unwrap().optional(), limit: pageLimit })

export function registerWorkflowRuns(api: Api): void {
  api.mutate(
    'post',
    '/workflow-runs',
    { status: 201, right: { by: 'body', needs: ({ boardId }) => [[boardOr('global', boardId)]] }, body: newRun },
    (tx, { body }) => createRun(tx, body),
  )
  api.get('/workflow-runs', { right: ANY_SUBJECT, query: filter }, async ({ sql, query, subject }) => ({
    runs: await listRuns(sql, query, subject.subscribe),
  }))
  api.get('/workflow-runs/:id', { right: runOrBoard }, ({ sql, params }) => getRun(sql, params.id))
  api.mutate('patch', '/workflow-runs/:id', { status: 200, right: runOrBoard, body: runEdit }, (tx, { params, body }) =>
    updateRun(tx, params.id, body),
  )
}
