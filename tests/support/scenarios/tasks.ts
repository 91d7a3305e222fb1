/** Scenarios of tasks and subtasks. The session has the name of the agent. */
import type { taskEvents } from '../../../shared/src/catalogue/tasks.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import type { Subtask, Task } from '../../../shared/src/types/tasks.ts'
import { boardWithCard, NOWHERE, newAgentId, type Scenario, send } from './scenario.ts'

const NAME = 'Änderung\u0000\nof "two" lines'

/** A task that is changed by `changes`; without them, one that is created. */
function taskScenario(type: EventType & `task.${string}`, changes?: Partial<Task>): Scenario {
  return async (server) => {
    const { boardId, cardId } = await boardWithCard(server)
    const agentId = newAgentId()
    const body = { name: NAME, session_id: agentId, request_id: 'req 1', wave_number: 3 }
    const made = changes && (await send<Task>(server, 'POST', '/tasks', body)).answer
    return {
      ...NOWHERE,
      boardId,
      cardId,
      agentId,
      async act() {
        const { answer, eventId } = made
          ? await send<Task>(server, 'PATCH', `/tasks/${made.task_id}`, changes)
          : await send<Task>(server, 'POST', '/tasks', body)
        const shown = {
          task_id: made?.task_id ?? answer.task_id,
          request_id: 'req 1',
          session_id: agentId,
          name: NAME,
          wave_number: 3,
          status: changes?.status ?? 'pending',
          created_at: made?.created_at ?? answer.created_at,
          completed_at: answer.completed_at,
        }
        const at = made ? answer.completed_at : answer.created_at
        return { eventId, ...(at && { at }), sequence: [type], full: shown, shows: { session: [type, shown] } }
      },
    }
  }
}

/** A subtask that is changed by `changes`; without them, one that is created. */
function subtaskScenario(type: EventType & `subtask.${string}`, changes?: Partial<Subtask>): Scenario {
  return async (server) => {
    const { boardId, cardId } = await boardWithCard(server)
    const agentId = newAgentId()
    const { answer: task } = await send<Task>(server, 'POST', '/tasks', { name: 'Whole' })
    const path = `/tasks/${task.task_id}/subtasks`
    const { answer: other } = await send<Subtask>(server, 'POST', path, { description: 'First' })
    const body = {
      description: NAME,
      agent_id: agentId,
      agent_type: `${agentId}-type`,
      blocked_by: [other.subtask_id],
      result: { lone: '\ud800', list: [1, null] },
    }
    const made = changes && (await send<Subtask>(server, 'POST', path, body)).answer
    return {
      ...NOWHERE,
      boardId,
      cardId,
      agentId,
      async act() {
        const { answer, eventId } = made
          ? await send<Subtask>(server, 'PATCH', `/subtasks/${made.subtask_id}`, changes)
          : await send<Subtask>(server, 'POST', path, body)
        const shown = {
          subtask_id: made?.subtask_id ?? answer.subtask_id,
          task_id: task.task_id,
          agent_type: body.agent_type,
          agent_id: agentId,
          description: NAME,
          status: changes?.status ?? 'pending',
          blocked_by: body.blocked_by,
          result: body.result,
          created_at: made?.created_at ?? answer.created_at,
          started_at: answer.started_at,
          completed_at: answer.completed_at,
        }
        const at = made ? (answer.completed_at ?? answer.started_at) : answer.created_at
        return { eventId, ...(at && { at }), sequence: [type], full: shown, shows: { agent: [type, shown] } }
      },
    }
  }
}

export const taskScenarios = {
  'task.created': taskScenario('task.created'),
  'task.updated': taskScenario('task.updated', { status: 'blocked' }),
  'task.completed': taskScenario('task.completed', { status: 'completed' }),
  'task.failed': taskScenario('task.failed', { status: 'failed' }),
  'subtask.created': subtaskScenario('subtask.created'),
  'subtask.updated': subtaskScenario('subtask.updated', { status: 'running' }),
  'subtask.completed': subtaskScenario('subtask.completed', { status: 'completed' }),
  'subtask.failed': subtaskScenario('subtask.failed', { status: 'failed' }),
} satisfies Record<EventType & keyof typeof taskEvents, Scenario>
