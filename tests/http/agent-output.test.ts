/** Output and heartbeats of agents, over HTTP and on streams. Rules AO1 to AO10, and K11. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { appendLines, makeWork, positionOf } from '../support/board.ts'
import { ask, expectProblem, newestId, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ heartbeatMs: 200 })
})
afterAll(() => server[Symbol.asyncDispose]())

let agents = 0
const newAgent = () => `printer-${++agents}`
const post = (id: string, json: unknown) => ask(server, 'POST', `/agents/${id}/output`, { json })
const output = (id: string, query = '') => ask(server, 'GET', `/agents/${id}/output${query}`)
const print = (id: string, printed: object) => server.post<object>(`/agents/${id}/output`, printed)
const beat = (id: string) => ask(server, 'POST', `/agents/${id}/heartbeat`)
const names = (listener: Listener) => [...new Set(listener.frames.map(({ event }) => event))].sort()
const rest = (listener: Listener) =>
  listener.frames.filter(({ event }) => event !== 'hello' && event !== 'heartbeat').map(({ event }) => event)

const page = z.strictObject({
  items: z.array(
    z.union([
      z.strictObject({ id: z.string(), timestamp: z.int(), content: z.string() }),
      z.strictObject({ id: z.string(), timestamp: z.int(), lines: z.array(z.string()) }),
    ]),
  ),
  cursor: z.string(),
  more: z.boolean(),
  count: z.int(),
})

describe('a heartbeat', () => {
  it('[AO1] is 202, and shows on the agent’s channel and on global, under the one that was named first', async () => {
    const id = newAgent()
    const streams = {
      agent: `channels=agent:${id}`,
      slash: `channels=agents/${id}`,
      global: 'channels=global',
      star: 'channels=*',
      both: `channels=global,agent:${id}`,
    }
    const listeners = await Promise.all(
      Object.values(streams).map((query) => listen(server.url, `/sse?${query}&types=agent.heartbeat`)),
    )
    const before = Date.now()
    const reply = await withoutEvents(server, () => beat(id))
    expect([reply.status, reply.body]).toEqual([202, {}])
    const reached = await newestId(server)
    expect(reply.headers.get('Event-Id')).toBe(reached)
    const shown = await Promise.all(listeners.map((listener) => listener.frame('agent.heartbeat')))
    for (const { data, id: marked } of shown) {
      expect(marked, 'it cannot be resumed').toBeUndefined()
      expect(data).toEqual({ ...data, event: 'agent.heartbeat', id: reached })
      expect(data.data).toEqual({ agent_id: id, timestamp: expect.any(Number) })
      expect(Object.keys(data.data)).toEqual(['agent_id', 'timestamp'])
      expect(data.data.timestamp).toBeGreaterThanOrEqual(before)
      expect(data.data.timestamp).toBeLessThanOrEqual(Date.now())
    }
    expect(shown.map(({ data }) => data.channel)).toEqual([`agent:${id}`, `agent:${id}`, 'global', 'global', 'global'])
    for (const listener of listeners) listener.close()
  })

  it('[AO1] shows nowhere else, and is not stored', async () => {
    const id = newAgent()
    const { boardId } = await makeWork(server)
    const start = await newestId(server)
    await using other = await listen(server.url, `/sse?channels=agent:${newAgent()},board:${boardId},topic:${id}`)
    await using watching = await listen(server.url, `/sse?channels=agent:${id}`)
    await beat(id)
    await watching.frame('agent.heartbeat')
    const { eventId } = await server.post<object>('/agents', { id })
    await other.id(eventId)
    expect(rest(other)).toEqual(['state', 'agent_registered'])
    await using late = await listen(server.url, `/sse?channels=global,agent:${id}&since=${start}`)
    await late.id(eventId)
    expect(rest(late)).toEqual(['agent_registered', 'agent.registered'])
  })

  it('[AO2] brings a registered agent online, and does not register agents', async () => {
    const id = newAgent()
    expect((await beat(id)).status).toBe(202)
    expectProblem(await ask(server, 'GET', `/agents/${id}`), 404, 'agent_not_found')
    const { body: registered } = await ask(server, 'POST', '/agents', { json: { id } })
    await beat(id)
    const { body: agent } = await ask(server, 'GET', `/agents/${id}`)
    expect(agent.status).toBe('online')
    expect(Date.parse(agent.lastSeenAt)).toBeGreaterThanOrEqual(Date.parse(registered.lastSeenAt))
  })

  it('[AO1] takes no body', async () => {
    const id = newAgent()
    expect((await ask(server, 'POST', `/agents/${id}/heartbeat`, { json: {} })).status).toBe(202)
    expectProblem(await ask(server, 'POST', `/agents/${id}/heartbeat`, { json: { a: 1 } }), 422, 'validation_failed')
  })
})

describe('output', () => {
  it('[AO3] [AO5] [AO8] of one chunk shows at once as output, bare and in an envelope', async () => {
    const id = newAgent()
    await using bare = await listen(server.url, `/events/${id}`)
    await using enveloped = await listen(server.url, `/sse?channels=agents/${id}`)
    await using global = await listen(server.url, '/sse?channels=global')
    const reply = await post(id, { content: 'a\nb' })
    expect([reply.status, reply.body]).toEqual([202, { count: 1 }])
    const eventId = reply.headers.get('Event-Id') ?? ''
    const { timestamp } = (await output(id)).body.items[0]
    const text = `{"timestamp":${timestamp},"content":"a\\nb"}`
    const around = (channel: string, event: string, data: string) =>
      `{"channel":"${channel}","event":"${event}","data":${data},"timestamp":${timestamp},"actor":null,"id":"${eventId}"}`
    expect(await bare.id(eventId)).toMatchObject({ event: 'output', text })
    expect(await enveloped.id(eventId)).toMatchObject({ event: 'output', text: around(`agent:${id}`, 'output', text) })
    const full = `{"agentId":"${id}","timestamp":${timestamp},"content":"a\\nb"}`
    expect(await global.id(eventId)).toMatchObject({ text: around('global', 'agent.output', full) })
  })

  it('[AO4] [AO5] [AO8] of lines is one event, and shows as output_batch', async () => {
    const id = newAgent()
    await using bare = await listen(server.url, `/events/${id}`)
    await using global = await listen(server.url, '/sse?channels=global')
    const before = positionOf(await newestId(server))
    const reply = await post(id, { lines: ['a', '', 'b'] })
    expect([reply.status, reply.body]).toEqual([202, { count: 3 }])
    const eventId = reply.headers.get('Event-Id') ?? ''
    expect(positionOf(eventId)).toBe(before + 1)
    const { event, text } = await bare.id(eventId)
    const { timestamp } = (await output(id)).body.items[0]
    expect([event, text]).toEqual(['output_batch', `{"timestamp":${timestamp},"lines":["a","","b"]}`])
    const { data } = await global.id(eventId)
    expect(data).toMatchObject({ event: 'agent.output.batch', data: { agentId: id, timestamp, lines: ['a', '', 'b'] } })
  })

  it('[AO4] [K11] joins what is posted together with the lines of attempts, and gives it the last id', async () => {
    const { attempt } = await makeWork(server)
    const start = attempt.eventId
    await print(attempt.agent, { lines: ['1', '2'] })
    await appendLines(server, attempt.id, ['3', '4'])
    const joined = await print(attempt.agent, { lines: ['5'] })
    const alone = await print(attempt.agent, { content: '6' })
    const last = await print(attempt.agent, { lines: ['7'] })
    // Replay joins lines like a live stream, whatever the time between them.
    await using listener = await listen(server.url, `/events/${attempt.agent}?since=${start}`)
    await listener.id(last.eventId)
    const seen = listener.frames.filter(({ event }) => event.startsWith('output'))
    expect(seen.map(({ id, event, data }) => [id, event, data.lines ?? data.content])).toEqual([
      [joined.eventId, 'output_batch', ['1', '2', '3', '4', '5']],
      [alone.eventId, 'output', '6'],
      [last.eventId, 'output_batch', ['7']],
    ])
  })

  it.each([
    ['nothing', {}, 'content'],
    ['both', { content: 'a', lines: ['b'] }, 'content'],
    ['content that is no text', { content: 1 }, 'content'],
    ['null', { content: null }, 'content'],
    ['no lines', { lines: [] }, 'lines'],
    ['lines that are no list', { lines: 'a' }, 'lines'],
    ['a line that is no text', { lines: ['a', 1] }, 'lines.1'],
    ['a line that is an object', { lines: [{ content: 'a' }] }, 'lines.0'],
    ['1,001 lines', { lines: Array(1_001).fill('') }, 'lines'],
    ['64 KiB and one byte', { content: 'x'.repeat(65_537) }, 'content'],
    ['64 KiB of characters', { content: '🙂'.repeat(16_385) }, 'content'],
    ['a line of 64 KiB and two bytes', { lines: ['é'.repeat(32_769)] }, 'lines.0'],
    ['a time', { content: 'a', timestamp: 1 }, 'timestamp'],
  ])('[AO6] refuses %s', async (_, body, path) => {
    const reply = await withoutEvents(server, () => post(newAgent(), body))
    expectProblem(reply, 422, 'validation_failed', path)
  })

  it('[AO6] may be 64 KiB of UTF-8, and 1,000 lines', async () => {
    for (const content of ['x'.repeat(65_536), 'é'.repeat(32_768), '🙂'.repeat(16_384)]) {
      expect((await post(newAgent(), { content })).status).toBe(202)
    }
    expect((await post(newAgent(), { lines: Array(1_000).fill('') })).body).toEqual({ count: 1_000 })
    const whole = { lines: Array(17).fill('x'.repeat(65_536)) }
    expectProblem(await withoutEvents(server, () => post(newAgent(), whole)), 413, 'too_large')
  })

  it.each(['a%20b', 'a%0D%0Aevent:%20x', '%00', 'a%2Fb', '%C3%BC', 'x'.repeat(201), '*'])(
    '[AO7] of %s is refused: not an agent id',
    async (id) => {
      await withoutEvents(server, async () => {
        expectProblem(await post(id, { content: 'x' }), 400, 'invalid_channel')
        expectProblem(await beat(id), 400, 'invalid_channel')
        expectProblem(await output(id), 400, 'invalid_channel')
      })
    },
  )
})

describe('reading output', () => {
  it('[AO9] pages through posts and the lines of attempts', async () => {
    const { attempt } = await makeWork(server)
    await print(attempt.agent, { content: 'one' })
    await appendLines(server, attempt.id, ['two', 'three'])
    await print(attempt.agent, { lines: ['four', 'five'] })
    const all = page.parse((await output(attempt.agent)).body)
    const texts = all.items.map((item) => ('content' in item ? item.content : item.lines))
    expect(texts).toEqual(['one', ['two'], ['three'], ['four', 'five']])
    expect([all.cursor, all.more, all.count]).toEqual([all.items.at(-1)?.id, false, 4])
    const walked: typeof all.items = []
    for (let after = '', more = true; more; ) {
      const { body } = await output(attempt.agent, `?limit=1${after}`)
      walked.push(...page.parse(body).items)
      after = `&after=${body.cursor}`
      more = body.more
    }
    expect(walked).toEqual(all.items)
    expect((await output(attempt.agent, '?tail=2')).body.items).toEqual(all.items.slice(-2))
    const earlier = (await output(attempt.agent, `?before=${all.items[2]?.id}`)).body
    expect([earlier.items, earlier.count]).toEqual([all.items.slice(0, 2), 2])
    expect((await output(newAgent())).body.items).toEqual([])
  })

  it.each(['limit=0', 'limit=1001', 'limit=x', 'tail=0', 'after=', 'after=1', 'after=00000000-1'])(
    '[AO9] refuses %s',
    async (query) => {
      expectProblem(await output(newAgent(), `?${query}`), 400, 'bad_request')
    },
  )
})

describe('/events/AGENT', () => {
  /** Everything that shows on an agent's channel, and what goes to everyone. */
  async function everything(agentId: string) {
    const { attempt, card } = await makeWork(server)
    const one = await print(agentId, { content: 'one' })
    await beat(agentId)
    await server.post('/agents', { id: agentId, label: `Label ${Math.random()}` })
    await server.post('/agent-profiles', { agent: agentId, name: 'Careful' })
    await server.call('PATCH', `/cards/${card.id}`, { assignedAgentId: agentId })
    await server.call('PATCH', `/attempts/${attempt.id}`, { status: 'failed' })
    const own = await server.post<{ id: string }>(`/cards/${card.id}/attempts`, { agent: agentId, status: 'running' })
    await server.post(`/topics/${agentId}/events`, { event: 'output.x', data: { content: 'no' } })
    const two = await print(agentId, { lines: ['two', 'three'] })
    const four = await appendLines(server, own.id, ['four'])
    return { ids: [one.eventId, two.eventId, four.eventId], last: four.eventId }
  }
  const printed = (listener: Listener) =>
    listener.frames.flatMap(({ event, data }) =>
      event === 'output' ? [data.content] : event === 'output_batch' ? data.lines : [],
    )

  it('[AO10] has events about the stream, output and output_batch, and nothing else', async () => {
    const id = newAgent()
    const start = await newestId(server)
    await using listener = await listen(server.url, `/events/${id}`)
    await using onChannel = await listen(server.url, `/sse?channels=agent:${id}`)
    const { last } = await everything(id)
    await listener.id(last)
    await onChannel.id(last)
    await listener.until('a heartbeat after it', () => listener.frames.at(-1)?.event === 'heartbeat')
    expect(names(listener)).toEqual(['heartbeat', 'hello', 'output', 'output_batch'])
    // The other stream saw everything else as well.
    for (const name of ['agent.heartbeat', 'agent_registered', 'agent_profile', 'agent_assigned', 'agent_started']) {
      expect(names(onChannel)).toContain(name)
    }
    expect(printed(listener)).toEqual(['one', 'two', 'three', 'four'])
    for (const { event, data } of listener.frames) {
      if (event === 'output') expect(Object.keys(data)).toEqual(['timestamp', 'content'])
      if (event === 'output_batch') expect(Object.keys(data)).toEqual(['timestamp', 'lines'])
    }
    await using replayed = await listen(server.url, `/events/${id}?since=${start}`)
    await replayed.id(last)
    expect(names(replayed).filter((name) => name !== 'heartbeat')).toEqual(['hello', 'output', 'output_batch'])
    expect(printed(replayed)).toEqual(['one', 'two', 'three', 'four'])
  })

  it('[AO10] resumes after any id, by header and by query', async () => {
    const id = newAgent()
    const { ids, last } = await everything(id)
    const expected = [['two', 'three', 'four'], ['four'], []]
    for (const [index, cursor] of ids.entries()) {
      for (const [path, headers] of [
        [`/events/${id}`, { 'Last-Event-ID': cursor }],
        [`/events/${id}?lastEventId=${cursor}`, {}],
        [`/events/${id}?last_event_id=${cursor}`, {}],
      ] as const) {
        await using listener = await listen(server.url, path, { headers })
        expect(listener.frames[0]).toMatchObject({ id: cursor, data: { resumed: true } })
        await listener.until('the last', () => positionOf(listener.lastEventId ?? '') >= positionOf(last))
        expect(printed(listener)).toEqual(expected[index])
      }
    }
  })

  it('[AO10] ends after limit events, and accepts types', async () => {
    const id = newAgent()
    const start = await newestId(server)
    for (const content of ['1', '2', '3']) await print(id, { content })
    await print(id, { lines: ['4'] })
    await using two = await listen(server.url, `/events/${id}?since=${start}&limit=2`)
    await two.untilClosed()
    expect([printed(two), two.ended]).toEqual([['1', '2'], true])
    await using narrow = await listen(server.url, `/events/${id}?since=${start}&types=output_*,agent_*&limit=1`)
    await narrow.untilClosed()
    expect(printed(narrow)).toEqual(['4'])
  })

  it('[AO10] is refused for an invalid agent id', async () => {
    for (const id of ['a%20b', 'x%0d%0a', '%00']) {
      expectProblem(await ask(server, 'GET', `//events/${id}`), 400, 'invalid_channel')
    }
  })
})
