/** Steps of workflow runs. They are told of on the run's channel and on its board's. */
import type { EventType } from '../../shared/src/catalogue.ts'
import type { Progress, StepStatus, WorkflowRun, WorkflowStep } from '../../shared/src/types/workflows.ts'
import { Problem } from '../base/errors.ts'
import { findStep, insertStep, listSteps, saveStep } from '../db/rows/workflow-steps.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { freeStatus } from './free-status.ts'
import { newId } from './ids.ts'
import { getRun } from './workflow-runs.ts'

const PROGRESS = 'workflow.run.step.progress'

/** What was skipped or cancelled neither ended well nor failed, so it must not be told as either. */
const TOLD = {
  pending: PROGRESS,
  running: 'workflow.run.step.started',
  completed: 'workflow.run.step.completed',
  failed: 'workflow.run.step.failed',
  skipped: PROGRESS,
  cancelled: PROGRESS,
} as const satisfies Record<StepStatus, EventType>

const life = freeStatus<StepStatus>('step', ['completed', 'failed', 'skipped', 'cancelled'])

export interface NewStep {
  readonly name: string
  readonly phase?: string | null | undefined
  readonly status?: 'pending' | 'running' | undefined
}

/** A field that is not given stays as it is. */
export interface StepEdit {
  readonly status?: StepStatus | undefined
  readonly progress?: Pick<Progress, 'current' | 'total'> | undefined
  readonly error?: string | null | undefined
}

/** Throws `workflow_run_not_found`; `step_not_found` also for a step of another run. */
export async function getStep(sql: Sql, runId: string, id: string): Promise<WorkflowStep> {
  await getRun(sql, runId)
  return mustFindStep(sql, runId, id)
}

/** In the order in which they were made. Throws `workflow_run_not_found`. */
export async function listStepsOfRun(sql: Sql, runId: string, limit: number): Promise<WorkflowStep[]> {
  await getRun(sql, runId)
  return listSteps(sql, runId, limit)
}

/** Makes a step, also of a run that has ended; one made `running` is pending and started in the same breath. */
export async function createStep(tx: Tx, runId: string, given: NewStep): Promise<WorkflowStep> {
  const run = await getRun(tx.sql, runId)
  const step: WorkflowStep = {
    id: newId('stp'),
    runId,
    name: given.name,
    phase: given.phase ?? null,
    status: given.status ?? 'pending',
    progress: null,
    error: null,
  }
  await insertStep(tx.sql, step)
  tx.emit('workflow.run.step.created', standingOf(run, step))
  if (step.status === 'running') tx.emit(TOLD.running, standingOf(run, step))
  return step
}

/**
 * Tells a start before the progress that comes with it, and an end after it. A change without effect is no event.
 * Throws `invalid_transition` for a status after a final one; progress and error may be told late.
 */
export async function updateStep(
  tx: Tx,
  { runId, stepId }: { runId: string; stepId: string },
  { status, progress, error }: StepEdit,
): Promise<WorkflowStep> {
  const run = await getRun(tx.sql, runId)
  const step = await mustFindStep(tx.sql, runId, stepId)
  const moves = status !== undefined && life.changes(step.status, status)
  const next: WorkflowStep = {
    ...step,
    status: moves ? status : step.status,
    progress: progress ? withPercentage(progress) : step.progress,
    error: error === undefined ? step.error : error,
  }
  const progresses = next.progress?.current !== step.progress?.current || next.progress?.total !== step.progress?.total
  if (!moves && !progresses && next.error === step.error) return step
  await saveStep(tx.sql, next)
  for (const type of told(moves ? TOLD[next.status] : PROGRESS, progresses)) tx.emit(type, standingOf(run, next))
  return next
}

/** Whole percents; 100 only when all is done, 0 when nobody knows how much there is. */
export function withPercentage({ current, total }: Pick<Progress, 'current' | 'total'>): Progress {
  const share = total === 0 ? 0 : current / total
  return { current, total, percentage: share >= 1 ? 100 : Math.min(Math.round(share * 100), 99) }
}

type Told = (typeof TOLD)[StepStatus]

function told(type: Told, progresses: boolean): readonly Told[] {
  if (!progresses || type === PROGRESS) return [type]
  return type === TOLD.running ? [type, PROGRESS] : [PROGRESS, type]
}

async function mustFindStep(sql: Sql, runId: string, id: string): Promise<WorkflowStep> {
  const step = await findStep(sql, runId, id)
  if (!step) throw new Problem('step_not_found', `The workflow run ${runId} has no step ${id}.`)
  return step
}

function standingOf({ boardId }: WorkflowRun, { id, runId, name, progress, error }: WorkflowStep) {
  return {
    boardId: boardId ?? undefined,
    runId,
    stepId: id,
    name,
    progress: progress ?? undefined,
    error: error ?? undefined,
  }
}
