/** A run of a workflow, and its steps. */
import type { RunStatus, StepStatus, WorkflowRun, WorkflowStep } from '../../../shared/src/types/workflows.ts'
import type { Frame, HubCore } from '../base/types.ts'
import { RELOAD, Resource } from './resource.ts'
import type { Standing } from './resource-state.ts'
import { storesPerHub } from './store-set.ts'

export interface WorkflowRunValue extends Standing {
  readonly run: WorkflowRun | null
  /** In the order in which they were created. */
  readonly steps: readonly WorkflowStep[]
  readonly done: boolean
}

export const NO_RUN: WorkflowRunValue = { phase: 'loading', error: null, run: null, steps: [], done: false }

interface RunState {
  run: WorkflowRun
  steps: readonly WorkflowStep[]
}

const FINAL: ReadonlySet<string> = new Set<RunStatus>(['completed', 'failed', 'cancelled'])
const STEP = 'workflow.run.step.'
const STATUS: Readonly<Record<string, StepStatus>> = { started: 'running', completed: 'completed', failed: 'failed' }

export function openWorkflowRun(hub: HubCore, id: string, changed: () => void) {
  const path = `/workflow-runs/${encodeURIComponent(id)}`
  return new Resource<RunState, WorkflowRunValue>(
    hub,
    {
      channels: [`workflow:run:${id}`],
      types: ['workflow.*'],
      async load() {
        const [run, steps] = await Promise.all([
          hub.request<WorkflowRun>('GET', path),
          hub.request<{ steps: WorkflowStep[] }>('GET', `${path}/steps?limit=1000`),
        ])
        return { value: { run: run.body, steps: steps.body.steps } }
      },
      apply: (state, frame) => (frame.event.startsWith(STEP) ? applyStep(state, frame) : applyRun(state, frame)),
      show: (state, standing) => ({
        ...standing,
        run: state?.run ?? null,
        steps: state?.steps ?? [],
        done: state !== null && FINAL.has(state.run.status),
      }),
    },
    changed,
  )
}

function applyRun(state: RunState, { data }: Frame): RunState {
  const { status, changes } = data as { status: RunStatus; changes?: Partial<WorkflowRun> }
  state.run = { ...state.run, ...changes, status }
  return state
}

/** Events do not contain the phase of a new step, nor whether a step was skipped, cancelled or reset (WR13). */
function applyStep(state: RunState, { event, data }: Frame): RunState | typeof RELOAD {
  const { runId, stepId, name, progress, error } = data as {
    runId: string
    stepId: string
    name: string
    progress?: WorkflowStep['progress']
    error?: string
  }
  const status = STATUS[event.slice(STEP.length)]
  const before = state.steps.find(({ id }) => id === stepId)
  const after: WorkflowStep = {
    ...(before ?? { id: stepId, runId, phase: null, status: 'pending' }),
    name,
    progress: progress ?? null,
    error: error ?? null,
    ...(status && { status }),
  }
  state.steps = before ? state.steps.map((step) => (step === before ? after : step)) : [...state.steps, after]
  return status ? state : RELOAD
}

export const workflowRun = /* @__PURE__ */ storesPerHub(NO_RUN, openWorkflowRun)
