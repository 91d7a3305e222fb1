/**
 * The client against a real server, over a network with accidents. After each of them every event has come once and in
 * order.
 *
 * CL10  Server restarts, 503s, cut connections, silence: every event comes once.
 * CL11  A server that wants another credential every time, for streams and requests.
 * CL12  Hubs of the same server and identity share one stream; `share: 'none'` has its own.
 * CL14  Payloads that break their schema are counted, and dropped by `strict`; without `validate` nothing is checked.
 * CL15  A closed hub does nothing more, and its calls fail with `closed`.
 * CL16  createClient refuses invalid options.
 * CL13  A program exits when its hub is closed.
 */
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { EventSource } from 'eventsource'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ClientOptions } from '../../web/client/base/options.ts'
import type { Frame } from '../../web/client/base/types.ts'
import { createClient, type Hub } from '../../web/client/hub/client.ts'
import { appendLines, deleteBoard, eventually, makeBoard, makeCard, makeWork, stats } from '../support/board.ts'
import { chooseSeed, createRandom } from '../support/random.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Collector } from './support/collector.ts'
import { Gateway } from './support/gateway.ts'
import { untilStatus } from './support/status.ts'
import { until } from './support/until.ts'

const QUICK = { firstMs: 50, maxMs: 200 }

async function serve(overrides: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  const server = await startTestServer(overrides)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

async function roadTo(server: TestServer): Promise<Gateway> {
  const road = await Gateway.to(server.port)
  onTestFinished(() => road[Symbol.asyncDispose]())
  return road
}

function hubOf(baseUrl: string, options: ClientOptions = {}): Hub {
  const hub = createClient({ baseUrl, share: 'none', backoff: QUICK, ...options })
  onTestFinished(() => hub.close())
  return hub
}

/** What a reader of these channels should have received, according to the log. */
async function logOf(server: TestServer, channels: string, after: string): Promise<string[]> {
  const expected: string[] = []
  for (let cursor = after; ; ) {
    const page = await server.get<{ events: Frame[]; cursor: string; more: boolean }>(
      `/events?channels=${channels}&after=${cursor}&limit=1000`,
    )
    expected.push(...page.events.map(({ event, id }) => `${event}#${id}`))
    cursor = page.cursor
    if (!page.more) return expected
  }
}

const received = ({ frames }: Collector) => frames.map(({ event, id }) => `${event}#${id}`)

describe.each(['fetch', 'eventsource', 'ws'] as const)('over %s', (transport) => {
  const options = { transport, EventSource, WebSocket } as const

  test('[CL10] [CR3] whatever happens to the network, every event comes once and in order', async () => {
    const server = await serve({ heartbeatMs: 1_000 })
    const road = await roadTo(server)
    const { boardId, attempt } = await makeWork(server)
    const hub = hubOf(road.url, { ...options, heartbeatTimeoutMs: 1_500 })
    const channels = [`board:${boardId}`, `attempt:${attempt.id}`, 'topic:t']
    const whole = new Collector()
    const types = ['*']
    hub.subscribe({ channels, types }, whole)
    const start = await whole.isReady()

    const joined: Array<{ collector: Collector; channels: string[]; since: string }> = []
    const seed = chooseSeed()
    const random = createRandom(seed)
    const accidents = [
      () => road.cut(),
      () => road.cut('streams'),
      () => road.silence(),
      () => {
        road.refuse(503, { 'Retry-After': '0' })
        road.cut()
        setTimeout(() => road.pass(), 150)
      },
      async () => {
        await server.restart()
      },
      () => hub.reconnect(),
    ]
    for (const accident of [...accidents, ...accidents]) {
      for (let n = 0; n < 5; n++) {
        await server.post(`/boards/${boardId}/cards`, { title: `card ${n}` })
        await appendLines(server, attempt.id, ['one', 'two'])
        await server.post('/topics/t/events', { event: 'posted', data: { n } })
        if (n === 2) await accident()
      }
      // A reader joins in between, from any cursor.
      const seen = whole.frames[random.below(whole.frames.length)]
      const some = channels.filter(() => random.chance(0.6))
      if (!seen || some.length === 0) continue
      const collector = new Collector()
      hub.subscribe({ channels: some, types, since: seen.id }, collector)
      joined.push({ collector, channels: some, since: seen.id })
    }
    const last = await server.post('/topics/t/events', { event: 'last', data: {} })
    const end = await server.post(`/boards/${boardId}/cards`, { title: 'the last' })
    await appendLines(server, attempt.id, ['the last'])

    const expected = await logOf(server, channels.join(), start)
    await whole.until('everything', () => whole.frames.length >= expected.length, 40_000)
    expect(received(whole), `seed ${seed}`).toEqual(expected)
    expect(whole.gaps).toEqual([])
    expect(last.eventId < end.eventId).toBe(true)
    for (const { collector, channels, since } of joined) {
      const due = await logOf(server, channels.join(), since)
      await collector.until('everything', () => collector.frames.length >= due.length, 40_000)
      expect(received(collector), `seed ${seed}`).toEqual(due)
    }
  })

  test('[CL10] resumes after a restart, and shows that it is reconnecting', async () => {
    const server = await serve()
    const board = await makeBoard(server)
    const hub = hubOf(server.url, options)
    const reader = new Collector()
    hub.subscribe({ channels: [`board:${board.id}`] }, reader)
    await reader.isReady()
    const phases: string[] = []
    hub.status.subscribe(() => phases.at(-1) !== hub.status.get().phase && phases.push(hub.status.get().phase))
    await server.restart()
    const card = await makeCard(server, board.id)
    await reader.id(card.eventId)
    expect(received(reader)).toEqual([`card_created#${card.eventId}`])
    expect(phases.filter((phase) => phase !== 'open' && phase !== 'catching-up')).toEqual(['reconnecting'])
  })

  test('[CL8] [CR8] a missing board and a deleted board do not affect other channels', async () => {
    const server = await serve()
    const board = await makeBoard(server)
    const doomed = await makeBoard(server)
    const hub = hubOf(server.url, options)
    const [gone, there, dying] = [new Collector(), new Collector(), new Collector()]
    hub.subscribe({ channels: ['board:nowhere'] }, gone)
    hub.subscribe({ channels: [`board:${board.id}`] }, there)
    hub.subscribe({ channels: [`board:${doomed.id}`] }, dying)
    await there.isReady()
    expect(gone.errors).toMatchObject([{ code: 'refused', status: 404 }])
    await deleteBoard(server, doomed.id)
    await dying.until('the refusal', () => dying.errors.length)
    expect(dying.frames.map(({ event }) => event)).toEqual(['board_deleted'])
    await server.restart()
    const card = await makeCard(server, board.id)
    await there.id(card.eventId)
    expect(there.errors).toEqual([])
    expect(dying.errors).toMatchObject([{ code: 'refused', status: 404 }])
  })

  test('[CR2] readers of overlapping channels get what each would get alone', async () => {
    const server = await serve()
    const { boardId, card, attempt } = await makeWork(server)
    const lists = [
      [`board:${boardId}`],
      [`attempt:${attempt.id}`],
      ['global'],
      [`issue:${card.id}`],
      [`project:${boardId}`],
      [`agent:${attempt.agent}`],
      ['topic:t'],
      ['global', 'topic:t'],
      [`issue:${card.id}`, `agent:${attempt.agent}`],
    ]
    const hub = hubOf(server.url, options)
    const readers = lists.map((channels) => {
      const collector = new Collector()
      hub.subscribe({ channels, types: ['*', 'posted'] }, collector)
      return { channels, collector }
    })
    for (const { collector } of readers) await collector.isReady()
    await server.call('PATCH', `/cards/${card.id}`, { title: 'new', assignedAgentId: attempt.agent })
    await appendLines(server, attempt.id, ['a', 'b'])
    await server.post('/topics/t/events', { event: 'posted', data: { n: 1 } })
    await server.post('/messages', { from_agent: 'x', to_agent: attempt.agent, topic: 't', content: 'hello' })
    await server.post('/messages', { from_agent: 'x', content: 'to all' })
    await server.call('PATCH', `/attempts/${attempt.id}`, { status: 'succeeded', exitCode: 0 })
    const { cursor } = await server.get<{ cursor: string }>('/cursor')
    for (const { channels, collector } of readers) {
      const due = (await logOf(server, channels.join(), collector.ready_[0] ?? '')).filter(
        (one) => !one.startsWith('output_batch'),
      )
      const had = () => received(collector).filter((one) => !one.startsWith('output_batch'))
      await collector.until(`everything on ${channels}`, () => had().length >= due.length)
      expect(had(), channels.join()).toEqual(due)
      expect(collector.frames.every(({ channel }) => channel === '*' || channels.includes(channel))).toBe(true)
    }
    expect(cursor).toBeTruthy()
  })
})

describe('over a socket', () => {
  test('[CL1] [CL24] other channels need another socket, and nothing is missed in between', async () => {
    const server = await serve()
    const road = await roadTo(server)
    const boards = await Promise.all(Array.from({ length: 30 }, () => makeBoard(server)))
    const hub = hubOf(road.url, { transport: 'ws', WebSocket })
    const first = new Collector()
    hub.subscribe({ channels: boards.slice(0, 22).map(({ id }) => `board:${id}`) }, first)
    await first.isReady()
    const early = await makeCard(server, boards[0]?.id ?? '')
    const second = new Collector()
    hub.subscribe({ channels: boards.slice(22).map(({ id }) => `board:${id}`) }, second)
    const ids: string[] = [early.eventId]
    for (const board of boards) ids.push((await makeCard(server, board.id)).eventId)
    await second.isReady()
    await first.count(23)
    expect(first.ids).toEqual(ids.slice(0, 23))
    const late = await makeCard(server, boards[29]?.id ?? '')
    await second.id(late.eventId)
    expect(ids).toEqual(expect.arrayContaining(second.ids.slice(0, -1)))
    expect(road.streams.length).toBeLessThanOrEqual(2)
    expect([...first.gaps, ...second.gaps]).toEqual([])
  })
})

describe('cursors', () => {
  test('[CR5] a cursor of another log, an invalid one, and one ahead of the log are gaps', async () => {
    const server = await serve()
    const board = await makeBoard(server)
    const { cursor } = await server.get<{ cursor: string }>('/cursor')
    const hub = hubOf(server.url)
    for (const [since, reason] of [
      ['00000000-5', 'epoch'],
      ['yesterday', 'invalid'],
      [`${cursor.slice(0, 8)}-999999`, 'invalid'],
    ] as const) {
      const reader = new Collector()
      hub.subscribe({ channels: [`board:${board.id}`], since }, reader)
      await reader.isReady()
      expect(reader.gaps).toMatchObject([{ requested: since, reason }])
      const card = await makeCard(server, board.id)
      await reader.id(card.eventId)
      expect(received(reader)).toEqual([`card_created#${card.eventId}`])
    }
  })

  test('[CR3] from the earliest, and from an Event-Id', async () => {
    const server = await serve()
    const board = await makeBoard(server)
    const first = await makeCard(server, board.id)
    const second = await makeCard(server, board.id)
    const hub = hubOf(server.url)
    const [all, rest] = [new Collector(), new Collector()]
    hub.subscribe({ channels: [`board:${board.id}`], since: 'earliest' }, all)
    hub.subscribe({ channels: [`board:${board.id}`], since: first.eventId }, rest)
    await all.count(2)
    await rest.count(1)
    const third = await makeCard(server, board.id)
    await all.id(third.eventId)
    await rest.id(third.eventId)
    expect(all.named('card_created').map(({ id }) => id)).toEqual([first.eventId, second.eventId, third.eventId])
    expect(rest.ids).toEqual([second.eventId, third.eventId])
  })

  test('[CR7] as an async iterator', async () => {
    const server = await serve()
    const board = await makeBoard(server)
    const first = await makeCard(server, board.id)
    const second = await makeCard(server, board.id)
    const hub = hubOf(server.url)
    const seen: string[] = []
    for await (const { event, id } of hub.subscribe({
      channels: [`board:${board.id}`],
      since: 'earliest',
      types: ['card_*'],
    })) {
      seen.push(`${event}#${id}`)
      if (seen.length === 2) break
    }
    expect(seen).toEqual([`card_created#${first.eventId}`, `card_created#${second.eventId}`])
    const lost = hub.subscribe({ channels: [`board:${board.id}`], since: '00000000-1' })
    expect(await lost.next()).toMatchObject({ value: { channel: '*', event: 'gap', data: { reason: 'epoch' } } })
    const ended = lost.next()
    await lost.return()
    expect(await ended).toEqual({ done: true, value: undefined })
    const refused = hub.subscribe({ channels: ['board:nowhere'] })
    await expect(refused.next()).rejects.toMatchObject({ code: 'refused', status: 404 })
  })

  test('[CR6] ten thousand events in one burst reach a handler ten thousand times, in order', async () => {
    const server = await serve()
    const { attempt } = await makeWork(server)
    const hub = hubOf(server.url)
    const reader = new Collector()
    hub.subscribe({ channels: [`attempt:${attempt.id}`], types: ['attempt_log'] }, reader)
    await reader.isReady()
    const bursts = Array.from({ length: 10 }, (_, burst) =>
      Array.from({ length: 1_000 }, (_, n) => `${burst * 1_000 + n}`),
    )
    for (const lines of bursts) await appendLines(server, attempt.id, lines)
    await reader.count(10_000)
    expect(reader.frames.map(({ data }) => (data as { message: string }).message)).toEqual(bursts.flat())
  })
})

describe('credentials', () => {
  test('[CL11] [CL7] auth gives a new header for every stream and every request', async () => {
    const server = await serve()
    const board = await makeBoard(server)
    const used: string[] = []
    const guard = createServer((incoming, outgoing) => {
      const token = incoming.headers.authorization ?? 'none'
      // No credential may be used twice.
      if (used.includes(token) || !/^Bearer t\d+$/.test(token)) {
        outgoing.writeHead(401).end()
        return
      }
      used.push(token)
      const { method = 'GET', url = '', headers } = incoming
      void (async () => {
        const chunks: Buffer[] = []
        for await (const chunk of incoming) chunks.push(chunk as Buffer)
        const answer = await fetch(`${server.url}${url}`, {
          method,
          headers: { Accept: String(headers.accept), 'Content-Type': 'application/json' },
          ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
        })
        outgoing.writeHead(answer.status, { 'Content-Type': answer.headers.get('Content-Type') ?? '' })
        if (answer.body) for await (const chunk of answer.body) outgoing.write(chunk)
        outgoing.end()
      })().catch(() => outgoing.destroy())
    })
    await new Promise<void>((resolve) => guard.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      guard.closeAllConnections()
      guard.close()
    })
    const address = guard.address()
    const port = typeof address === 'object' ? address?.port : 0
    let asked = 0
    const hub = hubOf(`http://127.0.0.1:${port}`, { auth: () => `t${++asked}` })
    const reader = new Collector()
    hub.subscribe({ channels: [`board:${board.id}`] }, reader)
    await reader.isReady()
    for (let round = 0; round < 3; round++) {
      const { eventId } = await hub.request('POST', `/boards/${board.id}/cards`, { title: 'x' })
      expect(eventId).toBeNull() // This proxy does not pass it on.
      await reader.count(round + 1)
      guard.closeAllConnections()
      await untilStatus(hub.status, 'the loss', ({ phase }) => phase === 'reconnecting')
      await untilStatus(hub.status, 'the return', ({ phase }) => phase === 'open')
    }
    expect(used.length).toBe(asked)
    expect(asked).toBe(7)
  })
})

describe('schemas', () => {
  test.each([
    ['off', 0, 3],
    ['warn', 1, 3],
    ['strict', 1, 2],
  ] as const)('[CL14] %s', async (validate, invalid, many) => {
    const envelope = (seq: number, event: string, data: object, channel = 'agent:a') =>
      `event: ${event}\ndata: ${JSON.stringify({ channel, event, data, timestamp: 1, id: `5d3c9b1e-${seq}` })}\nid: 5d3c9b1e-${seq}\n\n`
    const body = [
      envelope(1, 'hello', { resumed: true, heartbeatMs: 15_000 }, '*'),
      envelope(2, 'output', { timestamp: 1, content: 'fine' }),
      envelope(3, 'output', { timestamp: 'late', content: 'wrong' }),
      envelope(4, 'output', { timestamp: 2, content: 'fine' }),
    ].join('')
    const open = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(body)) })
    const hub = hubOf('http://hub', {
      validate,
      fetch: async () => new Response(open, { headers: { 'Content-Type': 'text/event-stream' } }),
    })
    const reader = new Collector()
    hub.subscribe({ channels: ['agent:a'] }, reader)
    await reader.id('5d3c9b1e-4')
    expect(reader.frames).toHaveLength(many)
    await untilStatus(hub.status, 'the count', (status) => status.invalid === invalid)
  })

  test.each(['id: 5d3c9b1e-2\n$', '$id: 5d3c9b1e-2\n'])(
    '[S7] the fields of a frame in either order: %j',
    async (order) => {
      const text = (id: number, event: string, data: object, channel: string) =>
        `event: ${event}\ndata: ${JSON.stringify({ channel, event, data, timestamp: 1, id: `5d3c9b1e-${id}` })}\n`
      const hello = `${text(1, 'hello', { resumed: true, heartbeatMs: 15_000 }, '*')}id: 5d3c9b1e-1\n\n`
      const output = `${order.replace('$', () => text(2, 'output', { timestamp: 1, content: 'fine' }, 'agent:a'))}\n`
      const body = new TextEncoder().encode(hello + output)
      const open = new ReadableStream({ start: (controller) => controller.enqueue(body) })
      const hub = hubOf('http://hub', {
        fetch: async () => new Response(open, { headers: { 'Content-Type': 'text/event-stream' } }),
      })
      const reader = new Collector()
      hub.subscribe({ channels: ['agent:a'] }, reader)
      await reader.id('5d3c9b1e-2')
      expect(reader.named('output')).toHaveLength(1)
    },
  )

  test('[CL14] every payload of the server is valid', async () => {
    const server = await serve()
    const { boardId, card, attempt } = await makeWork(server)
    const hub = hubOf(server.url, { validate: 'strict' })
    const channels = [
      `board:${boardId}`,
      `project:${boardId}`,
      `issue:${card.id}`,
      `agent:${attempt.agent}`,
      'global',
      'dashboard',
      'metrics',
    ]
    const reader = new Collector()
    hub.subscribe({ channels }, reader)
    await reader.isReady()
    await server.call('PATCH', `/cards/${card.id}`, { title: 'new', assignedAgentId: attempt.agent })
    await appendLines(server, attempt.id, ['a', 'b'])
    const { eventId } = await server.post('/messages', { from_agent: 'x', content: 'to all' })
    await reader.id(eventId)
    await reader.until('an overview', () => reader.named('dashboard_overview').length)
    await reader.until('figures', () => reader.named('metric.update').length)
    expect(hub.status.get()).toMatchObject({ invalid: 0, unknown: 0, unreadable: 0 })
  })
})

describe('sharing in one tab', () => {
  test('[CL12] one stream for hubs of the same server and identity', async () => {
    const server = await serve()
    const board = await makeBoard(server)
    const auth = () => null
    const options = { baseUrl: server.url, auth, backoff: QUICK }
    const hubs = [createClient(options), createClient({ ...options, baseUrl: `${server.url}/` }), createClient(options)]
    const other = createClient({ ...options, auth: () => null })
    const own = createClient({ ...options, share: 'none' })
    onTestFinished(() => {
      for (const hub of [...hubs, other, own]) hub.close()
    })
    const open = async (hub: Hub) => {
      const reader = new Collector()
      hub.subscribe({ channels: [`board:${board.id}`] }, reader)
      await reader.isReady()
      return reader
    }
    const readers = await Promise.all(hubs.map(open))
    expect((await stats(server)).connections.sse).toBe(1)
    await Promise.all([open(other), open(own)])
    expect((await stats(server)).connections.sse).toBe(3)
    other.close()
    own.close()
    hubs[0]?.close()
    hubs[0]?.close()
    const card = await makeCard(server, board.id)
    await readers[1]?.id(card.eventId)
    expect(readers[0]?.frames).toEqual([])
    expect(() => hubs[0]?.subscribe({ channels: ['global'] }, {})).toThrow(expect.objectContaining({ code: 'closed' }))
    for (const hub of hubs) hub.close()
    await eventually('no stream', async () => (await stats(server)).connections.sse === 0)
  })

  test('[CL12] identity stands for auth', async () => {
    const server = await serve()
    const made = [1, 2].map(() => createClient({ baseUrl: server.url, auth: () => null, identity: 'ann' }))
    const ben = createClient({ baseUrl: server.url, auth: () => null, identity: 'ben' })
    onTestFinished(() => {
      for (const hub of [...made, ben]) hub.close()
    })
    for (const hub of [...made, ben]) {
      const reader = new Collector()
      hub.subscribe({ channels: ['global'] }, reader)
      await reader.isReady()
    }
    expect((await stats(server)).connections.sse).toBe(2)
  })

  test('[CL12] equal options share a stream, whether defaults are spelled out or not', async () => {
    const server = await serve()
    const baseUrl = server.url
    const same: ClientOptions[] = [
      {},
      { share: 'tab', validate: 'off' },
      { transport: 'auto', auth: undefined },
      { backoff: { firstMs: 1_500 } },
      { backoff: {} },
    ]
    const hubs = [...same, { backoff: { firstMs: 1_499 } }].map((options) => createClient({ baseUrl, ...options }))
    onTestFinished(() => {
      for (const hub of hubs) hub.close()
    })
    for (const hub of hubs) {
      const reader = new Collector()
      hub.subscribe({ channels: ['global'] }, reader)
      await reader.isReady()
    }
    expect((await stats(server)).connections.sse).toBe(2)
  })

  test('[CL16] createClient names invalid options', () => {
    const baseUrl = 'http://127.0.0.1:1'
    const refused = (options: object, words: RegExp) =>
      expect(() => createClient(options as ClientOptions)).toThrow(
        expect.objectContaining({ code: 'misuse', message: expect.stringMatching(words) }),
      )
    refused({ baseUrl, transport: 'sse' }, /transport.*"sse".*auto, fetch, eventsource, ws/)
    refused({ baseUrl, share: true }, /share.*true.*tab, browser, none/)
    refused({ baseUrl, validate: 'yes' }, /validate.*"yes".*off, warn, strict/)
    for (const bad of [
      undefined,
      '',
      '/boardcast',
      '127.0.0.1:3000',
      'localhost:3000',
      'ftp://hub',
      'http://',
      'hub',
    ]) {
      refused({ baseUrl: bad }, /baseUrl.*http:\/\/127/)
    }
  })

  test('[CL15] a closed hub does nothing more, even if another hub shares its stream', async () => {
    const server = await serve()
    const board = await makeBoard(server)
    const road = await roadTo(server)
    for (const hasOther of [true, false]) {
      const hub = createClient({ baseUrl: road.url })
      const other = hasOther ? createClient({ baseUrl: road.url }) : undefined
      const store = hub.board(board.id)
      let calls = 0
      const undo = store.subscribe(() => {
        calls += 1
      })
      const own = new Collector()
      ;(other ?? hub).subscribe({ channels: [`board:${board.id}`] }, own)
      await own.isReady()
      await until(store, 'the board', ({ phase }) => phase === 'live')
      road.refuse(503, { 'Retry-After': '30' })
      const waiting = hub.request('GET', '/boards').catch((error: unknown) => error)
      const reading = hub.subscribe({ channels: [`board:${board.id}`] })
      const next = reading.next()
      await expect.poll(() => road.refusals).toBeGreaterThan(0)
      hub.close()
      calls = 0
      expect(await waiting).toMatchObject({ name: 'BoardcastError', code: 'closed' })
      expect((await next).done).toBe(true)
      road.pass()
      expect(hub.status.get()).toMatchObject({ phase: 'stopped', stop: { reason: 'closed' } })
      const closed = expect.objectContaining({ code: 'closed' })
      await expect(hub.request('GET', '/boards')).rejects.toEqual(closed)
      await expect(hub.mutate.createCard({ boardId: board.id, title: 'no' })).rejects.toEqual(closed)
      expect(() => store.subscribe(() => {})).toThrow(closed)
      expect(() => hub.metrics().subscribe(() => {})).toThrow(closed)
      const card = await makeCard(server, board.id)
      if (other) {
        await own.id(card.eventId)
        expect(other.status.get().phase).toBe('open')
      }
      expect(calls).toBe(0)
      undo()
      other?.close()
    }
  })

  test('[CL8] stores without readers make room for others; the hundred and first is refused', async () => {
    const server = await serve()
    const { boardId, attempt } = await makeWork(server)
    const hub = hubOf(server.url)
    const board = hub.board(boardId)
    const attempts = [attempt.id]
    for (let n = 1; n < 110; n++) attempts.push((await makeWork(server)).attempt.id)
    board.subscribe(() => {})
    await until(board, 'the board', ({ phase }) => phase === 'live')
    for (const id of attempts) {
      const undo = hub.attempt(id).subscribe(() => {})
      await new Promise((resolve) => setTimeout(resolve, 5))
      undo()
    }
    await untilStatus(hub.status, 'open', ({ phase }) => phase === 'open')
    const card = await makeCard(server, boardId)
    await until(board, 'the card', ({ state }) => state?.cards[card.id] !== undefined)
    // All stores have read their values.
    for (const id of attempts.slice(0, 99)) hub.attempt(id).subscribe(() => {})
    const last = hub.attempt(attempts[99] ?? '')
    await eventually('a stream of them', async () => Object.keys((await stats(server)).channelStats).length >= 100)
    last.subscribe(() => {})
    await until(last, 'a refusal', ({ error }) => error !== null)
    expect(last.get().error).toMatchObject({ code: 'refused', message: expect.stringMatching(/at most 100 channels/) })
    const another = await makeCard(server, boardId)
    await until(board, 'the card', ({ state }) => state?.cards[another.id] !== undefined)
  })

  test('[CL13] a program exits when its hub is closed', async () => {
    const server = await serve()
    const script = `
      import { createClient } from '${new URL('../../web/client/index.ts', import.meta.url).href}'
      const hub = createClient({ baseUrl: '${server.url}' })
      hub.subscribe({ channels: ['global'] }, { ready(id) { console.log('ready'); hub.close() } })
    `
    const { stdout } = await promisify(execFile)('npx', ['tsx', '--input-type=module', '-e', script], {
      timeout: 30_000,
    })
    expect(stdout.trim()).toBe('ready')
  })
})
