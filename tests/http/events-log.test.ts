/** The log over HTTP. Rules EV1 to EV11. */
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { appendLines, deleteBoard, makeBoard, makeCard, makeWork, positionOf } from '../support/board.ts'
import { ask, expectProblem, newestId, type Reply } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener } from '../support/stream.ts'

/** Nothing is committed on it after its setup. */
let full: TestServer
/** Its newest id. */
let end: string
let work: Awaited<ReturnType<typeof makeWork>>
let server: TestServer

const TOPIC = 'deploys'

beforeAll(async () => {
  server = await startTestServer()
  full = await startTestServer({ heartbeatMs: 100 })
  const other = await makeBoard(full)
  work = await makeWork(full)
  const { attempt, card, boardId } = work
  await appendLines(full, attempt.id, ['one', 'NUL \u0000, lone \ud800, two\r\n', ''])
  await full.post(`/agents/${attempt.agent}/output`, { lines: ['three', '🙂'] })
  await full.post(`/agents/${attempt.agent}/output`, { content: '\u001b[31mred' })
  await full.post(`/agents/${attempt.agent}/heartbeat`, {})
  await full.post('/agents', { id: attempt.agent, label: 'Everyone sees it' })
  await full.post(`/topics/${TOPIC}/events`, { event: 'deploy.done', data: { b: [1, { a: '\u2028' }], '7': null } })
  await full.call('PATCH', `/cards/${card.id}`, { title: 'All', stage: 'TODO', assignedAgentId: attempt.agent })
  await full.post(`/boards/${boardId}/git/operations`, { operation: 'gc', ok: true, details: ['x'] })
  await full.post(`/boards/${boardId}/files/changes`, { changes: [{ path: 'a', kind: 'created' }] })
  await makeCard(full, other.id, { title: 'Elsewhere' })
  await full.call('PATCH', `/attempts/${attempt.id}`, { status: 'succeeded' })
  end = await newestId(full)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await full[Symbol.asyncDispose]()
})

const envelope = z.strictObject({
  channel: z.string(),
  event: z.string(),
  data: z.json(),
  timestamp: z.int(),
  actor: z.null(),
  id: z.string(),
  // The topic of a topic event, on `global`.
  topic: z.string().optional(),
})
const page = z.strictObject({ events: z.array(envelope), cursor: z.string(), oldest: z.string(), more: z.boolean() })
const WHOLE = /^\{"events":\[(.*)\],"cursor":"[^"]*","oldest":"[^"]*","more":(?:true|false)\}$/s

const read = (query = '', on = server) => ask(on, 'GET', `/events${query}`)
const names = (reply: Reply) => parse(reply).events.map(({ event }) => event)

function parse(reply: Reply) {
  expect([reply.status, reply.headers.get('Content-Type')], reply.text.slice(0, 300)).toEqual([200, 'application/json'])
  expect(reply.text).toMatch(WHOLE)
  return page.parse(reply.body)
}

/** The events that a channel stream sends for the whole log, joined. */
async function streamed(query: string): Promise<string> {
  await using listener = new Listener(full.url, `/sse?${query}&since=earliest`)
  await listener.until('the end', () => listener.lastEventId === end)
  const about = ['hello', 'heartbeat', 'state', 'dashboard_overview', 'metric.update']
  return listener.frames.flatMap(({ event, text }) => (about.includes(event) ? [] : [text])).join(',')
}

describe('a page of the log', () => {
  it.each<[string, (boardId: string, cardId: string, attemptId: string, agentId: string) => string]>([
    ['everything', () => 'global'],
    ['everything, by its other spelling', () => '*'],
    ['a board', (board) => `board:${board}`],
    ['a board in the full view', (board) => `board:${board};full`],
    ['a project', (board) => `project:${board}`],
    ['an issue', (_, card) => `issue:${card}`],
    ['a card', (_, card) => `card:${card}`],
    ['an attempt', (_, __, attempt) => `attempt:${attempt}`],
    ['an agent and its attempt', (_, __, attempt, agent) => `agents/${agent},attempt:${attempt}`],
    ['an attempt and its agent', (_, __, attempt, agent) => `attempt:${attempt},agent:${agent}`],
    ['a topic', () => `topics/${TOPIC}`],
    ['a topic and everything', () => `topic:${TOPIC},global`],
    ['everything and a board', (board) => `global,board:${board}`],
    [
      'much that overlaps',
      (board, card, _, agent) => `project:${board},board:${board},issue:${card},agent:${agent},topic:${TOPIC},global`,
    ],
    ['channels of nothing', () => 'session:none,workflow:run:none,shell:none'],
    ['the dashboard', () => 'dashboard'],
  ])('[EV2] [EV3] of %s are the bytes that a channel stream sends', async (_, channelsOf) => {
    const { boardId, card, attempt } = work
    const channels = `channels=${channelsOf(boardId, card.id, attempt.id, attempt.agent)}`
    for (const types of ['', '&types=card*,attempt*,agent*,issue_*', '&types=deploy.*,output', '&types=*']) {
      const reply = await read(`?${channels}${types}&limit=1000`, full)
      expect(parse(reply)).toMatchObject({ cursor: end, more: false })
      expect(WHOLE.exec(reply.text)?.[1]).toBe(await streamed(channels + types))
    }
  })

  it('[EV1] is by default global, from the oldest event, 100 events', async () => {
    const all = parse(await read('?channels=global&limit=1000', full))
    expect(all.events.map(({ id }) => positionOf(id))).toEqual(
      [...all.events.map(({ id }) => positionOf(id))].sort((a, b) => a - b),
    )
    expect(all.events[0]).toMatchObject({ channel: 'global', event: 'board.created' })
    expect(parse(await read('', full))).toEqual(all)
    expect(all.oldest).toBe(end.replace(/\d+$/, '0'))
    for (let n = 0; n < 120; n++) await server.post('/topics/many/events', { event: 'n', data: n })
    const first = parse(await read('?channels=topic:many'))
    expect([first.events.length, first.more]).toEqual([100, true])
  })

  it('[EV3] follows the rules of streams', async () => {
    for (const [query, code] of [
      ['channels=', 'bad_request'],
      ['channels=a,,b', 'bad_request'],
      ['channels=nonsense', 'invalid_channel'],
      ['channels=board:a%20b', 'invalid_channel'],
      [`channels=${Array.from({ length: 101 }, (_, n) => `topic:${n}`)}`, 'bad_request'],
    ] as const) {
      expectProblem(await read(`?${query}`), 400, code)
    }
    for (const query of ['channels=board:none', 'channels=topic:a,project:none', 'channels=board:none;full']) {
      const reply = await read(`?${query}`)
      expectProblem(reply, 404, 'board_not_found')
      expect(reply.body.title).toBe('Board not found')
    }
    expect((await read('?channels=agent:none,attempt:none,topic:none&surplus=1')).status).toBe(200)
  })

  it('[EV4] has one envelope per name of an event, all with its id', async () => {
    const { events } = parse(await read('?types=agent_registered,agent.registered', full))
    expect(events.map(({ channel, event }) => [channel, event])).toEqual([
      ['*', 'agent_registered'],
      ['global', 'agent.registered'],
    ])
    expect(events[0]?.id).toBe(events[1]?.id)
  })

  it('[EV5] does not join the lines of events', async () => {
    const { attempt } = await makeWork(server)
    await appendLines(server, attempt.id, ['a', 'b'])
    await server.post(`/agents/${attempt.agent}/output`, { lines: ['c', 'd'] })
    await server.post(`/agents/${attempt.agent}/output`, { lines: ['e'] })
    const { events } = parse(await read(`?channels=agent:${attempt.agent}&types=output_batch`))
    expect(events.map(({ data }) => (data as { lines: string[] }).lines)).toEqual([['a'], ['b'], ['c', 'd'], ['e']])
    for (const { data, timestamp } of events) expect(data).toMatchObject({ timestamp })
    expect(new Set(events.map(({ id }) => id)).size).toBe(4)
  })

  it('[EV6] covers the whole log of a channel, beyond the deletion of a board', async () => {
    const { id } = await makeBoard(server, 'again')
    const before = await newestId(server)
    await deleteBoard(server, id)
    expectProblem(await read(`?channels=board:${id}`), 404, 'board_not_found')
    await makeBoard(server, id)
    await makeCard(server, id)
    expect(names(await read(`?channels=board:${id}&after=${before}`))).toEqual(['board_deleted', 'card_created'])
  })
})

describe('further pages', () => {
  it('[EV4] [EV7] any limit and any start return every event once, in order, and split none', async () => {
    const channels = `global,agent:${work.attempt.agent},board:${work.boardId}`
    const all = parse(await read(`?channels=${channels}&limit=1000`, full)).events
    const ids = [...new Set(all.map(({ id }) => id))]
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.nat(ids.length - 1), async (limit, from) => {
        const walked: typeof all = []
        let after = ids[from]!
        for (let more = true; more; ) {
          const one = parse(await read(`?channels=${channels}&limit=${limit}&after=${after}`, full))
          const seen = new Set(one.events.map(({ id }) => id))
          if (one.more) {
            expect(seen.size).toBe(limit)
            expect(one.cursor).toBe(one.events.at(-1)?.id)
          }
          walked.push(...one.events)
          after = one.cursor
          more = one.more
        }
        expect(after).toBe(end)
        expect(walked).toEqual(all.filter(({ id }) => positionOf(id) > positionOf(ids[from]!)))
      }),
      { numRuns: 40 },
    )
  })

  it('[EV7] more is exact', async () => {
    const start = await newestId(server)
    for (const data of [1, 2, 3]) await server.post('/topics/exact/events', { event: 'n', data })
    await server.post('/topics/other/events', { event: 'n' })
    const three = parse(await read(`?channels=topic:exact&after=${start}&limit=3`))
    expect([three.events.length, three.more, three.cursor]).toEqual([3, false, await newestId(server)])
    const two = parse(await read(`?channels=topic:exact&after=${start}&limit=2`))
    expect([two.events.length, two.more, two.cursor]).toEqual([2, true, two.events[1]?.id])
  })

  it('[EV8] the cursor continues the reading: it moves even if nothing shows, and works on a stream', async () => {
    const start = await newestId(server)
    const { eventId } = await server.post<object>('/topics/elsewhere/events', { event: 'n' })
    const { events, cursor, more } = parse(await read(`?channels=topic:quiet&after=${start}`))
    expect([events, cursor, more]).toEqual([[], eventId, false])
    expect((await ask(server, 'GET', '/cursor')).body).toEqual({ cursor: eventId })
    const next = await server.post<object>('/topics/quiet/events', { event: 'n' })
    await using listener = new Listener(server.url, `/sse?channels=topic:quiet&lastEventId=${cursor}`)
    await listener.id(next.eventId)
    expect(listener.frames.map(({ event }) => event)).toEqual(['hello', 'n'])
    expect(names(await read(`?channels=topic:quiet&after=${cursor}`))).toEqual(['n'])
  })

  it('[EV9] scans a bounded number of events per page, and still reaches the end', async () => {
    const start = await newestId(server)
    const { attempt } = await makeWork(server)
    for (let n = 0; n < 10; n++) await appendLines(server, attempt.id, Array(1_000).fill('hay'))
    const { eventId } = await server.post<object>('/topics/needles/events', { event: 'needle' })
    const found: string[] = []
    let pages = 0
    let after = start
    for (let more = true; more; pages++) {
      const one = parse(await read(`?types=needle&after=${after}`))
      found.push(...one.events.map(({ id }) => id))
      after = one.cursor
      more = one.more
    }
    expect(found).toEqual([eventId])
    expect(pages).toBeGreaterThan(1)
    expect(pages).toBeLessThan(6)
  })

  it('[EV9] ends a long page early, and reports more', async () => {
    const { attempt } = await makeWork(server)
    for (let n = 0; n < 10; n++) await appendLines(server, attempt.id, Array(15).fill('x'.repeat(65_536)))
    const sizes: number[] = []
    let after = attempt.eventId
    for (let more = true; more; ) {
      const one = parse(await read(`?channels=attempt:${attempt.id}&limit=1000&after=${after}`))
      sizes.push(one.events.length)
      after = one.cursor
      more = one.more
    }
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(150)
    expect(Math.max(...sizes)).toBeLessThan(70)
  })

  it.each(['limit=0', 'limit=1001', 'limit=-1', 'limit=x', 'limit=', 'limit=1.5'])(
    '[EV1] refuses %s',
    async (query) => {
      expectProblem(await read(`?${query}`), 400, 'bad_request')
    },
  )
})

describe('a cursor that cannot be honoured', () => {
  it.each(['', 'nonsense', '1', 'earliest', 'now', '0000000-1'])('[EV10] is refused: after=%s', async (after) => {
    const reply = await read(`?after=${after}`)
    expectProblem(reply, 400, 'bad_request')
    expect(reply.body.detail).toMatch(/^after must be an id of this log/)
  })

  it('[EV10] is refused when it is ahead of the log, or of another log', async () => {
    const ahead = (await newestId(server)).replace(/\d+$/, (seq) => `${Number(seq) + 1}`)
    expectProblem(await read(`?after=${ahead}`), 400, 'bad_request')
    const other = await read(`?after=${end}`)
    expectProblem(other, 400, 'bad_request')
    expect(other.body.detail).toContain('another log')
  })

  it('[EV11] is accepted when later events were trimmed: oldest shows it', async () => {
    await using small = await startTestServer({ retention: { maxAgeMs: 1e12, maxEvents: 10, maxBytes: 1e12 } })
    const { eventId: first } = await makeBoard(small)
    const { attempt } = await makeWork(small)
    const { eventId: last } = await appendLines(small, attempt.id, Array(30).fill('x'))
    const whole = positionOf(last) - 10
    await expect.poll(async () => positionOf(parse(await read('', small)).oldest)).toBe(whole)
    const { oldest, events } = parse(await read(`?after=${first}`, small))
    expect(events.filter(({ id }) => positionOf(id) > whole)).toHaveLength(10)
    const before = events.filter(({ id }) => positionOf(id) <= whole)
    expect(before.map(({ event }) => event)).toContain('card.created')
    expect(before.map(({ event }) => event)).not.toContain('attempt.log.appended')
    expect(parse(await read(`?after=${oldest}`, small)).events).toEqual(events.slice(before.length))
    expect(parse(await read('', small)).events.slice(1)).toEqual(events)
  })
})
