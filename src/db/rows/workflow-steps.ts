/** Rows of workflow steps. `position` is their insertion order. */
import type { Progress, StepStatus, WorkflowStep } from '../../../shared/src/types/workflows.ts'
import type { Sql } from '../sql.ts'

interface StepRow {
  id: string
  run_id: string
  name: string
  phase: string | null
  status: StepStatus
  progress: string | null
  error: string | null
}

const SELECT = 'SELECT id, run_id, name, phase, status, progress, error FROM workflow_steps'

export async function findStep(sql: Sql, runId: string, id: string): Promise<WorkflowStep | undefined> {
  const row = await sql.get<StepRow>(`${SELECT} WHERE id = ? AND run_id = ?`, [id, runId])
  return row && toStep(row)
}

/** At most `limit` steps of a run, oldest first. */
export async function listSteps(sql: Sql, runId: string, limit: number): Promise<WorkflowStep[]> {
  const rows = await sql.all<StepRow>(`${SELECT} WHERE run_id = ? ORDER BY position LIMIT ?`, [runId, limit])
  return rows.map(toStep)
}

export async function insertStep(sql: Sql, step: WorkflowStep): Promise<void> {
  await sql.run(
    'INSERT INTO workflow_steps (id, run_id, name, phase, status, progress, error) VALUES (?, ?, ?, ?, ?, ?, ?)',
    [step.id, step.runId, step.name, step.phase, step.status, progressText(step), step.error],
  )
}

/** Saves the fields that may change. */
export async function saveStep(sql: Sql, step: WorkflowStep): Promise<void> {
  await sql.run('UPDATE workflow_steps SET status = ?, progress = ?, error = ? WHERE id = ?', [
    step.status,
    progressText(step),
    step.error,
    step.id,
  ])
}

function progressText({ progress }: WorkflowStep): string | null {
  return progress && JSON.stringify(progress)
}

function toStep(row: StepRow): WorkflowStep {
  return {
    id: row.id,
    runId: row.run_id,
    name: row.name,
    phase: row.phase,
    status: row.status,
    progress: row.progress === null ? null : (JSON.parse(row.progress) as Progress),
    error: row.error,
  }
}
