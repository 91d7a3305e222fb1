/** The request that makes an event happen again. Each event type has one line here, or follows from others. */
import type { Method } from '../api/api.ts'
import type { DomainEvent, Fields } from './domain-event.ts'
import type { Ids } from './ids.ts'

export interface ReplayRequest {
  readonly method: Method
  /** Under `/api/v1`. */
  readonly path: string
  readonly body?: Fields
  /** Takes the ids that the server has made from its answer. */
  readonly learn?: (answer: Fields) => void
}

type Make = (data: Fields, ids: Ids, timestamp: number) => ReplayRequest

/** Undefined: the event follows from others, or does not say how it was made. */
export function requestOf({ type, data, timestamp }: DomainEvent, ids: Ids): ReplayRequest | undefined {
  return Object.hasOwn(REQUESTS, type) ? REQUESTS[type]?.(data, ids, timestamp) : undefined
}

const EDITABLE = [
  'title',
  'description',
  'ticketType',
  'priority',
  'labels',
  'stage',
  'assignedAgentId',
  'isEnhanced',
].concat(['prUrl', 'dependsOn'])

const REQUESTS: Readonly<Record<string, Make>> = {
  'board.created': ({ boardId, board }, ids) => {
    const { name, description, ticketPrefix, columns } = board as Fields
    const recorded = columns as readonly Fields[]
    return post(
      '/boards',
      {
        ...{ id: ids.board(boardId), name, description, ticketPrefix },
        columns: recorded.map(({ title, key }) => ({ title, key })),
      },
      (answer) => {
        for (const [index, column] of recorded.entries()) ids.learn(column.id, (answer.columns as Fields[])[index]?.id)
      },
    )
  },
  'board.updated': ({ boardId, changes }, ids) => patch(`/boards/${part(ids.board(boardId))}`, changes as Fields),
  'board.deleted': ({ boardId }, ids) => remove(`/boards/${part(ids.board(boardId))}`),

  'column.created': ({ boardId, column, index }, ids) => {
    const { id, title, key } = column as Fields
    return post(`/boards/${part(ids.board(boardId))}/columns`, { title, key, index }, (made) => ids.learn(id, made.id))
  },
  'column.updated': ({ columnId, changes }, ids) => patch(`/columns/${part(ids.of(columnId))}`, changes as Fields),
  'column.deleted': ({ columnId }, ids) => remove(`/columns/${part(ids.of(columnId))}`),

  'card.created': ({ boardId, card, columnId, index }, ids) => {
    const { id, title, description, ticketType, priority, labels, stage, dependsOn } = card as Fields
    const path = `/boards/${part(ids.board(boardId ?? (card as Fields).boardId))}/cards`
    return post(
      path,
      {
        // An assignment is an event of its own.
        ...given({ title, description, ticketType, priority, labels, stage, index }),
        ...given({ columnId: ids.column(columnId) }),
        dependsOn: ids.list(dependsOn),
      },
      (made) => ids.learn(id, made.id),
    )
  },
  'card.updated': changeOfCard,
  'card.stage.changed': changeOfCard,
  'card.assigned': changeOfCard,
  'card.moved': ({ cardId, toColumnId, newStatus, toIndex }, ids) => {
    const columnId = ids.column(toColumnId)
    const body = { columnId, columnKey: columnId === undefined ? newStatus : undefined, index: toIndex }
    return post(`/cards/${part(ids.of(cardId))}/move`, given(body))
  },
  'card.deleted': ({ cardId }, ids) => remove(`/cards/${part(ids.of(cardId))}`),

  'attempt.queued': ({ attemptId, cardId, agent }, ids) =>
    post(`/cards/${part(ids.of(cardId))}/attempts`, { agent }, (made) => ids.learn(attemptId, made.id)),
  'attempt.status.changed': ({ attemptId, status, exitCode, error }, ids) => {
    const path = `/attempts/${part(ids.of(attemptId))}`
    return status === 'stopping' ? post(`${path}/stop`, {}) : patch(path, given({ status, exitCode, error }))
  },
  'attempt.log.appended': ({ attemptId, level, message, ts, stream }, ids) =>
    post(`/attempts/${part(ids.of(attemptId))}/logs`, given({ level, message, ts, stream })),
  'attempt.conversation.appended': ({ attemptId, item }, ids) =>
    post(`/attempts/${part(ids.of(attemptId))}/conversation`, item as Fields),
  'attempt.session.recorded': ({ attemptId, sessionId, worktreePath }, ids) =>
    post(`/attempts/${part(ids.of(attemptId))}/session`, given({ sessionId: ids.of(sessionId), worktreePath })),
  'attempt.todos.updated': ({ attemptId, todos }, ids) => ({
    ...{ method: 'PUT', path: `/attempts/${part(ids.of(attemptId))}/todos` },
    body: { items: (todos as Fields).items },
  }),
  'github.pr.created': ({ attemptId, pr }, ids) => post(`/attempts/${part(ids.of(attemptId))}/pr`, given(pr as Fields)),

  'git.status.changed': (data, ids) => post(gitPath(data, ids, 'git/status'), ofAttempt(data, ids)),
  'git.commit.created': (data, ids) => post(gitPath(data, ids, 'git/commits'), ofAttempt(data, ids)),
  'git.push.completed': (data, ids) => post(gitPath(data, ids, 'git/pushes'), { ...ofAttempt(data, ids), ok: true }),
  'git.push.failed': (data, ids) => post(gitPath(data, ids, 'git/pushes'), { ...ofAttempt(data, ids), ok: false }),
  'git.operation.completed': (data, ids) => post(gitPath(data, ids, 'git/operations'), ofAttempt(data, ids)),
  'file.changed': (data, ids) => post(gitPath(data, ids, 'files/changes'), { changes: [ofAttempt(data, ids)] }),

  'agent.registered': ({ agent, label }) => post('/agents', { id: agent, label }),
  'agent.heartbeat': ({ agent_id }) => post(`/agents/${part(agent_id)}/heartbeat`, {}),
  'agent.output': ({ agentId, content }) => post(`/agents/${part(agentId)}/output`, { content }),
  'agent.output.batch': ({ agentId, lines }) => post(`/agents/${part(agentId)}/output`, { lines }),
  'topic.event': ({ topic, event, data }) => post(`/topics/${part(topic)}/events`, { event, data }),

  'message.new': ({ message_id, from_agent, to_agent, topic, content, priority, expires_at }, ids, timestamp) => {
    const ttl_seconds = Math.max(1, Math.round((Date.parse(String(expires_at)) - timestamp) / 1_000))
    const body = given({ from_agent, to_agent, topic, content, priority, ttl_seconds })
    return post('/messages', body, (made) => ids.learn(message_id, made.message_id))
  },
  'message.read': ({ message_id, agent_id }, ids) => post(`/messages/${part(ids.of(message_id))}/read`, { agent_id }),

  'task.created': ({ task_id, request_id, session_id, name, wave_number }, ids) => {
    const body = given({ request_id, session_id: ids.optional(session_id), name, wave_number })
    return post('/tasks', body, (made) => ids.learn(task_id, made.task_id))
  },
  'task.updated': changeOfTask,
  'task.completed': changeOfTask,
  'task.failed': changeOfTask,
  'subtask.created': ({ subtask_id, task_id, agent_type, agent_id, description, blocked_by }, ids) => {
    const body = given({ agent_type, agent_id, description, blocked_by: ids.list(blocked_by) })
    return post(`/tasks/${part(ids.of(task_id))}/subtasks`, body, (made) => ids.learn(subtask_id, made.subtask_id))
  },
  'subtask.updated': changeOfSubtask,
  'subtask.completed': changeOfSubtask,
  'subtask.failed': changeOfSubtask,

  'session.created': ({ sessionId, boardId, agentId, status }, ids) => {
    const body = given({ id: ids.named(sessionId), boardId: ids.optionalBoard(boardId), agentId, status })
    return post('/sessions', body, (made) => ids.learn(sessionId, made.id))
  },
  'session.updated': changeOfSession,
  'session.completed': changeOfSession,
  'session.error': changeOfSession,
  'session.cancelled': changeOfSession,
  'session.stream_output': ({ sessionId, content, type }, ids) =>
    post(`/sessions/${part(ids.of(sessionId))}/output`, { content, type }),

  // The name of a run is in none of its events.
  'workflow.run.created': ({ runId, boardId }, ids) =>
    post('/workflow-runs', given({ name: runId, boardId: ids.optionalBoard(boardId) }), (made) =>
      ids.learn(runId, made.id),
    ),
  'workflow.run.started': changeOfRun,
  'workflow.run.updated': changeOfRun,
  'workflow.run.completed': changeOfRun,
  'workflow.run.failed': changeOfRun,
  'workflow.run.step.created': ({ runId, stepId, name }, ids) =>
    post(`/workflow-runs/${part(ids.of(runId))}/steps`, { name }, (made) => ids.learn(stepId, made.id)),
  'workflow.run.step.started': (data, ids) => changeOfStep(data, ids, 'running'),
  'workflow.run.step.progress': (data, ids) => changeOfStep(data, ids, undefined),
  'workflow.run.step.completed': (data, ids) => changeOfStep(data, ids, 'completed'),
  'workflow.run.step.failed': (data, ids) => changeOfStep(data, ids, 'failed'),

  'shell.created': ({ shellId, boardId, attemptId, command }, ids) => {
    const board = attemptId === undefined ? ids.optionalBoard(boardId) : undefined
    const body = given({ id: ids.named(shellId), boardId: board, attemptId: ids.optional(attemptId), command })
    return post('/shells', body, (made) => ids.learn(shellId, made.id))
  },
  'shell.output': ({ shellId, data }, ids) => post(`/shells/${part(ids.of(shellId))}/output`, { data }),
  'shell.exit': ({ shellId, code }, ids) => post(`/shells/${part(ids.of(shellId))}/exit`, { code }),
  'shell.error': ({ shellId, error }, ids) => post(`/shells/${part(ids.of(shellId))}/error`, { error }),
}

/** The types that are replayed. */
export const REPLAYED: readonly string[] = Object.keys(REQUESTS)

function changeOfCard({ cardId, changes }: Fields, ids: Ids): ReplayRequest {
  const fields = Object.entries(changes as Fields).filter(([name]) => EDITABLE.includes(name))
  const body = fields.map(([name, value]) => [name, name === 'dependsOn' ? ids.list(value) : value])
  return patch(`/cards/${part(ids.of(cardId))}`, Object.fromEntries(body))
}

function changeOfTask({ task_id, name, wave_number, status }: Fields, ids: Ids): ReplayRequest {
  return patch(`/tasks/${part(ids.of(task_id))}`, given({ name, wave_number, status }))
}

function changeOfSubtask(data: Fields, ids: Ids): ReplayRequest {
  const { subtask_id, agent_type, agent_id, description, status, blocked_by, result } = data
  const fields = { agent_type, agent_id, description, status, blocked_by: ids.list(blocked_by), result }
  return patch(`/subtasks/${part(ids.of(subtask_id))}`, given(fields))
}

function changeOfSession({ sessionId, status, error }: Fields, ids: Ids): ReplayRequest {
  return patch(`/sessions/${part(ids.of(sessionId))}`, given({ status, error }))
}

function changeOfRun({ runId, status, changes = {}, error }: Fields, ids: Ids): ReplayRequest {
  const { currentStep } = changes as Fields
  return patch(`/workflow-runs/${part(ids.of(runId))}`, given({ status, currentStep, error }))
}

function changeOfStep({ runId, stepId, progress, error }: Fields, ids: Ids, status: string | undefined): ReplayRequest {
  const { current, total } = (progress ?? {}) as Fields
  const body = given({ status, progress: progress === undefined ? undefined : { current, total }, error })
  return patch(`/workflow-runs/${part(ids.of(runId))}/steps/${part(ids.of(stepId))}`, body)
}

function gitPath({ boardId }: Fields, ids: Ids, rest: string): string {
  return `/boards/${part(ids.board(boardId))}/${rest}`
}

/** Without what only `global` shows, and with the attempt as it is now. */
function ofAttempt({ boardId: _board, cardId: _card, attemptId, ...data }: Fields, ids: Ids): Fields {
  return given({ ...data, attemptId: ids.optional(attemptId) })
}

function post(path: string, body: Fields, learn?: (answer: Fields) => void): ReplayRequest {
  return { method: 'POST', path, body, ...(learn && { learn }) }
}

function patch(path: string, body: Fields): ReplayRequest {
  return { method: 'PATCH', path, body }
}

function remove(path: string): ReplayRequest {
  return { method: 'DELETE', path }
}

function part(id: unknown): string {
  return encodeURIComponent(String(id))
}

/** Without the fields that have no value. */
function given(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))
}
