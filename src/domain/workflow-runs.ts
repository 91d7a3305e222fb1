/**
 * Runs of workflows. Whoever drives a run tells how it stands; the service keeps that and says it on. A run that was
 * under way when the service went down is still under way: its driver lives elsewhere.
 */
import type { RunChanges } from '../../shared/src/catalogue/workflows.ts'
import type { EventType } from '../../shared/src/catalogue.ts'
import type { RunStatus, WorkflowRun } from '../../shared/src/types/workflows.ts'
import { Problem } from '../base/errors.ts'
import { findRun, insertRun, saveRun } from '../db/rows/workflow-runs.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { checkBoardNamed } from './boards.ts'
import { freeStatus } from './free-status.ts'
import { newId } from './ids.ts'

export { listRuns } from '../db/rows/workflow-runs.ts'

const TOLD = {
  pending: 'workflow.run.updated',
  running: 'workflow.run.started',
  paused: 'workflow.run.updated',
  completed: 'workflow.run.completed',
  failed: 'workflow.run.failed',
  cancelled: 'workflow.run.updated',
} as const satisfies Record<RunStatus, EventType>

const life = freeStatus<RunStatus>('run', ['completed', 'failed', 'cancelled'])

export interface NewRun {
  readonly name: string
  readonly boardId?: string | null | undefined
  readonly status?: 'pending' | 'running' | undefined
}

/** A field that is not given stays as it is. */
export type RunEdit = { readonly [Field in 'status' | 'currentStep' | 'error']?: WorkflowRun[Field] | undefined }

/** Throws `workflow_run_not_found`. */
export async function getRun(sql: Sql, id: string): Promise<WorkflowRun> {
  const run = await findRun(sql, id)
  if (!run) throw new Problem('workflow_run_not_found', `There is no workflow run ${id}.`)
  return run
}

/** Makes a run; one made `running` is pending and started in the same breath. */
export async function createRun(tx: Tx, given: NewRun): Promise<WorkflowRun> {
  const boardId = given.boardId ?? null
  await checkBoardNamed(tx.sql, boardId)
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
  tx.emit('workflow.run.created', standingOf(pending))
  return given.status === 'running' ? save(tx, pending, { ...pending, status: 'running' }) : pending
}

/**
 * A change without effect is no event. Throws `invalid_transition` for a status after a final one; the other fields may
 * be told late.
 */
export async function updateRun(tx: Tx, id: string, { status, currentStep, error }: RunEdit): Promise<WorkflowRun> {
  const run = await getRun(tx.sql, id)
  const moves = status !== undefined && life.changes(run.status, status)
  const next: WorkflowRun = {
    ...run,
    status: moves ? status : run.status,
    currentStep: currentStep === undefined ? run.currentStep : currentStep,
    error: error === undefined ? run.error : error,
  }
  if (!moves && next.currentStep === run.currentStep && next.error === run.error) return run
  return save(tx, run, next)
}

async function save(tx: Tx, before: WorkflowRun, given: WorkflowRun): Promise<WorkflowRun> {
  const moves = given.status !== before.status
  const run: WorkflowRun = {
    ...given,
    startedAt: moves && given.status === 'running' ? (before.startedAt ?? tx.now) : before.startedAt,
    completedAt: moves && life.isFinal(given.status) ? tx.now : before.completedAt,
  }
  await saveRun(tx.sql, run)
  tx.emit(moves ? TOLD[run.status] : 'workflow.run.updated', { ...standingOf(run), changes: changesOf(before, run) })
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

function standingOf({ boardId, id, status, error }: WorkflowRun) {
  return { boardId: boardId ?? undefined, runId: id, status, error: error ?? undefined }
}
