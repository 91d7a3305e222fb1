/** Steps of workflow runs. Their events go to the channel of the run and to that of its board. */
import type { EventType } from '../../shared/src/catalogue.ts'
import type { Progress, StepStatus, WorkflowRun, WorkflowStep } from '../../shared/src/types/workflows.ts'
import { Problem } from '../base/errors.ts'
import { findStep, insertStep, listSteps, saveStep } from '../db/rows/workflow-steps.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { newId } from './ids.ts'
import { statusRules } from './status-rules.ts'
import { getRun } from './workflow-runs.ts'

const PROGRESS = 'workflow.run.step.progress'

/** A skipped or cancelled step has neither completed nor failed, so it emits neither event. */
const STATUS_EVENTS = {
  pending: PROGRESS,
  running: 'workflow.run.step.started',
  completed: 'workflow.run.step.completed',
  failed: 'workflow.run.step.failed',
  skipped: PROGRESS,
  cancelled: PROGRESS,
} as const satisfies Record<StepStatus, EventType>

const statuses = statusRules<StepStatus>('step', ['completed', 'failed', 'skipped', 'cancelled'])

export interface NewStep {
  readonly name: string
  readonly phase?: string | null | undefined
  readonly status?: 'pending' | 'running' | undefined
}

/** Fields that are left out keep their value. */
export interface StepEdit {
  readonly status?: StepStatus | undefined
  readonly progress?: Pick<Progress, 'current' | 'total'> | undefined
  readonly error?: string | null | undefined
}

/** Throws `workflow_run_not_found`, or `step_not_found`, also for a step of another run. */
export async function getStep(sql: Sql, runId: string, id: string): Promise<WorkflowStep> {
  await getRun(sql, runId)
  return requireStep(sql, runId, id)
}

/** At most `limit` steps, oldest first. Throws `workflow_run_not_found`. */
export async function listStepsOfRun(sql: Sql, runId: string, limit: number): Promise<WorkflowStep[]> {
  await getRun(sql, runId)
  return listSteps(sql, runId, limit)
}

/**
 * Creates a step, also for a run that has ended. With `running` it emits both the creation and the start. Throws
 * `workflow_run_not_found`.
 */
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
  tx.emit('workflow.run.step.created', payloadOf(run, step))
  if (step.status === 'running') tx.emit(STATUS_EVENTS.running, payloadOf(run, step))
  return step
}

/**
 * Emits a start before the progress that came with it, and an end after it; nothing when nothing changes. Throws
 * `workflow_run_not_found`, `step_not_found`, or `invalid_transition` for a status after a final one; progress and error
 * may still change then.
 */
export async function updateStep(
  tx: Tx,
  { runId, stepId }: { runId: string; stepId: string },
  { status, progress, error }: StepEdit,
): Promise<WorkflowStep> {
  const run = await getRun(tx.sql, runId)
  const step = await requireStep(tx.sql, runId, stepId)
  const isOtherStatus = status !== undefined && statuses.checkChange(step.status, status)
  const next: WorkflowStep = {
    ...step,
    status: isOtherStatus ? status : step.status,
    progress: progress ? withPercentage(progress) : step.progress,
    error: error === undefined ? step.error : error,
  }
  const hasProgress = next.progress?.current !== step.progress?.current || next.progress?.total !== step.progress?.total
  if (!isOtherStatus && !hasProgress && next.error === step.error) return step
  await saveStep(tx.sql, next)
  const types = withProgress(isOtherStatus ? STATUS_EVENTS[next.status] : PROGRESS, hasProgress)
  for (const type of types) tx.emit(type, payloadOf(run, next))
  return next
}

/** Whole per cent: 100 only when everything is done, 0 when the total is unknown (0). */
export function withPercentage({ current, total }: Pick<Progress, 'current' | 'total'>): Progress {
  const share = total === 0 ? 0 : current / total
  return { current, total, percentage: share >= 1 ? 100 : Math.min(Math.round(share * 100), 99) }
}

type StepEvent = (typeof STATUS_EVENTS)[StepStatus]

function withProgress(type: StepEvent, hasProgress: boolean): readonly StepEvent[] {
  if (!hasProgress || type === PROGRESS) return [type]
  return type === STATUS_EVENTS.running ? [type, PROGRESS] : [PROGRESS, type]
}

async function requireStep(sql: Sql, runId: string, id: string): Promise<WorkflowStep> {
  const step = await findStep(sql, runId, id)
  if (!step) throw new Problem('step_not_found', `The workflow run ${runId} has no step ${id}.`)
  return step
}

function payloadOf({ boardId }: WorkflowRun, { id, runId, name, progress, error }: WorkflowStep) {
  return {
    boardId: boardId ?? undefined,
    runId,
    stepId: id,
    name,
    progress: progress ?? undefined,
    error: error ?? undefined,
  }
}
