/** One thing of each kind on a server with rights, made by a token that may do everything. */
import type { TestServer } from './server.ts'
import { actingAs, tokenFor } from './tokens.ts'

export interface Scene {
  /** Names of everything in the scene that clients choose begin with it. */
  readonly name: string
  readonly board: string
  readonly column: string
  readonly emptyColumn: string
  readonly card: string
  readonly otherCard: string
  readonly attempt: string
  readonly agent: string
  readonly profile: string
  readonly session: string
  readonly task: string
  readonly subtask: string
  readonly otherSubtask: string
  readonly run: string
  readonly step: string
  readonly shell: string
  readonly message: string
  readonly topic: string
}

let made = 0

/** `isLoose`: what may be on no board, and in no session, is not. */
export async function makeScene(server: TestServer, { isLoose = false } = {}): Promise<Scene> {
  made += 1
  const name = `scene-${made}`
  const admin = actingAs(server, await tokenFor(['*']))
  type Made = Record<'id' | 'task_id' | 'subtask_id' | 'message_id', string>
  const post = (path: string, body: object) => admin.post<Made>(path, body)
  const board = name
  const { columns } = await admin.post<{ columns: Array<{ id: string }> }>('/boards', { id: board, name: 'Scene' })
  const { id: card } = await post(`/boards/${board}/cards`, { title: 'One' })
  const { id: otherCard } = await post(`/boards/${board}/cards`, { title: 'Two' })
  const agent = `${name}-agent`
  await post('/agents', { id: agent })
  const { id: attempt } = await post(`/cards/${card}/attempts`, { agent, status: 'running' })
  const { id: profile } = await post('/agent-profiles', { agent, name: 'Fast', ...(!isLoose && { boardId: board }) })
  const session = `${name}-session`
  await post('/sessions', { id: session, ...(!isLoose && { boardId: board }) })
  const { task_id: task } = await post('/tasks', { name: 'Task', ...(!isLoose && { session_id: session }) })
  const { subtask_id: subtask } = await post(`/tasks/${task}/subtasks`, { description: 'Part', agent_id: agent })
  const { subtask_id: otherSubtask } = await post(`/tasks/${task}/subtasks`, { description: 'Part' })
  const { id: run } = await post('/workflow-runs', { name: 'Run', ...(!isLoose && { boardId: board }) })
  const { id: step } = await post(`/workflow-runs/${run}/steps`, { name: 'Step' })
  const shell = `${name}-shell`
  await post('/shells', { id: shell, ...(!isLoose && { boardId: board }) })
  const topic = `${name}-topic`
  const { message_id: message } = await post('/messages', {
    from_agent: 'ann',
    ...(isLoose ? { topic } : { to_agent: agent }),
    content: 'Hello',
  })
  const things = { task, subtask, otherSubtask, run, step, shell, message, topic }
  const [first, , , last] = columns
  return {
    name,
    board,
    column: first?.id ?? '',
    emptyColumn: last?.id ?? '',
    card,
    otherCard,
    attempt,
    agent,
    profile,
    session,
    ...things,
  }
}

/** The same ids, none of which exists. */
export function unknownScene(like: Scene): Scene {
  const invented = Object.entries(like).map(([field, id]) => [field, inventedLike(String(id))])
  return Object.fromEntries(invented) as unknown as Scene
}

/** Of the same length and form. */
function inventedLike(id: string): string {
  return id.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10)).replace(/^scene/, 'other')
}
