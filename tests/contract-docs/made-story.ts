/** The things of the examples, on a server. */
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import type { TestServer } from '../support/server.ts'

/** The things that the examples are about. The result puts their ids into a command in place of those of the examples. */
export async function makeStory(server: TestServer): Promise<(command: string) => string> {
  type Made = Record<'id' | 'task_id' | 'subtask_id' | 'message_id', string>
  const post = (path: string, body: object) => server.post<Made>(path, body)
  const { board, agent, session, shell, topic } = exampleIds
  await server.call('DELETE', `/boards/${board}`)
  const { columns } = await server.post<{ columns: Array<{ id: string }> }>('/boards', { id: board, name: 'Demo' })
  const card = (await post(`/boards/${board}/cards`, { title: 'Story' })).id
  await post('/agents', { id: agent })
  const attempt = (await post(`/cards/${card}/attempts`, { agent, status: 'running' })).id
  await post('/sessions', { id: session, boardId: board })
  const task = (await post('/tasks', { name: 'Task', session_id: session })).task_id
  const run = (await post('/workflow-runs', { name: 'Run', boardId: board })).id
  await post('/shells', { id: shell, boardId: board })
  const real: Partial<Record<keyof typeof exampleIds, string | undefined>> = {
    column: columns[0]?.id,
    // Without cards, so that it may be deleted.
    nextColumn: columns[1]?.id,
    card,
    attempt,
    profile: (await post('/agent-profiles', { agent, name: 'Story', boardId: board })).id,
    task,
    subtask: (await post(`/tasks/${task}/subtasks`, { description: 'Part', agent_id: agent })).subtask_id,
    run,
    step: (await post(`/workflow-runs/${run}/steps`, { name: 'Step' })).id,
    message: (await post('/messages', { from_agent: 'ann', to_agent: agent, topic, content: 'Hello' })).message_id,
  }
  const pairs = Object.entries(real).map(
    ([name, id]) => [exampleIds[name as keyof typeof exampleIds], id ?? ''] as const,
  )
  return (command) => pairs.reduce((text, [example, id]) => text.replaceAll(example, id), command)
}
