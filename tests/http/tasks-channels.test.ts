/** Where tasks, subtasks and mail show, besides the table of events. Rules TK5, TK9, MS2, MS6, MS8, MS11, MS12. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Message } from '../../shared/src/types/messages.ts'
import type { Subtask, Task } from '../../shared/src/types/tasks.ts'
import { makeBoard } from '../support/board.ts'
import { newAgentId } from '../support/scenarios/scenario.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const names = ({ frames }: Listener) => frames.map(({ event }) => event)
const on = (...channels: string[]) => listen(server.url, `/sse?channels=${channels.join(',')}`)
const send = (body: object) => server.post<Message & object>('/messages', { from_agent: 'ann', content: 'x', ...body })

/** Resolves when the listener has seen everything up to an event to everyone that is committed now. */
async function caughtUp(listener: Listener): Promise<void> {
  const { eventId } = await server.post('/agents', { id: newAgentId() })
  await listener.id(eventId)
}

/** The bytes of an SSE event of a channel stream. */
function enveloped(id: string, channel: string, event: string, data: object, at: string): string {
  const envelope = { channel, event, data, timestamp: Date.parse(at), actor: null, id }
  return `event: ${event}\ndata: ${JSON.stringify(envelope)}\nid: ${id}\n\n`
}

describe('tasks', () => {
  it('[TK5] show on their session, in both spellings of it', async () => {
    const session = newAgentId()
    await using first = await on(`session:${session}`)
    await using second = await on(`sessions/${session}`)
    const { eventId, ...task } = await server.post<Task & object>('/tasks', { name: 'N', session_id: session })
    for (const listener of [first, second]) {
      await listener.id(eventId)
      expect(listener.body).toContain(
        enveloped(eventId, `session:${session}`, 'task.created', task, task.created_at as string),
      )
    }
  })

  it('[TK5] without a session show on global alone', async () => {
    await using global = await on('global')
    await using other = await on('session:null')
    const { eventId } = await server.post('/tasks', { name: 'N' })
    expect((await global.id(eventId)).event).toBe('task.created')
    await caughtUp(other)
    expect(names(other)).toEqual(['hello', 'agent_registered'])
  })
})

describe('subtasks', () => {
  it('[TK9] show on the kind of agent and on the agent, once to a listener of both', async () => {
    const agent = newAgentId()
    const kind = `${agent}-kind`
    await using byKind = await on(`agents/${kind}`)
    await using both = await on(`agent:${kind}`, `agent:${agent}`)
    const { task_id } = await server.post<Task & object>('/tasks', { name: 'N' })
    const body = { description: 'D', agent_id: agent, agent_type: kind }
    const { eventId, ...subtask } = await server.post<Subtask & object>(`/tasks/${task_id}/subtasks`, body)
    const frame = enveloped(eventId, `agent:${kind}`, 'subtask.created', subtask, subtask.created_at as string)
    for (const listener of [byKind, both]) {
      await caughtUp(listener)
      expect(listener.body).toContain(frame)
      expect(names(listener).filter((name) => name === 'subtask.created')).toHaveLength(1)
    }
  })
})

describe('mail', () => {
  it('[MS2] shows to its addressee and on its topic, in both spellings, once to a listener of both', async () => {
    const agent = newAgentId()
    await using addressee = await on(`agents/${agent}`)
    await using topic = await on('topics/both')
    await using both = await on('topic:both', `agent:${agent}`)
    const message = await send({ to_agent: agent, topic: 'both', content: { a: [1] } })
    const { message_id, created_at, expires_at, eventId } = message
    const shown = {
      message_id,
      from_agent: 'ann',
      to_agent: agent,
      topic: 'both',
      content: { a: [1] },
      priority: 0,
      expires_at,
    }
    const expected = [
      [addressee, `agent:${agent}`],
      [topic, 'topic:both'],
      [both, 'topic:both'],
    ] as const
    for (const [listener, channel] of expected) {
      await caughtUp(listener)
      expect(listener.body).toContain(enveloped(eventId, channel, 'message.new', shown, created_at as string))
      expect(names(listener).filter((name) => name === 'message.new')).toHaveLength(1)
    }
  })

  it('[MS2] to everyone shows on every stream, and on global once', async () => {
    const { id: boardId } = await makeBoard(server)
    await using board = await listen(server.url, `/sse?boardId=${boardId}`)
    await using dashboard = await listen(server.url, '/sse')
    await using other = await on('attempt:none')
    await using global = await on('global')
    const { eventId, message_id, expires_at, created_at } = await send({ content: 'Hear, hear' })
    const shown = {
      message_id,
      from_agent: 'ann',
      to_agent: null,
      topic: null,
      content: 'Hear, hear',
      priority: 0,
      expires_at,
    }
    for (const listener of [board, dashboard]) {
      await listener.id(eventId)
      expect(listener.body).toContain(`event: message.new\ndata: ${JSON.stringify(shown)}\nid: ${eventId}\n\n`)
    }
    await other.id(eventId)
    expect(other.body).toContain(enveloped(eventId, '*', 'message.new', shown, created_at as string))
    await caughtUp(global)
    expect(global.body).toContain(enveloped(eventId, 'global', 'message.new', shown, created_at as string))
    expect(names(global).filter((name) => name === 'message.new')).toHaveLength(1)
  })

  it('[MS2] with an addressee or a topic shows to nobody else', async () => {
    await using other = await on('agent:somebody', 'topic:something')
    await using dashboard = await listen(server.url, '/sse')
    await send({ to_agent: newAgentId() })
    await send({ topic: 'else' })
    for (const listener of [other, dashboard]) {
      await caughtUp(listener)
      expect(names(listener)).not.toContain('message.new')
    }
  })

  it('[MS6] to everyone, when read and when expired, shows to everyone', async () => {
    await using listener = await on('attempt:none')
    const { message_id } = await send({ ttl_seconds: 1 })
    const { eventId } = await server.post(`/messages/${message_id}/read`, { agent_id: 'reader' })
    const read = await listener.id(eventId)
    expect([read.event, read.data.channel, read.data.data]).toEqual([
      'message.read',
      '*',
      { message_id, agent_id: 'reader', read_at: expect.any(String) },
    ])
    const { data } = await listener.until('expiry', () =>
      listener.named('message.expired').find((frame) => frame.data.data.message_id === message_id),
    )
    expect([data.channel, data.data]).toEqual(['*', { message_id }])
  })

  it('[MS11] does not show on the stream of an agent’s output', async () => {
    const agent = newAgentId()
    await using listener = await listen(server.url, `/events/${agent}`)
    await send({ to_agent: agent })
    await send({})
    const { task_id } = await server.post<Task & object>('/tasks', { name: 'N' })
    await server.post(`/tasks/${task_id}/subtasks`, { description: 'D', agent_id: agent })
    const { eventId } = await server.post(`/agents/${agent}/output`, { content: 'printed' })
    await listener.id(eventId)
    expect(names(listener)).toEqual(['hello', 'output'])
  })

  it('[MS8] expires within 5 s, and can no longer be listed or read', async () => {
    const agent = newAgentId()
    await using listener = await on(`agent:${agent}`)
    const { message_id, expires_at } = await send({ to_agent: agent, ttl_seconds: 1 })
    const kept = await send({ to_agent: agent, ttl_seconds: 1, content: 'kept' })
    await server.post(`/messages/${kept.message_id}/read`, { agent_id: agent })
    const { data } = await listener.frame('message.expired')
    expect([data.channel, data.data]).toEqual([`agent:${agent}`, { message_id }])
    expect(data.timestamp - Date.parse(expires_at as string)).toBeGreaterThanOrEqual(0)
    expect(data.timestamp - Date.parse(expires_at as string)).toBeLessThanOrEqual(5_000)
    const { messages } = await server.get<{ messages: Message[] }>(`/agents/${agent}/messages`)
    expect(messages.map((message) => message.message_id).filter((id) => id === message_id)).toEqual([])
    expect(messages.map((message) => message.message_id)).toContain(kept.message_id)
    expect((await server.call('POST', `/messages/${message_id}/read`, { agent_id: agent })).status).toBe(404)
  })

  it('[MS12] that was due while the server was down expires after its start', async () => {
    await using restarted = await startTestServer()
    const sent = await restarted.post<Message & object>('/messages', {
      from_agent: 'ann',
      to_agent: 'bob',
      content: 'x',
      ttl_seconds: 1,
    })
    await restarted.restart()
    await using listener = await listen(restarted.url, `/sse?channels=agent:bob&lastEventId=${sent.eventId}`)
    const { data } = await listener.frame('message.expired')
    expect(data.data).toEqual({ message_id: sent.message_id })
  })
})
