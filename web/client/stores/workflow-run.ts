/** One run of a workflow, and its steps. */
import type { RunStatus, StepStatus, WorkflowRun, WorkflowStep } from '../../../shared/src/types/workflows.ts'
import type { HubCore } from '../core/hub-core.ts'
import type { Frame } from '../core/types.ts'
import { perHub } from './per-hub.ts'
import { type Consequence, type ResourceStore, resourceStore, type Standing } from './resource.ts'

export interface WorkflowRunValue extends Standing {
  readonly run: WorkflowRun | null
  /** In the order in which they were made. */
  readonly steps: readonly WorkflowStep[]
  readonly done: boolean
}

interface Known {
  run: WorkflowRun
  steps: readonly WorkflowStep[]
}

const FINAL: ReadonlySet<string> = new Set<RunStatus>(['completed', 'failed', 'cancelled'])
const STEP = 'workflow.run.step.'
const STATUS: Readonly<Record<string, StepStatus>> = { started: 'running', completed: 'completed', failed: 'failed' }

export function workflowRunStore(hub: HubCore, id: string): ResourceStore<WorkflowRunValue> {
  const path = `/workflow-runs/${encodeURIComponent(id)}`
  return resourceStore<Known, WorkflowRunValue>(hub, {
    channels: [`workflow:run:${id}`],
    types: ['workflow.*'],
    async load() {
      const [run, steps] = await Promise.all([
        hub.request<WorkflowRun>('GET', path),
        hub.request<{ steps: WorkflowStep[] }>('GET', `${path}/steps?limit=1000`),
      ])
      return { value: { run: run.body, steps: steps.body.steps } }
    },
    fold: (known, frame) => (frame.event.startsWith(STEP) ? foldStep(known, frame) : foldRun(known, frame)),
    show: (known, standing) => ({
      ...standing,
      run: known?.run ?? null,
      steps: known?.steps ?? [],
      done: known !== null && FINAL.has(known.run.status),
    }),
  })
}

function foldRun(known: Known, { data }: Frame): undefined {
  const { status, changes } = data as { status: RunStatus; changes?: Partial<WorkflowRun> }
  known.run = { ...known.run, ...changes, status }
}

/** Events do not tell the phase of a new step, nor whether one that got on was skipped, cancelled or put back (WR13). */
function foldStep(known: Known, { event, data }: Frame): Consequence {
  const { runId, stepId, name, progress, error } = data as {
    runId: string
    stepId: string
    name: string
    progress?: WorkflowStep['progress']
    error?: string
  }
  const what = event.slice(STEP.length)
  const before = known.steps.find(({ id }) => id === stepId)
  const after: WorkflowStep = {
    ...(before ?? { id: stepId, runId, phase: null, status: 'pending' }),
    name,
    progress: progress ?? null,
    error: error ?? null,
    ...(STATUS[what] && { status: STATUS[what] }),
  }
  known.steps = before ? known.steps.map((step) => (step === before ? after : step)) : [...known.steps, after]
  return STATUS[what] ? undefined : 'again'
}

export const workflowRun = /* @__PURE__ */ perHub(workflowRunStore)
