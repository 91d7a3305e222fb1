/** Requests and answers of the routes of tasks, subtasks and mail. Rules TK1 to TK7, TK13, TK14, MS1, MS3, MS4, MS7, MS13. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { message as messageSchema } from '../../shared/src/types/messages.ts'
import { subtask as subtaskSchema, task as taskSchema } from '../../shared/src/types/tasks.ts'
import { ask, expectProblem, newestId, withoutEvents } from '../support/http.ts'
import { newAgentId } from '../support/scenarios/scenario.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let taskId: string
let subtaskId: string
let messageId: string
beforeAll(async () => {
  server = await startTestServer()
  taskId = (await post('/tasks', { name: 'Task' })).body.task_id
  subtaskId = (await post(`/tasks/${taskId}/subtasks`, { description: 'Subtask' })).body.subtask_id
  messageId = (await post('/messages', { from_agent: 'ann', to_agent: 'bob', content: 'hi' })).body.message_id
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json: unknown, headers = {}) => ask(server, 'POST', path, { json, headers })
const patch = (path: string, json: unknown) => ask(server, 'PATCH', path, { json })
const get = (path: string) => ask(server, 'GET', path)
const filled = (path: string) =>
  path.replace(':task', taskId).replace(':subtask', subtaskId).replace(':message', messageId)

describe('answers', () => {
  it('[TK1] [TK14] a task is returned bare: 201 when created, 200 when read or changed', async () => {
    const made = await post('/tasks', { name: 'N', request_id: null, session_id: null, status: 'blocked' })
    expect(made.status).toBe(201)
    expect(taskSchema.parse(made.body)).toMatchObject({ name: 'N', status: 'blocked' })
    expect(made.headers.get('Event-Id')).toBe(await newestId(server))
    const read = await get(`/tasks/${made.body.task_id}`)
    expect([read.status, read.body]).toEqual([200, made.body])
    const changed = await patch(`/tasks/${made.body.task_id}`, { status: 'completed' })
    expect([changed.status, taskSchema.parse(changed.body).status]).toEqual([200, 'completed'])
  })

  it('[TK8] [TK14] a subtask is returned bare: 201 when created, 200 when read or changed', async () => {
    const made = await post(`/tasks/${taskId}/subtasks`, { description: 'D', result: null, blocked_by: [subtaskId] })
    expect(made.status).toBe(201)
    expect(subtaskSchema.parse(made.body)).toMatchObject({ task_id: taskId, blocked_by: [subtaskId] })
    const read = await get(`/subtasks/${made.body.subtask_id}`)
    expect([read.status, read.body]).toEqual([200, made.body])
    const changed = await patch(`/subtasks/${made.body.subtask_id}`, { status: 'paused', result: 'so far' })
    expect([changed.status, changed.body.status, changed.body.result]).toEqual([200, 'paused', 'so far'])
    const { subtasks } = (await get(`/tasks/${taskId}/subtasks`)).body
    expect(subtasks).toContainEqual(changed.body)
  })

  it('[TK10] results and contents are returned unchanged', async () => {
    const raw = '{"__proto__":{"a":1},"lone":"\\ud800","nul":"\\u0000","list":[[],{},null,1.5,"\\r\\n"]}'
    const sent = await ask(server, 'POST', '/messages', {
      raw: `{"from_agent":"ann","to_agent":"exact","content":${raw}}`,
    })
    expect([sent.status, sent.text]).toEqual([201, expect.stringContaining(`"content":${raw},`)])
    expect((await get('/agents/exact/messages')).text).toContain(`"content":${raw},`)
    const subtask = await ask(server, 'PATCH', `/subtasks/${subtaskId}`, { raw: `{"result":${raw}}` })
    expect(subtask.text).toContain(`"result":${raw},`)
    expect((await get(`/subtasks/${subtaskId}`)).text).toContain(`"result":${raw},`)
  })

  it('[MS1] [MS4] a message is returned bare: 201 when sent, 200 when read; reading it again does nothing', async () => {
    const agent = newAgentId()
    const sent = await post('/messages', { from_agent: 'ann', to_agent: agent, content: { a: 1 }, priority: 0 })
    expect(sent.status).toBe(201)
    expect(messageSchema.parse(sent.body)).toMatchObject({ to_agent: agent, priority: 0, read_by: [] })
    const mail = await get(`/agents/${agent}/messages?unread=true`)
    expect([mail.status, mail.body.messages.at(-1)]).toEqual([200, sent.body])
    const path = `/messages/${sent.body.message_id}/read`
    const read = await post(path, { agent_id: agent })
    expect([read.status, read.body]).toEqual([200, { ...sent.body, read_by: [agent] }])
    const again = await withoutEvents(server, () => post(path, { agent_id: agent }))
    expect([again.status, again.body]).toEqual([200, read.body])
    for (const [query, count] of [
      ['?unread=true', 0],
      ['?unread=1', 0],
      ['?unread=false', 1],
      ['?unread=0', 1],
      ['', 1],
    ] as const) {
      const { messages } = (await get(`/agents/${agent}/messages${query}`)).body
      expect(
        messages.filter(({ to_agent }: { to_agent: string }) => to_agent === agent),
        query,
      ).toHaveLength(count)
    }
  })

  it('[TK4] changes without effect are answered with 200 and emit nothing', async () => {
    for (const [path, body] of [
      [`/tasks/${taskId}`, { status: 'pending', name: 'Task' }],
      [`/tasks/${taskId}`, {}],
      [`/subtasks/${subtaskId}`, { status: 'pending' }],
    ] as const) {
      expect((await withoutEvents(server, () => patch(path, body))).status).toBe(200)
    }
  })

  it('[TK7] [TK13] lists accept a limit, and tasks a status and a session', async () => {
    const session = newAgentId()
    for (const status of ['pending', 'running', 'pending']) {
      await post('/tasks', { name: status, session_id: session, status })
    }
    const list = async (query: string) =>
      (await get(`/tasks?session_id=${session}&${query}`)).body.tasks.map(({ name }: { name: string }) => name)
    expect(await list('')).toEqual(['pending', 'running', 'pending'])
    expect(await list('limit=2')).toEqual(['pending', 'running'])
    expect(await list('status=running')).toEqual(['running'])
    expect(await list('status=failed')).toEqual([])
    expect((await get(`/tasks/${taskId}/subtasks?limit=1`)).body.subtasks).toHaveLength(1)
  })

  it('[TK1] the same Idempotency-Key creates one task', async () => {
    const key = { 'Idempotency-Key': newAgentId() }
    const first = await post('/tasks', { name: 'Once' }, key)
    const second = await withoutEvents(server, () => post('/tasks', { name: 'Once' }, key))
    expect([second.status, second.text]).toEqual([201, first.text])
  })
})

describe('refusals', () => {
  const long = 'x'.repeat(501)
  it.each<[method: string, path: string, body: object, fields: string[]]>([
    ['POST', '/tasks', {}, ['name']],
    ['POST', '/tasks', { name: '' }, ['name']],
    ['POST', '/tasks', { name: long }, ['name']],
    ['POST', '/tasks', { name: '\ud800' }, ['name']],
    ['POST', '/tasks', { name: 'x', status: 'paused' }, ['status']],
    ['POST', '/tasks', { name: 'x', wave_number: -1 }, ['wave_number']],
    ['POST', '/tasks', { name: 'x', wave_number: 1.5 }, ['wave_number']],
    ['POST', '/tasks', { name: 'x', session_id: 'a b' }, ['session_id']],
    ['POST', '/tasks', { name: 'x', task_id: 'mine', sessionId: 's' }, ['task_id', 'sessionId']],
    ['PATCH', '/tasks/:task', { status: 'done' }, ['status']],
    ['PATCH', '/tasks/:task', { completed_at: null }, ['completed_at']],
    ['POST', '/tasks/:task/subtasks', {}, ['description']],
    ['POST', '/tasks/:task/subtasks', { description: '' }, ['description']],
    ['POST', '/tasks/:task/subtasks', { description: 'x', agent_id: 'a/b' }, ['agent_id']],
    ['POST', '/tasks/:task/subtasks', { description: 'x', agent_type: 'a b' }, ['agent_type']],
    ['POST', '/tasks/:task/subtasks', { description: 'x', blocked_by: ['sub_none'] }, ['blocked_by.0']],
    ['POST', '/tasks/:task/subtasks', { description: 'x', blocked_by: Array(1_001).fill('a') }, ['blocked_by']],
    ['POST', '/tasks/:task/subtasks', { description: 'x', started_at: null }, ['started_at']],
    ['PATCH', '/subtasks/:subtask', { status: 'queued' }, ['status']],
    ['PATCH', '/subtasks/:subtask', { task_id: 'x' }, ['task_id']],
    ['POST', '/messages', { content: 'x' }, ['from_agent']],
    ['POST', '/messages', { from_agent: 'ann' }, ['content']],
    ['POST', '/messages', { from_agent: 'ann', content: null }, ['content']],
    ['POST', '/messages', { from_agent: 'ann', content: [1] }, ['content']],
    ['POST', '/messages', { from_agent: 'ann', content: 7 }, ['content']],
    ['POST', '/messages', { from_agent: 'ann', content: 'x', to_agent: '*' }, ['to_agent']],
    ['POST', '/messages', { from_agent: 'ann', content: 'x', topic: 'a b' }, ['topic']],
    ['POST', '/messages', { from_agent: 'ann', content: 'x', priority: 11 }, ['priority']],
    ['POST', '/messages', { from_agent: 'ann', content: 'x', priority: -1 }, ['priority']],
    ['POST', '/messages', { from_agent: 'ann', content: 'x', ttl_seconds: 0 }, ['ttl_seconds']],
    ['POST', '/messages', { from_agent: 'ann', content: 'x', ttl_seconds: 86_401 }, ['ttl_seconds']],
    ['POST', '/messages', { from_agent: 'ann', content: 'x', expires_at: 'x' }, ['expires_at']],
    ['POST', '/messages/:message/read', {}, ['agent_id']],
    ['POST', '/messages/:message/read', { agent_id: '' }, ['agent_id']],
  ])('[TK14] [MS13] %s %s with %j', async (method, path, json, fields) => {
    const reply = await withoutEvents(server, () => ask(server, method, filled(path), { json }))
    expectProblem(reply, 422, 'validation_failed')
    expect([...new Set(reply.body.errors.map((error: { path: string }) => error.path))]).toEqual(fields)
  })

  it('[TK14] of content that is nested too deeply, or holds a number out of range', async () => {
    const deep = `${'{"a":'.repeat(101)}1${'}'.repeat(101)}`
    for (const content of [deep, '{"a":1e400}']) {
      const raw = `{"from_agent":"ann","content":${content}}`
      expectProblem(await ask(server, 'POST', '/messages', { raw }), 422, 'validation_failed', 'content')
    }
  })

  it.each([
    ['GET', '/tasks/tsk_none', 'task_not_found'],
    ['PATCH', '/tasks/tsk_none', 'task_not_found'],
    ['GET', '/tasks/tsk_none/subtasks', 'task_not_found'],
    ['POST', '/tasks/tsk_none/subtasks', 'task_not_found'],
    ['GET', '/subtasks/sub_none', 'subtask_not_found'],
    ['PATCH', '/subtasks/sub_none', 'subtask_not_found'],
    ['POST', '/messages/msg_none/read', 'message_not_found'],
  ] as const)('[TK6] [MS7] %s %s is 404', async (method, path, code) => {
    const bodies: Record<string, object> = {
      '/tasks/tsk_none/subtasks': { description: 'x' },
      '/messages/msg_none/read': { agent_id: 'a' },
    }
    const json = method === 'GET' ? undefined : (bodies[path] ?? {})
    expectProblem(await withoutEvents(server, () => ask(server, method, path, { json })), 404, code)
  })

  it('[TK3] of a status that follows a final one, which is named', async () => {
    const { task_id } = (await post('/tasks', { name: 'x', status: 'failed' })).body
    const again = await withoutEvents(server, () => patch(`/tasks/${task_id}`, { status: 'failed' }))
    expectProblem(again, 409, 'invalid_transition')
    expect(again.body.detail).toContain('from failed to failed')
    const { subtask_id } = (await post(`/tasks/${taskId}/subtasks`, { description: 'x', status: 'completed' })).body
    expectProblem(await patch(`/subtasks/${subtask_id}`, { status: 'running' }), 409, 'invalid_transition')
  })

  it.each([
    '/tasks?status=done',
    '/tasks?limit=0',
    '/tasks?limit=1001',
    '/agents/a/messages?unread=yes',
    '/agents/a/messages?limit=x',
  ])('[TK14] [MS13] GET %s is 400', async (path) => {
    expectProblem(await get(path), 400, 'bad_request')
  })
})
