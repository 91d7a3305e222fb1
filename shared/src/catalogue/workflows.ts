import * as z from 'zod'
import { named } from '../names.ts'
import { runId, stepId } from '../types/ids.ts'
import { boardId } from '../types/kanban.ts'
import { progress, type RunStatus, workflowRun, workflowStep } from '../types/workflows.ts'
import { event } from './define.ts'
import { exampleIds, exampleTime } from './examples.ts'

const about = z.strictObject({ boardId: boardId.optional() })
const exampleAbout = { boardId: exampleIds.board }
const onRunAndProject = (name: string) =>
  [
    { channel: 'workflow', event: name },
    { channel: 'project', event: name },
  ] as const

/** The changed fields of a run: applied to the run as it was, they give the run as it is. */
export const runChanges = named(
  'WorkflowRunChanges',
  workflowRun.omit({ id: true, boardId: true, name: true }).partial(),
)
export type RunChanges = z.infer<typeof runChanges>

/** `error` is present if the run has one. */
const run = z.strictObject({
  runId,
  status: workflowRun.shape.status,
  changes: runChanges.optional(),
  error: workflowRun.shape.error.unwrap().optional(),
})

/** `progress` and `error` are present if the step has them. */
const step = z.strictObject({
  runId,
  stepId,
  name: workflowStep.shape.name,
  progress: progress.optional(),
  error: workflowStep.shape.error.unwrap().optional(),
})

const half = { current: 59, total: 118, percentage: 50 }
const whole = { current: 118, total: 118, percentage: 100 }

export const workflowEvents = {
  'workflow.run.created': runEvent('workflow.run.created', 'A workflow run was created.', { status: 'pending' }),
  'workflow.run.started': runEvent('workflow.run.started', 'A workflow run started, or continued.', {
    status: 'running',
    changes: { status: 'running', startedAt: exampleTime },
  }),
  'workflow.run.updated': runEvent(
    'workflow.run.updated',
    'A run changed in another way: it waits, is paused or cancelled, or is at another step.',
    { status: 'running', changes: { currentStep: 'test' } },
  ),
  'workflow.run.completed': runEvent('workflow.run.completed', 'A workflow run completed.', {
    status: 'completed',
    changes: { status: 'completed', completedAt: exampleTime },
  }),
  'workflow.run.failed': runEvent('workflow.run.failed', 'A workflow run failed.', {
    status: 'failed',
    changes: { status: 'failed', error: '3 tests failed', completedAt: exampleTime },
    error: '3 tests failed',
  }),
  'workflow.run.step.created': stepEvent('workflow.run.step.created', 'A step was added to a workflow run.', {}),
  'workflow.run.step.started': stepEvent('workflow.run.step.started', 'A step started.', {}),
  'workflow.run.step.progress': stepEvent(
    'workflow.run.step.progress',
    'A step got on, or changed without being started, completed or failed: skipped, cancelled, waiting again.',
    { progress: half },
  ),
  'workflow.run.step.completed': stepEvent('workflow.run.step.completed', 'A step completed.', { progress: whole }),
  'workflow.run.step.failed': stepEvent('workflow.run.step.failed', 'A step failed.', {
    progress: half,
    error: '3 tests failed',
  }),
}

function runEvent(name: string, summary: string, told: { status: RunStatus; changes?: RunChanges; error?: string }) {
  return event({
    summary,
    about,
    shows: run,
    example: { ...exampleAbout, runId: exampleIds.run, ...told },
    to: onRunAndProject(name),
  })
}

function stepEvent(name: string, summary: string, told: Partial<Pick<z.infer<typeof step>, 'progress' | 'error'>>) {
  return event({
    summary,
    about,
    shows: step,
    example: { ...exampleAbout, runId: exampleIds.run, stepId: exampleIds.step, name: 'test', ...told },
    to: onRunAndProject(name),
  })
}
