/** What a channel socket may publish, and its other answers. Rules W34 to W41, W53 and W56. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Message } from '../../shared/src/types/messages.ts'
import { newestId, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

async function open(query = ''): Promise<SocketClient> {
  const socket = await SocketClient.open(server.url, `/ws${query}`)
  await socket.first('hello', ({ event }) => event === 'hello')
  return socket
}

const clientIdOf = (socket: SocketClient): string => socket.messages[0]?.clientId
const publish = (socket: SocketClient, channel: string, event: string, data?: unknown) =>
  socket.ask({ type: 'publish', channel, event, data })

describe('messages', () => {
  it.each([
    ['agents/other-agent', { to_agent: 'other-agent', topic: null }, 'agent:other-agent'],
    ['topic:builds', { to_agent: null, topic: 'builds' }, 'topic:builds'],
    ['global', { to_agent: null, topic: null }, '*'],
    ['*', { to_agent: null, topic: null }, '*'],
  ])('[W34] [W35] [W36] goes to %s', async (channel, addressee, shownOn) => {
    await using reader = await open()
    if (!/^(\*|global)$/.test(channel)) await reader.ask({ type: 'subscribe', channel })
    await using socket = await open('?global=0')
    const answer = await publish(socket, channel, 'message.new', { content: { text: 'hi' }, priority: 9 })
    expect(answer).toEqual({
      type: 'ack',
      id: 'ask-1',
      success: true,
      eventId: expect.any(String),
      timestamp: expect.any(Number),
    })
    const shown = await reader.id(answer.eventId)
    expect(shown).toMatchObject({
      event: 'message.new',
      data: { from_agent: clientIdOf(socket), ...addressee, content: { text: 'hi' }, priority: 9 },
    })
    expect([shownOn, 'global']).toContain(shown.channel)
    expect(await newestId(server)).toBe(answer.eventId)
  })

  it('[W35] reach their receiver as if they had been posted', async () => {
    await using socket = await open('?agent_id=sender')
    await publish(socket, 'agent:reader', 'message.new', {
      content: 'text',
      ttl_seconds: 60,
      from_agent: 'forged',
      to_agent: 'forged',
      topic: 'forged',
    })
    const { messages } = await server.get<{ messages: Message[] }>('/agents/reader/messages')
    expect(messages.at(-1)).toMatchObject({
      from_agent: 'sender',
      to_agent: 'reader',
      topic: null,
      content: 'text',
      priority: 0,
      ttl_seconds: 60,
    })
  })

  it.each([
    ['text', 'just text', 'just text'],
    ['an object without content', { task: 'build', n: 1 }, { task: 'build', n: 1 }],
    ['content and something more', { content: 'x', colour: 'red' }, { content: 'x', colour: 'red' }],
    ['content and a name of every object', { content: 'x', toString: 'y' }, { content: 'x', toString: 'y' }],
    ['content that is all', { content: '' }, ''],
    ['an empty object', {}, {}],
  ])('[W35] %s is the content', async (_, data, content) => {
    await using socket = await open()
    const { eventId } = await publish(socket, 'agent:any', 'message.new', data)
    expect((await socket.id(eventId)).data.content).toEqual(content)
  })

  it('[W35] a key named __proto__ is a key like any other', async () => {
    await using socket = await open()
    socket.send(
      '{"type":"publish","channel":"agent:a","event":"message.new","id":1,"data":{"content":"x","__proto__":{"a":1}}}',
    )
    const { eventId } = await socket.answer(1)
    await socket.id(eventId)
    expect(socket.texts.find((text) => text.includes(eventId) && text.includes('message.new'))).toContain(
      '"content":{"content":"x","__proto__":{"a":1}}',
    )
  })

  it('[W35] [W41] are refused if they are invalid', async () => {
    await using socket = await open()
    await withoutEvents(server, async () => {
      for (const [channel, data, code] of [
        ['agent:a', undefined, 'INVALID_MESSAGE'],
        ['agent:a', 7, 'INVALID_MESSAGE'],
        ['agent:a', null, 'INVALID_MESSAGE'],
        ['agent:a', ['x'], 'INVALID_MESSAGE'],
        ['agent:a', { content: 7 }, 'INVALID_MESSAGE'],
        ['agent:a', { content: 'x', priority: 11 }, 'INVALID_MESSAGE'],
        ['agent:a', { content: 'x', ttl_seconds: 0 }, 'INVALID_MESSAGE'],
        ['agent:..', 'x', 'INVALID_CHANNEL'],
        [`agent:${'a'.repeat(201)}`, 'x', 'INVALID_CHANNEL'],
        ['topic:.', 'x', 'INVALID_CHANNEL'],
        [`topic:${'t'.repeat(240)}`, 'x', 'INVALID_CHANNEL'],
        ['nonsense', 'x', 'INVALID_CHANNEL'],
      ] as const) {
        const answer = await publish(socket, channel, 'message.new', data)
        expect(answer, JSON.stringify([channel, data])).toMatchObject({ success: false, code })
      }
    })
  })
})

describe('agent heartbeats', () => {
  it('[W37] belong to the agent of the channel; on global, to the agent of the socket', async () => {
    await server.post('/agents', { id: 'pulse' })
    await using reader = await open('?global=0')
    await reader.ask({ type: 'subscribe', channel: 'agent:pulse' })
    await using other = await open()
    const answer = await publish(other, 'agents/pulse', 'agent.heartbeat', { ignored: true })
    expect(answer).toMatchObject({ success: true, eventId: await newestId(server) })
    await reader.until(() => reader.named('agent.heartbeat').length === 1)
    await using own = await open('?agent_id=pulse')
    await publish(own, 'global', 'agent.heartbeat')
    await reader.until(() => reader.named('agent.heartbeat').length === 2)
    expect(reader.named('agent.heartbeat').map(({ data }) => data)).toEqual([
      { agent_id: 'pulse', timestamp: expect.any(Number) },
      { agent_id: 'pulse', timestamp: expect.any(Number) },
    ])
    const { lastSeenAt } = await server.get<{ lastSeenAt: string }>('/agents/pulse')
    expect(Math.abs(Date.now() - Date.parse(lastSeenAt))).toBeLessThan(60_000)
    // This socket has no agent.
    expect(await publish(other, 'global', 'agent.heartbeat')).toMatchObject({ code: 'INVALID_EVENT' })
    expect(await publish(other, 'agent:..', 'agent.heartbeat')).toMatchObject({ code: 'INVALID_CHANNEL' })
  })
})

describe('custom events', () => {
  it('[W38] go to topics, with any data', async () => {
    await using socket = await open('?global=0')
    await socket.ask({ type: 'subscribe', channel: 'topic:own' })
    const data = [null, 7, 'text', ['🚀\ud800'], { a: { b: [] } }, undefined]
    for (const one of data) {
      const { eventId } = await publish(socket, 'topics/own', 'build.finished', one)
      expect(await socket.id(eventId)).toMatchObject({ channel: 'topic:own', event: 'build.finished' })
    }
    expect(socket.named('build.finished').map((message) => message.data)).toEqual([...data.slice(0, -1), null])
  })

  it('[W38] go nowhere else, and may not have names of this service', async () => {
    await using socket = await open()
    await withoutEvents(server, async () => {
      for (const [channel, event] of [
        ['topic:own', 'state'],
        ['topic:own', 'hello'],
        ['topic:own', 'card_created'],
        ['topic:own', 'agent.connected'],
        ['topic:own', 'auth_anything'],
        ['topic:own', 'error'],
        ['topic:own', 'agent.heartbeat'],
        ['topic:own', ''],
        ['topic:own', 'a b'],
        ['topic:own', 'a\ndata: forged'],
        ['topic:own', 'a'.repeat(129)],
        ['board:demo', 'message.new'],
        ['session:s', 'message.new'],
        ['global', 'build.finished'],
        ['agent:a', 'build.finished'],
        ['dashboard', 'message.new'],
      ] as const) {
        const answer = await publish(socket, channel, event, { content: 'x' })
        expect(answer, `${channel} ${event}`).toMatchObject({
          success: false,
          error: 'Invalid event',
          code: 'INVALID_EVENT',
        })
      }
    })
    expect(socket.messages.filter(({ event }) => event === 'message.new')).toEqual([])
  })

  it('[W34] [W40] [W41] without an id are not acknowledged, but refusals are sent', async () => {
    await using socket = await open()
    socket.send({ type: 'publish', channel: 'topic:quiet', event: 'said', data: 1 })
    await socket.first('the event', ({ event }) => event === 'said')
    expect(socket.ofType('ack')).toEqual([])
    for (const message of [
      {},
      { channel: 'topic:x' },
      { event: 'x' },
      { channel: 7, event: 'x' },
      { channel: 'topic:x', event: {} },
    ]) {
      socket.send({ type: 'publish', ...message })
    }
    await socket.until(() => socket.ofType('error').length === 5)
    for (const error of socket.ofType('error')) {
      expect(error).toEqual({
        type: 'error',
        error: 'Validation failed',
        message: expect.stringMatching(/\.$/),
        code: 'INVALID_MESSAGE',
        timestamp: expect.any(Number),
      })
    }
  })
})

describe('other messages', () => {
  it('[W39] include ping, answered with its timestamp', async () => {
    await using socket = await open()
    for (const timestamp of [1, 'x', { a: 1 }, 0]) socket.send({ type: 'ping', timestamp })
    socket.send({ type: 'ping', id: 1 })
    await socket.until(() => socket.ofType('pong').length === 5)
    expect(socket.ofType('pong').map(({ timestamp }) => timestamp)).toEqual([1, 'x', { a: 1 }, 0, expect.any(Number)])
    expect(Object.keys(socket.ofType('pong')[0] ?? {})).toEqual(['type', 'timestamp'])
  })

  it.each([
    ['{', 'PARSE_ERROR'],
    ['', 'PARSE_ERROR'],
    ['{"type":"ping"}{}', 'PARSE_ERROR'],
    ['NaN', 'PARSE_ERROR'],
    ['[]', 'INVALID_MESSAGE'],
    ['7', 'INVALID_MESSAGE'],
    ['null', 'INVALID_MESSAGE'],
    ['{}', 'INVALID_MESSAGE'],
    ['{"type":7}', 'INVALID_MESSAGE'],
    ['{"type":"create_card"}', 'UNKNOWN_MESSAGE_TYPE'],
    ['{"type":"Subscribe"}', 'UNKNOWN_MESSAGE_TYPE'],
    ['{"type":"__proto__"}', 'UNKNOWN_MESSAGE_TYPE'],
    ['{"type":"constructor"}', 'UNKNOWN_MESSAGE_TYPE'],
    ['{"type":"ping","id":{}}', 'INVALID_MESSAGE'],
    ['{"type":"ping","id":1e999}', 'INVALID_MESSAGE'],
    [`{"type":"ping","id":"${'a'.repeat(201)}"}`, 'INVALID_MESSAGE'],
  ])('[W40] [W41] [W53] %.60s is %s', async (text, code) => {
    await using socket = await open()
    socket.send(text)
    const error = await socket.first('the error', ({ type }) => type === 'error')
    expect(error).toEqual({
      type: 'error',
      error: expect.any(String),
      message: expect.stringMatching(/\.$/),
      code,
      timestamp: expect.any(Number),
    })
    expect(await socket.ask({ type: 'subscribe', channel: 'topic:still' })).toMatchObject({ success: true })
  })

  it('[W41] [W56] must be text: a binary message is refused as invalid JSON', async () => {
    await using socket = await open()
    socket.websocket.send(Buffer.from('{"type":"ping"}'))
    const error = await socket.first('the error', ({ type }) => type === 'error')
    expect(error).toMatchObject({ code: 'PARSE_ERROR', message: expect.stringContaining('binary') })
    expect(await socket.ask({ type: 'subscribe', channel: 'topic:still' })).toMatchObject({ success: true })
  })
})
