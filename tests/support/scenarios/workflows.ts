/** Scenarios of workflow runs and their steps. */

import type { workflowEvents } from '../../../shared/src/catalogue/workflows.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import type { WorkflowRun, WorkflowStep } from '../../../shared/src/types/workflows.ts'
import { makeBoard } from '../board.ts'
import type { TestServer } from '../server.ts'
import { type Happened, NOWHERE, newAgentId, type Scenario, send } from './scenario.ts'

type Name = EventType & keyof typeof workflowEvents

/** A run on a board, with a step. */
async function running(server: TestServer) {
  const { id: boardId } = await makeBoard(server)
  const { id: runId } = await server.post<WorkflowRun>('/workflow-runs', { name: 'CI', boardId, status: 'running' })
  const step = await server.post<WorkflowStep>(`/workflow-runs/${runId}/steps`, { name: 'tëst' })
  return { ...NOWHERE, agentId: newAgentId(), boardId, runId, stepId: step.id }
}

/** One event, which is the same on the run and on the project. */
function alike(name: Name, boardId: string, shown: object): Pick<Happened, 'sequence' | 'full' | 'shows'> {
  return { sequence: [name], full: { boardId, ...shown }, shows: { workflow: [name, shown], project: [name, shown] } }
}

function runTold(name: Name, body: object, shown: (run: WorkflowRun) => object): Scenario {
  return async (server) => {
    const scene = await running(server)
    if (name === 'workflow.run.started')
      await send(server, 'PATCH', `/workflow-runs/${scene.runId}`, { status: 'paused' })
    return {
      ...scene,
      async act() {
        const { answer, eventId } = await send<WorkflowRun>(server, 'PATCH', `/workflow-runs/${scene.runId}`, body)
        const at = answer.completedAt
        return {
          eventId,
          ...(at !== null && { at }),
          ...alike(name, scene.boardId, { runId: scene.runId, ...shown(answer) }),
        }
      },
    }
  }
}

function stepTold(name: Name, body: object, shown: object): Scenario {
  return async (server) => {
    const { stepId, ...scene } = await running(server)
    return {
      ...scene,
      async act() {
        const { eventId } = await send(server, 'PATCH', `/workflow-runs/${scene.runId}/steps/${stepId}`, body)
        return { eventId, ...alike(name, scene.boardId, { runId: scene.runId, stepId, name: 'tëst', ...shown }) }
      },
    }
  }
}

export const workflowScenarios = {
  'workflow.run.created': async (server) => {
    const { runId: _, ...scene } = await running(server)
    return {
      ...scene,
      async act() {
        const { answer, eventId } = await send<WorkflowRun>(server, 'POST', '/workflow-runs', {
          name: 'Another',
          boardId: scene.boardId,
        })
        const shown = { runId: answer.id, status: 'pending' }
        return { eventId, ...alike('workflow.run.created', scene.boardId, shown), made: { runId: answer.id } }
      },
    }
  },
  'workflow.run.started': runTold('workflow.run.started', { status: 'running', currentStep: 'build' }, () => ({
    status: 'running',
    changes: { status: 'running', currentStep: 'build' },
  })),
  'workflow.run.updated': runTold('workflow.run.updated', { status: 'cancelled' }, ({ completedAt }) => ({
    status: 'cancelled',
    changes: { status: 'cancelled', completedAt },
  })),
  'workflow.run.completed': runTold('workflow.run.completed', { status: 'completed' }, ({ completedAt }) => ({
    status: 'completed',
    changes: { status: 'completed', completedAt },
  })),
  'workflow.run.failed': runTold(
    'workflow.run.failed',
    { status: 'failed', error: 'no\u0000\n' },
    ({ completedAt }) => ({
      status: 'failed',
      changes: { status: 'failed', error: 'no\u0000\n', completedAt },
      error: 'no\u0000\n',
    }),
  ),
  'workflow.run.step.created': async (server) => {
    const { stepId: _, ...scene } = await running(server)
    return {
      ...scene,
      async act() {
        const path = `/workflow-runs/${scene.runId}/steps`
        const { answer, eventId } = await send<WorkflowStep>(server, 'POST', path, { name: 'lint', phase: 'checks' })
        const shown = { runId: scene.runId, stepId: answer.id, name: 'lint' }
        return { eventId, ...alike('workflow.run.step.created', scene.boardId, shown) }
      },
    }
  },
  'workflow.run.step.started': stepTold('workflow.run.step.started', { status: 'running' }, {}),
  'workflow.run.step.progress': stepTold(
    'workflow.run.step.progress',
    { progress: { current: 1, total: 3 } },
    { progress: { current: 1, total: 3, percentage: 33 } },
  ),
  'workflow.run.step.completed': stepTold('workflow.run.step.completed', { status: 'completed' }, {}),
  'workflow.run.step.failed': stepTold(
    'workflow.run.step.failed',
    { status: 'failed', error: 'exit 1' },
    { error: 'exit 1' },
  ),
} satisfies Record<Name, Scenario>
