/** Resuming a channel. Rules W27 to W30. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  appendLines,
  boardState,
  deleteBoard,
  eventually,
  makeBoard,
  makeCard,
  makeWork,
  positionOf,
  stats,
} from '../support/board.ts'
import { clientFrame, RawSocket } from '../support/raw-socket.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient, type SocketMessage } from '../support/socket.ts'

const FOREVER = Number.MAX_SAFE_INTEGER

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

async function open(query = '?global=0', to = server): Promise<SocketClient> {
  const socket = await SocketClient.open(to.url, `/ws${query}`)
  await socket.first('hello', ({ event }) => event === 'hello')
  return socket
}

const cursor = async (of = server) => (await of.get<{ cursor: string }>('/cursor')).cursor
const post = (topic: string, data: unknown) => server.post(`/topics/${topic}/events`, { event: 'noted', data })
/** Everything after the opening, abbreviated. */
const story = ({ messages }: SocketClient) =>
  messages.slice(2).map(({ type, event, channel, id }) => (type === 'event' ? `${channel} ${event} ${id}` : type))

describe('since', () => {
  it('[W27] replays the missed events of the channel under their ids, then continues live', async () => {
    const before = await cursor()
    const missed = [(await post('missed', 1)).eventId, (await post('missed', 2)).eventId]
    await post('of-others', 3)
    await using socket = await open()
    await socket.ask({ type: 'subscribe', channel: 'topics/missed', since: before })
    const { eventId } = await post('missed', 4)
    await socket.id(eventId)
    expect(story(socket)).toEqual(['ack', ...[...missed, eventId].map((id) => `topic:missed noted ${id}`)])
    expect(socket.named('noted').map(({ data }) => data)).toEqual([1, 2, 4])
  })

  it('[W27] may be now or earliest; an empty one counts as none', async () => {
    const board = await makeBoard(server)
    const { eventId } = await makeCard(server, board.id)
    const channel = `board:${board.id}`
    await using socket = await open()
    await socket.ask({ type: 'subscribe', channel, since: 'now' })
    await socket.ask({ type: 'subscribe', channel, since: 'earliest' })
    await socket.ask({ type: 'subscribe', channel, since: await cursor() })
    for (const since of ['', null]) await socket.ask({ type: 'subscribe', channel, since })
    expect(story(socket)).toEqual([
      'ack',
      'ack',
      `${channel} card_created ${eventId}`,
      'ack',
      'ack',
      `${channel} state ${eventId}`,
      'ack',
      `${channel} state ${eventId}`,
    ])
    expect(await socket.ask({ type: 'subscribe', channel, since: 5 })).toMatchObject({ code: 'INVALID_MESSAGE' })
  })

  it('[W26] [W27] repeats events that came on another channel, once; the other channels continue after it', async () => {
    const before = await cursor()
    await using socket = await open('')
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.push((await post('twice', n)).eventId)
    await socket.id(ids[4] ?? '')
    await socket.ask({ type: 'subscribe', channel: 'topic:twice', since: before })
    const { eventId } = await post('twice', 5)
    await socket.id(eventId)
    expect(story(socket)).toEqual([
      ...ids.map((id) => `global noted ${id}`),
      'ack',
      ...ids.map((id) => `topic:twice noted ${id}`),
      `topic:twice noted ${eventId}`,
    ])
  })

  it('[W27] replays a long past under load: every channel complete and in order', { timeout: 60_000 }, async () => {
    const { attempt } = await makeWork(server)
    const start = attempt.eventId
    const past: string[] = []
    // More than a page of the log.
    for (let batch = 0; batch < 4; batch++) {
      const lines = Array.from({ length: 400 }, (_, line) => `${batch * 400 + line}`)
      past.push((await appendLines(server, attempt.id, lines)).eventId)
    }
    await using socket = await open('?types=attempt_log,noted')
    const noted: string[] = []
    let isWriting = true
    const writing = (async () => {
      while (isWriting) {
        noted.push((await post('meanwhile', noted.length)).eventId)
        await appendLines(server, attempt.id, ['live'])
      }
    })()
    await socket.until(() => socket.named('noted').length > 3)
    const asked = socket.ask({ type: 'subscribe', channel: `attempt:${attempt.id}`, since: start })
    await socket.until(() => socket.named('attempt_log').length >= 1_600)
    await asked
    isWriting = false
    await writing
    const { eventId } = await appendLines(server, attempt.id, ['the end'])
    await socket.id(eventId)
    const lines = socket.named('attempt_log')
    expect(lines.slice(0, 1_600).map(({ data }) => Number(data.message))).toEqual([...Array(1_600).keys()])
    const positions = lines.map(({ id = '' }) => positionOf(id))
    expect(positions).toEqual([...positions].sort((a, b) => a - b))
    expect(new Set(positions).size).toBe(positions.length)
    const { events } = await server.get<{ events: unknown[] }>(
      `/events?channels=attempt:${attempt.id}&after=${past[3]}&limit=1000`,
    )
    expect(lines.length - 1_600).toBe(events.length)
    expect(socket.named('noted').map(({ id }) => id)).toEqual(noted)
  })

  it('[W28] is followed by one snapshot on a full board, the dashboard and the metrics', async () => {
    const { boardId, card, attempt } = await makeWork(server)
    await using socket = await open()
    const { eventId } = await appendLines(server, attempt.id, ['missed'])
    const { eventId: last } = await server.call('PATCH', `/cards/${card.id}`, { title: 'Missed' })
    await socket.ask({ type: 'subscribe', channel: `board:${boardId};full`, since: attempt.eventId })
    await socket.first('the state', ({ event }) => event === 'state')
    expect(story(socket)).toEqual(['ack', `board:${boardId} attempt_log ${eventId}`, `board:${boardId} state ${last}`])
    expect(socket.named('state')[0]?.data).toEqual(await boardState(server, boardId))
    for (const [channel, snapshot] of [
      ['dashboard', 'dashboard_overview'],
      ['metrics', 'metric.update'],
    ] as const) {
      await using other = await open()
      await other.ask({ type: 'subscribe', channel, since: attempt.eventId })
      await other.first('the snapshot', ({ event }) => event === snapshot)
      expect(story(other).slice(0, 2)).toEqual(['ack', `${channel} ${snapshot} ${last}`])
    }
  })

  it('[W28] is followed by it also when the request of the socket has it', async () => {
    const { boardId, attempt } = await makeWork(server)
    const { eventId } = await appendLines(server, attempt.id, ['missed'])
    const payload = JSON.stringify({ type: 'subscribe', channel: `board:${boardId};full`, since: attempt.eventId })
    await using peer = await RawSocket.open(server.url, '/ws?global=0', { early: clientFrame({ payload }) })
    await peer.until('the state', () => peer.messages.some(({ event }) => event === 'state'))
    expect(peer.messages.map(({ type, event }) => event ?? type)).toEqual([
      'connected',
      'hello',
      'subscribed',
      'attempt_log',
      'state',
    ])
    expect(peer.messages.slice(3).map(({ id }) => id)).toEqual([eventId, eventId])
  })

  it('[W30] replays the past of a channel that is held', async () => {
    const before = await cursor()
    await using socket = await open()
    await socket.ask({ type: 'subscribe', channel: 'topic:again' })
    const { eventId } = await post('again', 1)
    await socket.id(eventId)
    await socket.ask({ type: 'subscribe', channel: 'topic:again', since: before })
    const next = await post('again', 2)
    await socket.id(next.eventId)
    expect(story(socket)).toEqual([
      'ack',
      `topic:again noted ${eventId}`,
      'ack',
      `topic:again noted ${eventId}`,
      `topic:again noted ${next.eventId}`,
    ])
  })

  it('[W27] [W33] replays the end of a board and continues with its successor of the same id', async () => {
    const before = await cursor()
    const board = await makeBoard(server)
    const ended = await deleteBoard(server, board.id)
    await makeBoard(server, board.id)
    await using socket = await open('')
    await socket.ask({ type: 'subscribe', channel: `board:${board.id}`, since: before })
    const { eventId } = await makeCard(server, board.id)
    await socket.id(eventId)
    expect(story(socket)).toEqual([
      'ack',
      `board:${board.id} board_deleted ${ended}`,
      `board:${board.id} card_created ${eventId}`,
      `global card.created ${eventId}`,
    ])
  })
})

describe('a since that cannot be resumed from', () => {
  it.each([
    ['nonsense', 'invalid'],
    ['00000000-1', 'epoch'],
    ['EPOCH-999999', 'invalid'],
  ])('[W29] %s: gap (%s), then the snapshot', async (spelled, reason) => {
    const board = await makeBoard(server)
    const since = spelled.replace('EPOCH', board.eventId.split('-')[0] ?? '')
    await using socket = await open()
    expect(await socket.ask({ type: 'subscribe', channel: `board:${board.id}`, since })).toMatchObject({
      success: true,
    })
    await socket.first('the state', ({ event }) => event === 'state')
    expect(story(socket)).toEqual(['ack', `* gap ${board.eventId}`, `board:${board.id} state ${board.eventId}`])
    expect(socket.named('gap')[0]?.data).toEqual({ requested: since, oldest: expect.any(String), reason })
    const { eventId } = await makeCard(server, board.id)
    await socket.id(eventId)
  })

  it('[W29] because retention has trimmed it', async () => {
    await using own = await startTestServer({ retention: { maxAgeMs: FOREVER, maxEvents: 5, maxBytes: FOREVER } })
    const { attempt } = await makeWork(own)
    for (let n = 0; n < 3; n++) {
      await appendLines(
        own,
        attempt.id,
        Array.from({ length: 20 }, (_, line) => `${line}`),
      )
    }
    const oldest = await eventually('the trimming', async () => {
      const { log } = await stats(own)
      return positionOf(log.oldest) > positionOf(log.newest) - 10 && log.oldest
    })
    await using socket = await open('?global=0', own)
    await socket.ask({ type: 'subscribe', channel: `attempt:${attempt.id}`, since: attempt.eventId })
    const gap = (await socket.first('the gap', ({ event }) => event === 'gap')) as SocketMessage
    expect(gap.data).toEqual({ requested: attempt.eventId, oldest, reason: 'trimmed' })
    const { eventId } = await appendLines(own, attempt.id, ['next'])
    await socket.id(eventId)
    expect(story(socket).map((text) => text.split(' ')[1] ?? text)).toEqual(['ack', 'gap', 'attempt_log'])
  })
})

describe('events to everyone before the first acknowledgement', () => {
  const missedBy = async (socket: SocketClient, since: string, topic: string) => {
    const early = await server.post('/agents', { id: `early-${topic}`, label: 'Early' })
    // It was sent on `*` before the client joined anything.
    await socket.id(early.eventId)
    await socket.ask({ type: 'subscribe', channel: `topic:${topic}`, since })
    const acknowledged = socket.messages.findIndex(({ type }) => type === 'ack')
    const late = await server.post('/agents', { id: `late-${topic}`, label: 'Late' })
    await socket.first('the late one', ({ id, event }) => id === late.eventId && event === 'agent_registered')
    const stream = await server.get<{ events: SocketMessage[] }>(`/events?channels=topic:${topic}&after=${since}`)
    const after = socket.messages.slice(acknowledged + 1).filter(({ channel }) => channel !== 'global')
    return { early, stream: stream.events.map(({ id }) => id), after: after.map(({ id }) => id) }
  }

  it.each(['?global=0', ''])(
    '[W27] [W42] are repeated after it, as on the stream of the channel: /ws%s',
    async (query) => {
      const topic = `first${query.length}`
      const { eventId: since } = await post(topic, 'seen')
      await post(topic, 'missed')
      await using socket = await open(query)
      const { early, stream, after } = await missedBy(socket, since, topic)
      expect(stream).toContain(early.eventId)
      expect(after).toEqual(stream)
    },
  )

  it('[W27] [W42] [W52] are repeated after it if the socket authenticated first', async () => {
    const { eventId: since } = await post('as-agent', 'seen')
    await using socket = await open('?global=0')
    await socket.ask({ type: 'auth', agent_id: 'authenticated' })
    await server.get('/agents')
    const early = await server.post('/agents', { id: 'early-as-agent', label: 'Early' })
    await socket.id(early.eventId)
    const joined = socket.messages.length
    await socket.ask({ type: 'subscribe', channel: 'topic:as-agent', since })
    const { eventId } = await post('as-agent', 'live')
    await socket.id(eventId)
    const ids = socket.messages.slice(joined).flatMap(({ type, id }) => (type === 'event' ? [id] : []))
    expect(ids).toEqual([early.eventId, eventId])
  })

  it('[W27] are sent once as soon as a channel is acknowledged', async () => {
    const { eventId: since } = await post('second', 'seen')
    await using socket = await open('?global=0')
    await socket.ask({ type: 'subscribe', channel: 'topic:second-a' })
    const early = await server.post('/agents', { id: 'early-second', label: 'Early' })
    await socket.id(early.eventId)
    await socket.ask({ type: 'subscribe', channel: 'topic:second', since })
    const { eventId } = await post('second', 'live')
    await socket.id(eventId)
    expect(socket.named('agent_registered').filter(({ id }) => id === early.eventId)).toHaveLength(1)
  })
})
