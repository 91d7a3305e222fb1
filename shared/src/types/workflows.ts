/** Workflow runs and their steps, as they are stored and sent. Types are inferred from the schemas. */
import * as z from 'zod'
import { named } from '../names.ts'
import { runId, stepId } from './ids.ts'
import { boardId } from './kanban.ts'
import { text } from './text.ts'
import { timestamp } from './time.ts'

const error = text(0, 65_536).nullable()

export const runStatus = named(
  'RunStatus',
  z.enum(['pending', 'running', 'paused', 'completed', 'failed', 'cancelled']),
)
export type RunStatus = z.infer<typeof runStatus>

export const workflowRun = named(
  'WorkflowRun',
  z.strictObject({
    id: runId,
    boardId: boardId.nullable(),
    name: text(1, 200),
    status: runStatus,
    currentStep: text(0, 200).nullable(),
    error,
    /** When it was first running. */
    startedAt: timestamp.nullable(),
    completedAt: timestamp.nullable(),
  }),
)
export type WorkflowRun = z.infer<typeof workflowRun>

export const stepStatus = named(
  'StepStatus',
  z.enum(['pending', 'running', 'completed', 'failed', 'skipped', 'cancelled']),
)
export type StepStatus = z.infer<typeof stepStatus>

export const progress = named(
  'Progress',
  z.strictObject({
    current: z.number().min(0),
    total: z.number().min(0),
    /** 100 only if all of it is done. */
    percentage: z.int().min(0).max(100),
  }),
)
export type Progress = z.infer<typeof progress>

export const workflowStep = named(
  'WorkflowStep',
  z.strictObject({
    id: stepId,
    runId,
    name: text(1, 200),
    phase: text(0, 200).nullable(),
    status: stepStatus,
    progress: progress.nullable(),
    error,
  }),
)
export type WorkflowStep = z.infer<typeof workflowStep>
