/** Board and dashboard sockets. Rules W10 to W18. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Card } from '../../shared/src/types/kanban.ts'
import { appendLines, boardState, deleteBoard, makeBoard, makeCard, makeWork } from '../support/board.ts'
import { newestId, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient, type SocketMessage } from '../support/socket.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

async function openBoard(boardId: string, more = ''): Promise<SocketClient> {
  const socket = await SocketClient.open(server.url, `/ws?boardId=${boardId}${more}`)
  await socket.first('hello', ({ type }) => type === 'hello')
  return socket
}

/** A message without what differs between connections: times and the connection id. */
const ofSocket = ({ messages }: SocketClient) =>
  messages.filter(({ type }) => type !== 'hello').map(({ type, payload, id }) => ({ type, payload, id }))
const ofStream = ({ frames }: Listener) =>
  frames.filter(({ event }) => event !== 'hello').map(({ event, data, id }) => ({ type: event, payload: data, id }))

describe('events on a board socket', () => {
  it.each(['full', 'diff'])('[W8] [W10] are those of the stream, in the %s view', async (view) => {
    const { boardId, card, attempt } = await makeWork(server)
    await using socket = await openBoard(boardId, `&view=${view}`)
    await using stream = await listen(server.url, `/sse?boardId=${boardId}&view=${view}`)
    await server.call('PATCH', `/cards/${card.id}`, { title: '🚀 "quoted"\n\u2028' })
    await server.call('POST', `/cards/${card.id}/move`, { columnKey: 'review' })
    await server.post('/agents', { id: `known-${view}` })
    const { eventId } = await appendLines(server, attempt.id, ['a line', 'and another'])
    await deleteBoard(server, boardId)
    await stream.untilClosed()
    expect(await socket.untilClosed()).toEqual({ code: 1000, reason: '' })
    const seen = ofSocket(socket)
    expect(seen.map(({ type }) => type)).toContain('agent_registered')
    expect(seen.map(({ id }) => id)).toContain(eventId)
    const events = (all: typeof seen) => all.filter(({ type }) => type !== 'state')
    expect(events(seen)).toEqual(events(ofStream(stream)))
    // In the full view the number of states depends on timing, but the opening does not.
    expect(seen.slice(0, 2)).toEqual(ofStream(stream).slice(0, 2))
    expect(socket.messages[0]).toEqual({
      type: 'hello',
      payload: {
        serverTime: expect.any(String),
        connectionId: expect.any(String),
        resumed: false,
        heartbeatMs: 15_000,
      },
    })
  })

  it('[W10] a message is one frame of JSON, with these fields in this order', async () => {
    const board = await makeBoard(server)
    await using socket = await openBoard(board.id, '&view=diff')
    const { eventId } = await makeCard(server, board.id)
    const created = await socket.id(eventId)
    expect(socket.texts.at(-1)).toBe(
      `{"type":"card_created","payload":${JSON.stringify(created.payload)},"id":"${eventId}"}`,
    )
  })

  it('[W3] [W10] resumes from the cursor, under every name of the parameter', async () => {
    const { boardId, card, attempt } = await makeWork(server)
    const cursor = attempt.eventId
    const { eventId } = await server.call('PATCH', `/cards/${card.id}`, { title: 'Missed' })
    const { eventId: last } = await server.call('PATCH', `/cards/${card.id}`, { title: 'Missed too' })
    for (const name of ['lastEventId', 'last_event_id', 'since']) {
      await using socket = await openBoard(boardId, `&view=diff&${name}=${cursor}`)
      await socket.id(last)
      expect(socket.messages.map(({ type, id }) => [type, id])).toEqual([
        ['hello', cursor],
        ['card_updated', eventId],
        ['card_updated', last],
      ])
      expect(socket.messages[0]?.payload.resumed).toBe(true)
    }
    await using byHeader = await SocketClient.open(server.url, `/ws?boardId=${boardId}&view=diff&since=now`, {
      headers: { 'Last-Event-ID': cursor },
    })
    await byHeader.id(last)
    await using full = await openBoard(boardId, `&since=${cursor}`)
    const state = await full.first('the state', ({ type }) => type === 'state')
    expect(full.messages.map(({ type }) => type)).toEqual(['hello', 'state'])
    expect(state).toMatchObject({ id: last, payload: await boardState(server, boardId) })
  })

  it('[W3] [W10] sends gap for a cursor that cannot be resumed from', async () => {
    const board = await makeBoard(server)
    await using socket = await openBoard(board.id, '&since=00000000-1')
    await socket.first('the state', ({ type }) => type === 'state')
    expect(socket.messages.map(({ type }) => type)).toEqual(['hello', 'gap', 'state'])
    expect(socket.messages[0]?.payload.resumed).toBe(false)
    expect(socket.messages[1]).toEqual({
      type: 'gap',
      payload: { requested: '00000000-1', oldest: expect.any(String), reason: 'epoch' },
    })
  })

  it('[W3] filters by types', async () => {
    const { boardId, card } = await makeWork(server)
    await using socket = await openBoard(boardId, '&view=diff&types=card_moved')
    await server.call('PATCH', `/cards/${card.id}`, { title: 'Unseen' })
    const { eventId } = await server.call('POST', `/cards/${card.id}/move`, { columnKey: 'done' })
    await socket.id(eventId)
    expect(socket.messages.map(({ type }) => type)).toEqual(['hello', 'card_moved'])
  })
})

describe('commands', () => {
  it('[W13] [W14] on cards do what the HTTP routes do', async () => {
    const board = await makeBoard(server)
    const other = await makeCard(server, board.id)
    await using socket = await openBoard(board.id, '&view=diff')
    const [column = { id: '' }] = board.columns
    const created = await socket.ask({
      type: 'create_card',
      payload: {
        columnId: column.id,
        title: 'By socket',
        description: 'Text',
        ticketType: 'fix',
        dependsOn: [other.id],
        labels: ['a'],
      },
    })
    expect(created).toEqual({ id: expect.any(String), success: true, eventId: expect.any(String) })
    const shown = await socket.id(created.eventId)
    expect(shown.type).toBe('card_created')
    const card = shown.payload.card as Card
    expect(card).toMatchObject({ title: 'By socket', description: 'Text', dependsOn: [other.id], columnId: column.id })

    const updated = await socket.ask({ type: 'update_card', payload: { cardId: card.id, title: 'Renamed' } })
    expect(await socket.id(updated.eventId)).toMatchObject({ type: 'card_updated' })
    const moved = await socket.ask({
      type: 'move_card',
      payload: { cardId: card.id, toColumnId: column.id, toIndex: 0 },
    })
    expect(await socket.id(moved.eventId)).toMatchObject({ type: 'card_moved' })
    const state = await boardState(server, board.id)
    expect(state.cards[card.id]).toMatchObject({ title: 'Renamed', columnId: column.id })
    expect(state.columns[column.id]?.cardIds).toEqual([card.id, other.id])

    const deleted = await socket.ask({ type: 'delete_card', payload: { cardId: card.id } })
    expect(await socket.id(deleted.eventId)).toMatchObject({ type: 'card_deleted' })
    expect(Object.keys((await boardState(server, board.id)).cards)).toEqual([other.id])
    expect(await newestId(server)).toBe(deleted.eventId)
  })

  it('[W14] without effect return the newest id, as their routes do', async () => {
    const board = await makeBoard(server)
    const card = await makeCard(server, board.id)
    await using socket = await openBoard(board.id)
    const newest = await newestId(server)
    const answer = await socket.ask({ type: 'update_card', payload: { cardId: card.id, title: card.title } })
    expect(answer).toEqual({ id: answer.id, success: true, eventId: newest })
  })

  it('[W14] have ids that are numbers or text, returned unchanged', async () => {
    const board = await makeBoard(server)
    await using socket = await openBoard(board.id)
    for (const id of [0, 7, -1.5, 1e21, '', 'x', 'ü🚀', 'a'.repeat(200)]) {
      socket.send({ type: 'create_card', payload: { title: 'x' }, id })
      expect(await socket.answer(id)).toMatchObject({ id, success: true })
    }
    for (const id of [true, {}, [], 'a'.repeat(201)]) socket.send({ type: 'create_card', payload: { title: 'x' }, id })
    await socket.until(() => socket.ofType('error').length === 4)
    for (const { payload } of socket.ofType('error')) expect(payload.code).toBe('validation_failed')
    expect(Object.keys((await boardState(server, board.id)).cards)).toHaveLength(8)
  })

  it('[W15] without an id are not acknowledged; their events show that they were carried out', async () => {
    const board = await makeBoard(server)
    await using socket = await openBoard(board.id, '&view=diff')
    socket.send({ type: 'create_card', payload: { title: 'Quiet' }, id: null })
    await socket.first('the card', ({ type }) => type === 'card_created')
    await socket.ask({ type: 'get_state' })
    expect(socket.messages.map(({ type }) => type)).toEqual(['hello', 'state', 'card_created', 'ack', 'state'])
  })

  it('[W14] [W15] are refused with the codes of HTTP', async () => {
    const board = await makeBoard(server)
    const card = await makeCard(server, board.id)
    await using socket = await openBoard(board.id)
    const wrong: Array<readonly [object | string, string]> = [
      [{ type: 'create_card' }, 'validation_failed'],
      [{ type: 'create_card', payload: {} }, 'validation_failed'],
      [{ type: 'create_card', payload: 'text' }, 'validation_failed'],
      [{ type: 'create_card', payload: { title: 'x', cardId: 'y' } }, 'validation_failed'],
      [{ type: 'create_card', payload: { title: 'x', boardId: 'other' } }, 'validation_failed'],
      [{ type: 'create_card', payload: { title: '\ud800' } }, 'validation_failed'],
      [{ type: 'create_card', payload: { title: 'x', columnId: 'nope' } }, 'validation_failed'],
      [{ type: 'update_card', payload: { title: 'x' } }, 'validation_failed'],
      [{ type: 'update_card', payload: { cardId: 5, title: 'x' } }, 'validation_failed'],
      [{ type: 'update_card', payload: { cardId: 'nope', title: 'x' } }, 'card_not_found'],
      [{ type: 'update_card', payload: { cardId: card.id, columnId: 'x' } }, 'validation_failed'],
      [{ type: 'update_card', payload: { cardId: card.id, title: 'x', ifRevision: 99 } }, 'stale_revision'],
      [{ type: 'move_card', payload: { cardId: card.id } }, 'validation_failed'],
      [{ type: 'move_card', payload: { cardId: card.id, toColumnId: 'nope', toIndex: 0 } }, 'validation_failed'],
      [{ type: 'move_card', payload: { cardId: card.id, columnId: card.columnId, index: 0 } }, 'validation_failed'],
      [{ type: 'move_card', payload: { cardId: card.id, toColumnId: card.columnId, index: 0 } }, 'validation_failed'],
      [{ type: 'delete_card', payload: { cardId: card.id, ifRevision: 99 } }, 'stale_revision'],
      [{ type: 'delete_card', payload: { cardId: card.id, force: true } }, 'validation_failed'],
    ]
    const later = [
      [{ type: 'subscribe', channel: 'global' }, 'bad_request'],
      [{ type: 'toString' }, 'bad_request'],
      [{ type: 7 }, 'bad_request'],
      [{}, 'bad_request'],
      ['[]', 'validation_failed'],
      ['"text"', 'validation_failed'],
      ['null', 'validation_failed'],
      ['{', 'invalid_json'],
      ['', 'invalid_json'],
    ] as const
    await withoutEvents(server, async () => {
      for (const [message, code] of wrong) {
        const answer = await socket.ask(message as object)
        expect(answer, JSON.stringify(message)).toEqual({
          id: answer.id,
          success: false,
          error: expect.any(String),
          code,
        })
      }
      // Another socket, with a fresh rate limit.
      await using second = await openBoard(board.id)
      const openings = second.messages.length
      for (const [index, [message, code]] of later.entries()) {
        second.send(message)
        await second.until(() => second.ofType('error').length === index + 1)
        const error = second.messages.at(-1) as SocketMessage
        expect(error).toEqual({ type: 'error', payload: { error: expect.stringMatching(/[.]$/), code } })
      }
      expect(second.messages.length).toBeLessThanOrEqual(openings + later.length + 1)
    })
  })

  it('[W16] cannot change cards of another board', async () => {
    const [mine, theirs] = [await makeBoard(server), await makeBoard(server)]
    const card = await makeCard(server, theirs.id, { title: 'Theirs' })
    const [column = { id: '' }] = theirs.columns
    await using socket = await openBoard(mine.id)
    await withoutEvents(server, async () => {
      for (const message of [
        { type: 'update_card', payload: { cardId: card.id, title: 'Mine' } },
        { type: 'move_card', payload: { cardId: card.id, toColumnId: mine.columns[0]?.id, toIndex: 0 } },
        { type: 'delete_card', payload: { cardId: card.id } },
      ]) {
        expect(await socket.ask(message)).toMatchObject({ success: false, code: 'card_not_found' })
      }
      expect(await socket.ask({ type: 'create_card', payload: { columnId: column.id, title: 'x' } })).toMatchObject({
        success: false,
        code: 'validation_failed',
      })
    })
    expect((await boardState(server, theirs.id)).cards[card.id]?.title).toBe('Theirs')
  })

  it('[W11] include get_state, which sends the current state in every view', async () => {
    const board = await makeBoard(server)
    for (const view of ['full', 'diff']) {
      await using socket = await openBoard(board.id, `&view=${view}`)
      await socket.first('the first state', ({ type }) => type === 'state')
      const { eventId } = await makeCard(server, board.id)
      await socket.id(eventId)
      const before = socket.messages.length
      expect(await socket.ask({ type: 'get_state' })).toEqual({ id: 'ask-1', success: true })
      await socket.until(() => socket.messages.slice(before).some(({ type }) => type === 'state'))
      expect(socket.messages.findLast(({ type }) => type === 'state')).toEqual({
        type: 'state',
        payload: await boardState(server, board.id),
        id: eventId,
      })
    }
    await using other = await openBoard(board.id, '&types=card_*')
    expect(await other.ask({ type: 'get_state' })).toMatchObject({ success: true })
    expect(other.ofType('state')).toEqual([])
  })

  it('[W12] include ping, answered with its ts, and pong, which is not answered', async () => {
    const board = await makeBoard(server)
    await using socket = await openBoard(board.id)
    socket.send({ type: 'pong' })
    const pings = [{ ts: 123 }, { ts: 'abc' }, { ts: { a: [1] } }, { ts: null }, {}, undefined, null, 'text']
    for (const payload of pings) socket.send({ type: 'ping', payload })
    await socket.until(() => socket.ofType('pong').length === pings.length)
    expect(socket.ofType('pong')).toEqual([
      { type: 'pong', payload: { ts: 123 } },
      { type: 'pong', payload: { ts: 'abc' } },
      { type: 'pong', payload: { ts: { a: [1] } } },
      { type: 'pong', payload: { ts: null } },
      ...Array.from({ length: 4 }, () => ({ type: 'pong', payload: {} })),
    ])
    expect(socket.ofType('error')).toEqual([])
  })

  it('[W52] are carried out in order, even with get_state in between', async () => {
    const board = await makeBoard(server)
    await using socket = await openBoard(board.id, '&view=diff')
    const asked = Array.from({ length: 6 }, (_, n) => [
      socket.ask({ type: 'create_card', payload: { title: `${n}` } }),
      socket.ask({ type: 'get_state' }),
    ]).flat()
    await Promise.all(asked)
    const acks = socket.ofType('ack').map(({ payload }) => payload.id)
    expect(acks).toEqual(asked.map((_, index) => `ask-${index + 1}`))
    await socket.until(() => socket.ofType('state').length === 7)
    const counts = socket.ofType('state').map(({ payload }) => Object.keys(payload.cards).length)
    expect(counts).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('[W56] must be text: a binary message is refused, and the socket stays open', async () => {
    const board = await makeBoard(server)
    await using socket = await openBoard(board.id)
    socket.websocket.send(Buffer.from('{"type":"create_card","payload":{"title":"x"}}'))
    const error = await socket.first('the error', ({ type }) => type === 'error')
    expect(error.payload).toEqual({ error: expect.any(String), code: 'PARSE_ERROR' })
    expect(await socket.ask({ type: 'get_state' })).toMatchObject({ success: true })
  })
})

describe('deleting the board', () => {
  it('[W18] closes the socket, also when a command of another socket does it', async () => {
    const board = await makeBoard(server)
    await using socket = await openBoard(board.id)
    const eventId = await deleteBoard(server, board.id)
    expect(await socket.untilClosed()).toEqual({ code: 1000, reason: '' })
    expect(socket.messages.at(-1)).toEqual({ type: 'board_deleted', payload: { boardId: board.id }, id: eventId })
    await using again = await SocketClient.open(server.url, `/ws?boardId=${board.id}&since=${eventId}`)
    expect(await again.untilClosed()).toEqual({ code: 1008, reason: 'Board not found' })
  })
})

describe('a dashboard socket', () => {
  it('[W10] sends the overview, and the latest one after changes', async () => {
    await using socket = await SocketClient.open(server.url, '/ws/dashboard')
    const first = await socket.first('the overview', ({ type }) => type === 'dashboard_overview')
    expect(first.id).toMatch(/^[0-9a-f]{8}-\d+$/)
    expect(socket.messages[0]).toMatchObject({ type: 'hello', payload: { resumed: false } })
    expect(socket.messages[0]).not.toHaveProperty('id')
    const { attempt } = await makeWork(server)
    await socket.until(() => JSON.stringify(socket.messages.at(-1)).includes(attempt.id))
  })

  it('[W17] ignores messages', async () => {
    await using socket = await SocketClient.open(server.url, '/ws/dashboard')
    await socket.first('the overview', ({ type }) => type === 'dashboard_overview')
    const board = await withoutEvents(server, async () => {
      for (const text of ['{"type":"get_state","id":1}', '{', '[]', '{"type":"create_card","payload":{"title":"x"}}']) {
        socket.send(text)
      }
      socket.websocket.send(Buffer.from([1, 2, 3]))
      // The pong comes after everything before it was read.
      const answered = new Promise((resolve) => socket.websocket.once('pong', resolve))
      socket.websocket.ping()
      await answered
    })
    expect(board).toBeUndefined()
    expect(new Set(socket.messages.map(({ type }) => type))).toEqual(new Set(['hello', 'dashboard_overview']))
    expect(socket.closed).toBeNull()
  })
})
