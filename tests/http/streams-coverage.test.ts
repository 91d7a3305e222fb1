/**
 * Trimmed events are a gap only for listeners that would have seen them. Rules R12 and R13 on streams and sockets, EV11 for the
 * log over HTTP.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendLines, eventually, makeBoard, makeCard, makeWork, positionOf, stats } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient, type SocketMessage } from '../support/socket.ts'
import { SocketIoClient } from '../support/socketio.ts'
import { type Listener, listen } from '../support/stream.ts'

const FOREVER = Number.MAX_SAFE_INTEGER
const FEW = { maxAgeMs: FOREVER, maxEvents: 10, maxBytes: FOREVER }

let server: TestServer
let work: Awaited<ReturnType<typeof makeWork>>
/** A cursor from before everything else. */
let early: string
/** A board without attempts, the id of its creation, and those of its cards. */
let quiet: string
let start: string
const kept: string[] = []
/** The newest line of the attempt that was trimmed. */
let lost: string

/** Trims some transient events of every kind; no transient events may be posted after this. */
beforeAll(async () => {
  server = await startTestServer({ retention: FEW, hasSocketIo: true })
  early = (await server.post<object>('/agents', { id: 'ann', label: 'Ann' })).eventId
  work = await makeWork(server)
  const board = await makeBoard(server)
  quiet = board.id
  start = board.eventId
  await server.post('/sessions', { id: 'noisy', agentId: 'ann' })
  await server.post('/sessions', { id: 'quiet', agentId: 'bob' })
  kept.push((await makeCard(server, quiet)).eventId)
  for (const content of ['1', '2']) {
    await server.post('/sessions/noisy/output', { chunks: [{ content, type: 'stdout' }] })
    await server.post('/topics/noisy/events', { event: 'noted', data: content })
    await server.post('/agents/noisy/output', { content })
  }
  const lines = await appendLines(server, work.attempt.id, ['trimmed', 'trimmed', 'trimmed'])
  lost = lines.eventId
  kept.push((await makeCard(server, quiet)).eventId)
  // Ten lines of another attempt remain.
  const other = await makeWork(server)
  await appendLines(server, other.attempt.id, Array(10).fill('kept'))
  await eventually('the trimming', async () => positionOf((await stats(server)).log.oldest) === positionOf(lost))
})
afterAll(() => server[Symbol.asyncDispose]())

const names = ({ frames }: Listener) => frames.map(({ event }) => event)
const read = async (query: string) => (await server.get(`/events?${query}`)) as unknown as Page
const at = (seq: number) => `${start.split('-')[0]}-${seq}`

interface Page {
  readonly events: ReadonlyArray<{ readonly id: string; readonly event: string }>
  readonly cursor: string
  readonly oldest: string
  readonly more: boolean
}

/** Requests of which nothing was trimmed, and an event that they show, if one was kept. */
const WHOLE: ReadonlyArray<readonly [what: string, channels: () => string, types: string, shows: string | null]> = [
  ['a board without attempts', () => `board:${quiet}`, '', 'card_created'],
  ['its full view', () => `board:${quiet};full`, '', 'state'],
  ['a project', () => `project:${work.boardId}`, '', 'issue_created'],
  ['a card', () => `issue:${work.card.id}`, '', 'issue_created'],
  ['a session that printed nothing', () => 'session:quiet', '', 'session.created'],
  ['an agent that printed nothing', () => 'agent:bob', '', null],
  ['several of them', () => `board:${quiet},project:${work.boardId},session:quiet,topic:never`, '', 'card_created'],
  ['a board without its lines', () => `board:${work.boardId}`, 'card_*,attempt_status,attempt_started', 'card_created'],
  ['an attempt without its lines', () => `attempt:${work.attempt.id}`, 'attempt_started', 'attempt_started'],
  ['everything but what is printed', () => 'global', 'card.*,board.*', 'card.created'],
  ['the events of a topic under another name', () => 'topic:noisy', 'seen', null],
]

/** Requests of which something was trimmed, and the newest trimmed id. */
const LOSSY: ReadonlyArray<readonly [what: string, channels: () => string, types: string]> = [
  ['a board', () => `board:${work.boardId}`, ''],
  ['a board and its lines', () => `board:${work.boardId}`, 'card_*,attempt_l*'],
  ['an attempt', () => `attempt:${work.attempt.id}`, ''],
  ['the agent of the attempt', () => `agent:${work.attempt.agent}`, 'output_batch'],
  ['one of several channels', () => `board:${quiet},attempt:${work.attempt.id},session:quiet`, ''],
  ['everything', () => 'global', ''],
  ['everything printed', () => 'global', 'attempt.*'],
]

describe('a stream', () => {
  it.each(WHOLE)(
    '[R12] of %s is resumed from before the events that were trimmed elsewhere',
    async (_what, channels, types, shows) => {
      await using listener = await listen(server.url, `/sse?channels=${channels()}&types=${types}&since=${early}`)
      expect(listener.frames[0]).toMatchObject({ id: early, data: { data: { resumed: true } } })
      if (shows) await listener.frame(shows)
      expect(names(listener)).not.toContain('gap')
    },
  )

  it.each(LOSSY)('[R12] [R13] of %s is not resumed, and its gap has the oldest id', async (_what, channels, types) => {
    const path = `/sse?channels=${channels()}&types=${types}&since=`
    await using late = await listen(server.url, path + early)
    expect((await late.frame('gap')).data.data).toEqual({ requested: early, oldest: lost, reason: 'trimmed' })
    await using before = await listen(server.url, path + at(positionOf(lost) - 1))
    await before.frame('gap')
    await using good = await listen(server.url, path + lost)
    expect(good.frames[0]).toMatchObject({ id: lost, data: { data: { resumed: true } } })
    expect(names(good)).not.toContain('gap')
  })

  it('[R12] of one board shows every event that is kept', async () => {
    await using listener = await listen(server.url, `/sse?boardId=${quiet}&view=diff&lastEventId=${start}`)
    await listener.id(kept[1] ?? '')
    expect(listener.named('card_created').map(({ id }) => id)).toEqual(kept)
    expect(names(listener)).not.toContain('gap')
  })

  it('[R13] has in every gap the oldest id of the requested events', async () => {
    for (const [channels, oldest] of [
      [`board:${quiet}`, at(0)],
      [`attempt:${work.attempt.id}`, lost],
    ]) {
      await using listener = await listen(server.url, `/sse?channels=${channels}&since=nonsense`)
      const { data } = await listener.frame('gap')
      expect(data.data).toEqual({ requested: 'nonsense', oldest, reason: 'invalid' })
    }
  })

  it('[Q10] begins with the earliest requested event', async () => {
    await using whole = await listen(server.url, `/sse?channels=board:${quiet}&since=earliest`)
    expect(whole.frames[0]?.id).toBe(at(0))
    await whole.id(kept[1] ?? '')
    await using rest = await listen(server.url, `/sse?channels=attempt:${work.attempt.id}&since=earliest`)
    expect(rest.frames[0]?.id).toBe(lost)
  })

  it('[R7] [R12] remembers across a restart what was trimmed', async () => {
    await server.restart()
    await using whole = await listen(server.url, `/sse?channels=board:${quiet}&since=${start}`)
    await whole.id(kept[1] ?? '')
    expect(names(whole)).not.toContain('gap')
    await using late = await listen(server.url, `/sse?channels=board:${work.boardId}&since=${start}`)
    expect((await late.frame('gap')).data.data.oldest).toBe(lost)
  })
})

describe('the log over HTTP', () => {
  it.each(WHOLE.filter(([, , types]) => types === ''))('[EV11] returns all of %s', async (_what, channels) => {
    const page = await read(`channels=${channels()}&after=${early}&limit=1000`)
    expect(page.oldest).toBe(at(0))
    expect(page.more).toBe(false)
  })

  it.each(LOSSY)(
    '[EV11] returns what is kept of %s, and from which id it is complete',
    async (_what, channels, types) => {
      const query = `channels=${channels()}&types=${types}&limit=1000`
      const page = await read(`${query}&after=${early}`)
      expect(page.oldest).toBe(lost)
      expect(positionOf(page.oldest)).toBeGreaterThan(positionOf(early))
      // Without a cursor: everything.
      const all = await read(query)
      expect(all.oldest).toBe(lost)
      expect(all.events.filter(({ id }) => positionOf(id) > positionOf(early))).toEqual(page.events)
    },
  )

  it('[EV1] [EV11] returns every event that is kept, page by page', async () => {
    const ids: string[] = []
    for (let after = '', more = true; more; ) {
      const page = await read(`channels=board:${work.boardId}&limit=2${after && `&after=${after}`}`)
      ids.push(...page.events.map(({ id, event }) => `${event} ${id}`))
      after = page.cursor
      more = page.more
    }
    expect(ids.filter((one) => one.startsWith('card_created'))).toHaveLength(1)
    expect(ids.filter((one) => one.startsWith('attempt_log'))).toEqual([])
    expect(ids.filter((one) => one.startsWith('attempt_started'))).toHaveLength(1)
    expect(ids).toHaveLength(new Set(ids).size)
    expect((await read(`channels=board:${quiet}`)).events.map(({ id }) => id)).toEqual(expect.arrayContaining(kept))
  })
})

describe('a socket', () => {
  async function open(query: string): Promise<SocketClient> {
    const socket = await SocketClient.open(server.url, `/ws?${query}`)
    await socket.first('hello', ({ event }) => event === 'hello')
    return socket
  }
  const gapOf = (socket: SocketClient) =>
    socket.first('the gap', ({ event }) => event === 'gap') as Promise<SocketMessage>

  it('[R12] [R13] [W27] [W29] resumes each channel separately', async () => {
    await using socket = await open('global=0')
    await socket.ask({ type: 'subscribe', channel: `board:${quiet}`, since: start })
    await socket.id(kept[1] ?? '')
    expect(socket.named('card_created').map(({ id }) => id)).toEqual(kept)
    expect(socket.named('gap')).toEqual([])
    await socket.ask({ type: 'subscribe', channel: `attempt:${work.attempt.id}`, since: start })
    expect((await gapOf(socket)).data).toEqual({ requested: start, oldest: lost, reason: 'trimmed' })
  })

  it('[R12] [W22] is resumed by its address if nothing of its channels was trimmed', async () => {
    await using whole = await open(`global=0&channels=board:${quiet},session:quiet&lastEventId=${start}`)
    await whole.id(kept[1] ?? '')
    expect(whole.named('gap')).toEqual([])
    await using everything = await open(`channels=board:${quiet}&lastEventId=${start}`)
    expect((await gapOf(everything)).data.oldest).toBe(lost)
  })

  it('[R12] of a board is resumed by its address', async () => {
    await using socket = await SocketClient.open(server.url, `/ws?boardId=${quiet}&view=diff&lastEventId=${start}`)
    await socket.first('the last card', ({ type, id }) => type === 'card_created' && id === kept[1])
    expect(socket.messages.map(({ type }) => type)).not.toContain('gap')
  })

  it('[R12] [R13] [SIO4] of Socket.IO resumes each channel separately', async () => {
    await using client = await SocketIoClient.open(server.url, ['websocket'])
    await client.ask('subscribe', { channel: `board:${quiet}`, since: start })
    await client.until(() => client.messages.some(({ id }) => id === kept[1]))
    expect(client.named('card_created').map(({ id }) => id)).toEqual(kept)
    expect(client.named('gap')).toEqual([])
    await client.ask('subscribe', { channel: `board:${work.boardId}`, since: start })
    await client.until(() => client.named('gap').length > 0)
    expect(client.named('gap')[0]?.data).toEqual({ requested: start, oldest: lost, reason: 'trimmed' })
  })
})
