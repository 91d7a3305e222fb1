/** The query of a stream. Rules Q1 to Q13; invalid queries are in streams-refusals. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendLines, deleteBoard, makeBoard, makeCard, makeWork, positionOf } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ heartbeatMs: 200 })
})
afterAll(() => server[Symbol.asyncDispose]())

/** Names of the events, without heartbeats. */
const names = ({ frames }: Listener) => frames.map(({ event }) => event).filter((event) => event !== 'heartbeat')

describe('the channels of a stream', () => {
  it('[Q1] boardId and projectId are the same; if both are given, the first counts', async () => {
    const [board, other] = [await makeBoard(server), await makeBoard(server)]
    const queries = [`boardId=${board.id}`, `projectId=${board.id}`, `projectId=${other.id}&boardId=${board.id}`]
    for (const query of queries) {
      await using listener = await listen(server.url, `/sse?${query}`)
      expect((await listener.frame('state')).data.boardId).toBe(board.id)
    }
  })

  it('[Q2] without any: the dashboard', async () => {
    await using listener = await listen(server.url, '/sse')
    await listener.frame('dashboard_overview')
    expect(names(listener)).toEqual(['hello', 'dashboard_overview'])
  })

  it('[Q3] channels, percent-encoded or not, with spaces, and repeated', async () => {
    const board = await makeBoard(server)
    const encoded = encodeURIComponent(` board:${board.id};full , agent:a ,board:${board.id}`)
    await using listener = await listen(server.url, `/sse?channels=${encoded}`)
    await listener.frame('state')
    const { eventId } = await makeCard(server, board.id)
    // The full view, as it was named first.
    expect((await listener.id(eventId)).event).toBe('state')
    expect(names(listener)).not.toContain('card_created')
  })

  it('[Q4] in a list of channels a board has the diff view, and view has no effect', async () => {
    const board = await makeBoard(server)
    await using listener = await listen(server.url, `/sse?channels=board:${board.id}&view=full`)
    const { eventId } = await makeCard(server, board.id)
    expect((await listener.id(eventId)).event).toBe('card_created')
  })

  it('[Q13] unknown parameters are ignored, and of a repeated one the first counts', async () => {
    const [board, other] = [await makeBoard(server), await makeBoard(server)]
    await using listener = await listen(
      server.url,
      `/sse?x=1&boardId=${board.id}&boardId=${other.id}&view=diff&view=what`,
    )
    expect((await listener.frame('state')).data.boardId).toBe(board.id)
  })
})

describe('types', () => {
  it('[Q5] select events by name', async () => {
    const { boardId, card, attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?boardId=${boardId}&view=diff&types=card_updated,attempt_log`)
    await appendLines(server, attempt.id, ['line'])
    await server.call('POST', `/cards/${card.id}/move`, { columnKey: 'review' })
    const { eventId } = await server.call('PATCH', `/cards/${card.id}`, { title: 'Other' })
    await listener.id(eventId)
    expect(names(listener)).toEqual(['hello', 'attempt_log', 'card_updated'])
  })

  it('[Q5] names are those on the wire: on global the domain names', async () => {
    const board = await makeBoard(server)
    await using listener = await listen(server.url, '/sse?channels=global&types=card.created,card_updated')
    const card = await makeCard(server, board.id)
    await server.call('PATCH', `/cards/${card.id}`, { title: 'Other' })
    const next = await makeCard(server, board.id)
    await listener.id(next.eventId)
    expect(names(listener)).toEqual(['hello', 'card.created', 'card.created'])
  })

  it.each(['', '*', ',', 'state,*'])('[Q5] %j filters nothing', async (types) => {
    const { boardId } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?boardId=${boardId}&view=diff&types=${types}`)
    const { eventId } = await makeCard(server, boardId)
    await listener.id(eventId)
    expect(names(listener)).toEqual(['hello', 'state', 'attempt_status', 'card_created'])
  })

  it('[Q6] a star matches any ending', async () => {
    const { boardId, card } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?boardId=${boardId}&view=diff&types=card_*,board_up*`)
    await server.call('POST', `/boards/${boardId}/columns`, { title: 'QA' })
    await server.call('PATCH', `/boards/${boardId}`, { name: 'New' })
    await server.call('POST', `/cards/${card.id}/move`, { columnKey: 'review' })
    const { eventId } = await server.call('PATCH', `/cards/${card.id}`, { title: 'Other' })
    await listener.id(eventId)
    expect(names(listener)).toEqual(['hello', 'board_updated', 'card_moved', 'card_updated'])
  })

  it('[Q7] events about the stream pass every filter; snapshots, statuses and events to everyone when named', async () => {
    const { boardId } = await makeWork(server)
    await using nothing = await listen(server.url, `/sse?boardId=${boardId}&types=none`)
    await using named = await listen(server.url, `/sse?boardId=${boardId}&types=state,agent_profile`)
    await using statuses = await listen(server.url, `/sse?boardId=${boardId}&types=attempt_status`)
    await using gap = await listen(server.url, `/sse?boardId=${boardId}&types=none&since=what`)
    await gap.frame('gap')
    const { eventId } = await server.post('/agent-profiles', { agent: 'claude', name: 'Careful' })
    expect((await named.id(eventId)).event).toBe('agent_profile')
    expect((await nothing.id(eventId)).event).toBe('heartbeat')
    await statuses.id(eventId)
    expect(names(nothing)).toEqual(['hello'])
    expect(names(named)).toEqual(['hello', 'state', 'agent_profile'])
    expect(names(statuses)).toEqual(['hello', 'attempt_status'])
    expect(names(gap)).toEqual(['hello', 'gap'])
  })

  it('[Q7] ids advance as without a filter', async () => {
    const board = await makeBoard(server)
    await using listener = await listen(server.url, `/sse?boardId=${board.id}&view=diff&types=card_*`)
    expect(listener.frames[0]).toMatchObject({ event: 'hello', id: board.eventId })
    await server.call('PATCH', `/boards/${board.id}`, { name: 'Hidden' })
    const card = await makeCard(server, board.id)
    expect((await listener.frame('card_created')).id).toBe(card.eventId)
    expect(positionOf(card.eventId)).toBe(positionOf(board.eventId) + 2)
  })

  it('[Q7] [E1] a filter does not keep a stream open', async () => {
    const board = await makeBoard(server)
    await using listener = await listen(server.url, `/sse?boardId=${board.id}&types=state`)
    await deleteBoard(server, board.id)
    await listener.untilClosed()
    expect(names(listener)).toEqual(['hello', 'state'])
    expect(listener.ended).toBe(true)
    expect(listener.surplusBytes).toBe(0)
  })
})

describe('where it starts and ends', () => {
  it('[Q8] every name of a cursor is accepted, and the header takes precedence', async () => {
    const board = await makeBoard(server)
    const [first, second] = [await makeCard(server, board.id), await makeCard(server, board.id)]
    const path = `/sse?boardId=${board.id}&view=diff`
    const missed = async (query: string, headers: Record<string, string> = {}) => {
      await using listener = await listen(server.url, path + query, { headers })
      await listener.id(second.eventId)
      expect(listener.frames[0]?.data.resumed).toBe(true)
      return listener.named('card_created').length
    }
    for (const name of ['lastEventId', 'last_event_id', 'since']) {
      expect(await missed(`&${name}=${board.eventId}`)).toBe(2)
    }
    expect(await missed('', { 'Last-Event-ID': board.eventId })).toBe(2)
    expect(await missed(`&lastEventId=${board.eventId}`, { 'Last-Event-ID': first.eventId })).toBe(1)
    expect(await missed(`&lastEventId=${board.eventId}`, { 'Last-Event-ID': '' })).toBe(2)
    expect(await missed(`&since=now&last_event_id=${board.eventId}&lastEventId=${first.eventId}`)).toBe(1)
    expect(await missed(`&since=now&last_event_id=${board.eventId}&lastEventId=`)).toBe(2)
  })

  it('[Q8] an empty cursor counts as none', async () => {
    const board = await makeBoard(server)
    const headers = { 'Last-Event-ID': '' }
    await using listener = await listen(server.url, `/sse?boardId=${board.id}&lastEventId=&since=`, { headers })
    await listener.frame('state')
    expect(names(listener)).toEqual(['hello', 'state'])
  })

  it('[Q9] since=now begins at the newest event, without snapshots', async () => {
    const { boardId, attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?boardId=${boardId}&view=diff&since=now`)
    expect(listener.frames[0]).toMatchObject({ id: attempt.eventId, data: { resumed: true } })
    const { eventId } = await makeCard(server, boardId)
    await listener.id(eventId)
    expect(names(listener)).toEqual(['hello', 'card_created'])
  })

  it('[Q9] since=now is a resume on a channel stream and on sockets too', async () => {
    const { boardId, attempt } = await makeWork(server)
    const query = `channels=board:${boardId},dashboard&since=now`
    await using stream = await listen(server.url, `/sse?${query}`)
    await using socket = await SocketClient.open(server.url, `/ws?global=0&${query}`)
    await socket.until(() => socket.named('hello').length > 0)
    expect(stream.frames[0]).toMatchObject({ id: attempt.eventId, data: { data: { resumed: true } } })
    expect(socket.named('hello')[0]).toMatchObject({ id: attempt.eventId, data: { resumed: true } })
    const { eventId } = await makeCard(server, boardId)
    await stream.id(eventId)
    await socket.until(() => socket.named('card_created').length > 0)
    expect([names(stream).includes('state'), socket.named('state')]).toEqual([false, []])
  })

  it('[Q10] since=earliest begins before the oldest event', async () => {
    await using own = await startTestServer()
    const board = await makeBoard(own)
    const card = await makeCard(own, board.id)
    await using listener = await listen(own.url, '/sse?channels=global&since=earliest')
    await listener.id(card.eventId)
    expect(names(listener)).toEqual(['hello', 'board.created', 'card.created'])
    expect(listener.frames[0]?.data.data.resumed).toBe(true)
    expect(positionOf(listener.frames[0]?.id ?? '')).toBe(0)
  })

  it('[Q11] limit counts events, replayed ones too, but not the opening or heartbeats', async () => {
    const { boardId, card } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?boardId=${boardId}&view=diff&limit=2`)
    await listener.frame('heartbeat')
    const one = await makeCard(server, boardId)
    await server.call('PATCH', `/cards/${card.id}`, { title: 'Second' })
    await listener.untilClosed()
    expect(names(listener)).toEqual(['hello', 'state', 'attempt_status', 'card_created', 'card_updated'])
    expect(listener.ended).toBe(true)
    expect(listener.surplusBytes).toBe(0)
    await using resumed = await listen(server.url, `/sse?boardId=${boardId}&view=diff&limit=1&since=${one.eventId}`)
    await resumed.untilClosed()
    expect(names(resumed)).toEqual(['hello', 'card_updated'])
  })

  it('[Q11] limit cuts a burst, live or replayed, and never an event under several names', async () => {
    const { boardId, attempt } = await makeWork(server)
    const path = `/sse?channels=board:${boardId},agent:${attempt.agent}&limit=3`
    await using live = await listen(server.url, path)
    await appendLines(server, attempt.id, ['1', '2', '3', '4', '5'])
    await live.untilClosed()
    const expected = Array(3).fill(['attempt_log', 'output_batch']).flat()
    expect(names(live).slice(2)).toEqual(expected)
    await using replayed = await listen(server.url, `${path}&since=${attempt.eventId}`)
    await replayed.untilClosed()
    expect(names(replayed).slice(1)).toEqual(expected)
    expect(replayed.lastEventId).toBe(live.lastEventId)
  })

  it('[Q11] limit counts later snapshots', async () => {
    const board = await makeBoard(server)
    await using listener = await listen(server.url, `/sse?boardId=${board.id}&limit=1`)
    await makeCard(server, board.id)
    await listener.untilClosed()
    expect(names(listener)).toEqual(['hello', 'state', 'state'])
  })

  it('[Q12] timeout ends the stream', async () => {
    await using listener = await listen(server.url, '/sse?channels=topic:quiet&timeout=0.05')
    await listener.untilClosed()
    expect(listener.ended).toBe(true)
    expect(names(listener)).toEqual(['hello'])
  })
})
