/**
 * Workflow runs. An external driver reports the status of a run; the server stores and publishes it. A restart of the
 * server does not end a run, because its driver lives elsewhere.
 */
import type { RunChanges } from '../../shared/src/catalogue/workflows.ts'
import type { EventType } from '../../shared/src/catalogue.ts'
import type { RunStatus, WorkflowRun } from '../../shared/src/types/workflows.ts'
import { Problem } from '../base/errors.ts'
import { findRun, insertRun, saveRun } from '../db/rows/workflow-runs.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { checkBoardId } from './boards.ts'
import { newId } from './ids.ts'
import { statusRules } from './status-rules.ts'

export { listRuns } from '../db/rows/workflow-runs.ts'

const STATUS_EVENTS = {
  pending: 'workflow.run.updated',
  running: 'workflow.run.started',
  paused: 'workflow.run.updated',
  completed: 'workflow.run.completed',
  failed: 'workflow.run.failed',
  cancelled: 'workflow.run.updated',
} as const satisfies Record<RunStatus, EventType>

const statuses = statusRules<RunStatus>('run', ['completed', 'failed', 'cancelled'])

export interface NewRun {
  readonly name: string
  readonly boardId?: string | null | undefined
  readonly status?: 'pending' | 'running' | undefined
}

/** Fields that are left out keep their value. */
export type RunEdit = { readonly [Field in 'status' | 'currentStep' | 'error']?: WorkflowRun[Field] | undefined }

/** Throws `workflow_run_not_found`. */
export async function getRun(sql: Sql, id: string): Promise<WorkflowRun> {
  const run = await findRun(sql, id)
  if (!run) throw new Problem('workflow_run_not_found', `There is no workflow run ${id}.`)
  return run
}

/**
 * Creates a run. With `running` it is created as pending and started in the same transaction. Throws `validation_failed`
 * for an unknown board.
 */
export async function createRun(tx: Tx, given: NewRun): Promise<WorkflowRun> {
  const boardId = given.boardId ?? null
  await checkBoardId(tx.sql, boardId)
  const pending: WorkflowRun = {
    id: newId('run'),
    boardId,
    name: given.name,
    status: 'pending',
    currentStep: null,
    error: null,
    startedAt: null,
    completedAt: null,
  }
  await insertRun(tx.sql, pending)
  tx.emit('workflow.run.created', payloadOf(pending))
  return given.status === 'running' ? save(tx, pending, { ...pending, status: 'running' }) : pending
}

/**
 * Emits nothing when nothing changes. Throws `workflow_run_not_found`, or `invalid_transition` for a status after a final
 * one; the other fields may still change then.
 */
export async function updateRun(tx: Tx, id: string, { status, currentStep, error }: RunEdit): Promise<WorkflowRun> {
  const run = await getRun(tx.sql, id)
  const isOtherStatus = status !== undefined && statuses.checkChange(run.status, status)
  const next: WorkflowRun = {
    ...run,
    status: isOtherStatus ? status : run.status,
    currentStep: currentStep === undefined ? run.currentStep : currentStep,
    error: error === undefined ? run.error : error,
  }
  if (!isOtherStatus && next.currentStep === run.currentStep && next.error === run.error) return run
  return save(tx, run, next)
}

async function save(tx: Tx, before: WorkflowRun, given: WorkflowRun): Promise<WorkflowRun> {
  const isOtherStatus = given.status !== before.status
  const run: WorkflowRun = {
    ...given,
    startedAt: isOtherStatus && given.status === 'running' ? (before.startedAt ?? tx.now) : before.startedAt,
    completedAt: isOtherStatus && statuses.isFinal(given.status) ? tx.now : before.completedAt,
  }
  await saveRun(tx.sql, run)
  tx.emit(isOtherStatus ? STATUS_EVENTS[run.status] : 'workflow.run.updated', {
    ...payloadOf(run),
    changes: changesOf(before, run),
  })
  return run
}

function changesOf(before: WorkflowRun, after: WorkflowRun): RunChanges {
  const { status, currentStep, error, startedAt, completedAt } = after
  return {
    ...(status !== before.status && { status }),
    ...(currentStep !== before.currentStep && { currentStep }),
    ...(error !== before.error && { error }),
    ...(startedAt !== before.startedAt && { startedAt }),
    ...(completedAt !== before.completedAt && { completedAt }),
  }
}

function payloadOf({ boardId, id, status, error }: WorkflowRun) {
  return { boardId: boardId ?? undefined, runId: id, status, error: error ?? undefined }
}
