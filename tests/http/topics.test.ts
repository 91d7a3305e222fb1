/** Topic events, over HTTP and on streams. Rules TP1 to TP8. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { positionOf } from '../support/board.ts'
import { ask, expectProblem, newestId, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { SocketIoClient } from '../support/socketio.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

let topics = 0
const newTopic = () => `topic-${++topics}`
const post = (topic: string, json: unknown) => ask(server, 'POST', `/topics/${topic}/events`, { json })
const raw = (topic: string, text: string) => ask(server, 'POST', `/topics/${topic}/events`, { raw: text })
const events = (listener: Listener) => listener.frames.filter(({ event }) => event !== 'hello')

describe('the topic of an event', () => {
  interface Seen {
    readonly channel: string
    readonly event?: string
    readonly type?: string
    readonly topic?: string
  }
  /** Channel and topic of each event named `event`. */
  const topicsOf = (seen: readonly Seen[], event: string) =>
    seen.filter((one) => one.event === event || one.type === event).map(({ channel, topic }) => [channel, topic])

  it('[K12] is in its envelopes on global, live and replayed, on every transport, and in no others', async () => {
    await using own = await startTestServer({ hasSocketIo: true })
    const { cursor } = await own.get<{ cursor: string }>('/cursor')
    const stream = await listen(own.url, '/sse?channels=global')
    const socket = await SocketClient.open(own.url, '/ws')
    const marked = await SocketClient.open(own.url, '/ws?more=1')
    const library = await SocketIoClient.open(own.url, ['websocket'])
    await library.ask('subscribe', 'global')
    await own.post('/topics/deploys/events', { event: 'said', data: 1 })
    await socket.ask({ type: 'publish', channel: 'topic:talk', event: 'said', data: 2 })
    // A message on a topic names it in its payload.
    await own.post('/messages', { from_agent: 'a', topic: 'deploys', content: 'x' })
    const { eventId } = await own.post<object>('/agents', { id: 'last' })

    await using replayed = await listen(own.url, `/sse?channels=global&lastEventId=${cursor}`)
    await stream.id(eventId)
    await replayed.id(eventId)
    for (const one of [socket, marked]) await one.until(() => one.named('agent.registered').length > 0)
    await library.until(() => library.named('agent.registered').length > 0)
    const { events: read } = await own.get<{ events: Seen[] }>(`/events?after=${cursor}`)
    const all: ReadonlyArray<readonly Seen[]> = [
      stream.frames.map(({ data }) => data),
      replayed.frames.map(({ data }) => data),
      socket.messages,
      marked.messages,
      library.messages,
      read,
    ]
    for (const seen of all) {
      expect(topicsOf(seen, 'said')).toEqual([
        ['global', 'deploys'],
        ['global', 'talk'],
      ])
      expect(seen.filter((one) => 'topic' in one)).toHaveLength(2)
    }
    stream.close()
    for (const one of [socket, marked]) one.websocket.terminate()
    library.socket.disconnect()
  })

  it('[K12] is not in its envelopes on the topic itself, even if global is listened to as well', async () => {
    const topic = newTopic()
    await using listener = await listen(server.url, `/sse?channels=topic:${topic},global`)
    await listener.id((await post(topic, { event: 'said' })).headers.get('Event-Id') ?? '')
    const [frame] = listener.named('said')
    expect(frame?.data).toEqual({
      channel: `topic:${topic}`,
      event: 'said',
      data: null,
      timestamp: expect.any(Number),
      actor: null,
      id: frame?.id,
    })
  })
})

describe('a posted event', () => {
  it('[TP1] [TP6] shows on its topic and on global under its own name, with its data and nothing else', async () => {
    const topic = newTopic()
    const spelled = [`channels=topic:${topic}`, `channels=topics/${topic}`, 'channels=global', 'channels=*']
    const listeners = await Promise.all(spelled.map((query) => listen(server.url, `/sse?${query}`)))
    const before = await newestId(server)
    const reply = await raw(topic, '{"event":"Build:done-1.0","data":{"z":1,"a":[true,null,"\\ud800\\u0000"]}}')
    expect([reply.status, reply.body]).toEqual([202, {}])
    const id = reply.headers.get('Event-Id') ?? ''
    expect(positionOf(id)).toBe(positionOf(before) + 1)
    const shown = await Promise.all(listeners.map((listener) => listener.id(id)))
    const { timestamp } = shown[0]!.data
    const channels = [`topic:${topic}`, `topic:${topic}`, 'global', 'global']
    expect(shown.map(({ event, text }) => [event, text])).toEqual(
      channels.map((channel) => [
        'Build:done-1.0',
        `{"channel":"${channel}","event":"Build:done-1.0","data":{"z":1,"a":[true,null,"\\ud800\\u0000"]},"timestamp":${timestamp},"actor":null,"id":"${id}"${channel === 'global' ? `,"topic":"${topic}"` : ''}}`,
      ]),
    )
    for (const listener of listeners) listener.close()
  })

  it('[TP6] shows once on a stream of both, on the one that was named first', async () => {
    const topic = newTopic()
    await using first = await listen(server.url, `/sse?channels=topic:${topic},global`)
    await using second = await listen(server.url, `/sse?channels=global,topic:${topic}`)
    const id = (await post(topic, { event: 'x' })).headers.get('Event-Id') ?? ''
    await first.id(id)
    await second.id(id)
    expect(events(first).map(({ data }) => data.channel)).toEqual([`topic:${topic}`])
    expect(events(second).map(({ data }) => data.channel)).toEqual(['global'])
  })

  it('[TP6] shows on no other topic, nor on an agent, a board or a session of the same name', async () => {
    const topic = newTopic()
    await server.post('/boards', { id: topic, name: topic })
    const others = ['agent', 'session', 'board', 'project', 'issue', 'attempt'].map((kind) => `${kind}:${topic}`)
    await using listener = await listen(server.url, `/sse?channels=${others},topic:${topic}x,topic:${topic.slice(1)}`)
    await post(topic, { event: 'x' })
    const { eventId } = await server.post<object>('/agents', { id: `after-${topic}` })
    await listener.id(eventId)
    expect(events(listener).map(({ event }) => event)).toEqual(['state', 'agent_registered'])
  })

  it('[TP6] is filtered by types under the name it was posted with', async () => {
    const topic = newTopic()
    const start = await newestId(server)
    for (const event of ['build.started', 'build.done', 'deploy.done']) await post(topic, { event })
    for (const channel of ['global', `topic:${topic}`]) {
      await using listener = await listen(server.url, `/sse?channels=${channel}&types=build.*&since=${start}&limit=2`)
      await listener.untilClosed()
      expect(events(listener).map(({ event }) => event)).toEqual(['build.started', 'build.done'])
    }
  })

  it('[TP1] is read back unchanged', async () => {
    const topic = newTopic()
    const start = await newestId(server)
    await using live = await listen(server.url, `/sse?channels=global`)
    let id = ''
    for (const data of ['text', 0, -1.5e-7, false, null, [], {}, { '10': 1, '9': 2 }]) {
      id = (await post(topic, { event: 'x', data })).headers.get('Event-Id') ?? ''
    }
    await live.id(id)
    await using replayed = await listen(server.url, `/sse?channels=global&since=${start}`)
    await replayed.id(id)
    expect(events(replayed).map(({ text }) => text)).toEqual(events(live).map(({ text }) => text))
  })

  it('[TP7] has null for data that was not given', async () => {
    const topic = newTopic()
    await using listener = await listen(server.url, `/sse?channels=topic:${topic}`)
    await post(topic, { event: 'ping' })
    expect((await listener.frame('ping')).data.data).toBeNull()
  })

  it('[TP7] keeps keys with a meaning in JavaScript', async () => {
    const topic = newTopic()
    await using listener = await listen(server.url, `/sse?channels=topic:${topic}`)
    await raw(topic, '{"event":"x","data":{"__proto__":{"a":1},"constructor":{"prototype":2},"toJSON":3}}')
    const { text } = await listener.frame('x')
    expect(text).toContain('"data":{"__proto__":{"a":1},"constructor":{"prototype":2},"toJSON":3},')
    expect(({} as { a?: unknown }).a).toBeUndefined()
  })
})

describe('what is refused', () => {
  it.each([
    ['no event', '{}', 'event'],
    ['an empty name', '{"event":""}', 'event'],
    ['a name that is no text', '{"event":1}', 'event'],
    ['a name with a space', '{"event":"a b"}', 'event'],
    ['a name that would forge a frame', '{"event":"a\\ndata: {}\\n\\n"}', 'event'],
    ['a name with CR', '{"event":"a\\r"}', 'event'],
    ['a name with NUL', '{"event":"a\\u0000"}', 'event'],
    ['a name beyond ASCII', '{"event":"ä"}', 'event'],
    ['a name of 129 characters', JSON.stringify({ event: 'n'.repeat(129) }), 'event'],
    ['a name that browsers fire', '{"event":"error"}', 'event'],
    ['a name of a control frame', '{"event":"hello"}', 'event'],
    ['a name of a snapshot', '{"event":"state"}', 'event'],
    ['a name on the wire', '{"event":"card_moved"}', 'event'],
    ['a domain name', '{"event":"attempt.started"}', 'event'],
    ['a name that is never stored', '{"event":"agent.heartbeat"}', 'event'],
    ['a surplus field', '{"event":"x","topic":"y"}', 'topic'],
    ['a number that is none', '{"event":"x","data":[1e400]}', 'data'],
    ['data 101 deep', `{"event":"x","data":${'['.repeat(101)}${']'.repeat(101)}}`, 'data'],
    ['data 100,000 deep', `{"event":"x","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'data'],
  ])('[TP3] [TP4] [TP5] [TP7] is %s', async (_, text, path) => {
    const reply = await withoutEvents(server, () => raw(newTopic(), text))
    expectProblem(reply, 422, 'validation_failed', path)
  })

  it('[TP7] is data that makes the body too large; what fits arrives complete', async () => {
    const topic = newTopic()
    expectProblem(await post(topic, { event: 'x', data: 'x'.repeat(1024 * 1024) }), 413, 'too_large')
    await using listener = await listen(server.url, `/sse?channels=topic:${topic}`)
    const data = 'é'.repeat(500_000)
    await post(topic, { event: 'x', data })
    expect((await listener.frame('x')).data.data).toBe(data)
  })

  it.each(['a%20b', 'a%0D%0Aevent:%20x', '%00', 'a%2Fb', '%C3%BC', 'a,b', '*', 't'.repeat(201)])(
    '[TP2] is the topic %s',
    async (topic) => {
      expectProblem(await withoutEvents(server, () => post(topic, { event: 'x' })), 400, 'invalid_channel')
    },
  )
})

describe('retention', () => {
  it('[TP8] treats topic events as transient', async () => {
    await using small = await startTestServer({ retention: { maxAgeMs: 1e12, maxEvents: 5, maxBytes: 1e12 } })
    const first = await small.post<object>('/topics/t/events', { event: 'n', data: 0 })
    for (let n = 1; n < 200; n++) await small.post('/topics/t/events', { event: 'n', data: n })
    await using listener = await listen(small.url, `/sse?channels=topic:t&since=${first.eventId}`)
    expect((await listener.frame('gap')).data.data.reason).toBe('trimmed')
  })
})
