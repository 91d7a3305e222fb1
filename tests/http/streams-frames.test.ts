/** Ids and the text of SSE events. Rules I1 to I9, S7 to S13. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entryOf } from '../../shared/src/catalogue.ts'
import { appendLines, makeBoard, makeCard, makeWork, positionOf } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ heartbeatMs: 200 })
})
afterAll(() => server[Symbol.asyncDispose]())

/** The text of the events after the opening. */
function textAfter(listener: Listener, mark: string): string {
  return listener.body.slice(listener.body.indexOf('\n\n', listener.body.indexOf(mark)) + 2)
}

const names = ({ frames }: Listener) => frames.map(({ event }) => event)

describe('ids', () => {
  it('[I1] of events, envelopes and answers are the same text', async () => {
    const board = await makeBoard(server)
    await using bare = await listen(server.url, `/sse?boardId=${board.id}&view=diff`)
    await using enveloped = await listen(server.url, `/sse?channels=board:${board.id}`)
    const { eventId } = await makeCard(server, board.id)
    expect(eventId).toMatch(/^[0-9a-f]{8}-(0|[1-9]\d*)$/)
    expect((await bare.frame('card_created')).id).toBe(eventId)
    const { id, data } = await enveloped.frame('card_created')
    expect([id, data.id]).toEqual([eventId, eventId])
  })

  it('[I2] keep their epoch across a restart, and differ from those of another database', async () => {
    await using own = await startTestServer()
    const { eventId } = await makeBoard(own)
    await own.restart()
    const later = await makeBoard(own)
    expect(later.eventId.split('-')[0]).toBe(eventId.split('-')[0])
    expect(positionOf(later.eventId)).toBe(positionOf(eventId) + 1)
    const elsewhere = await makeBoard(server)
    expect(elsewhere.eventId.split('-')[0]).not.toBe(eventId.split('-')[0])
  })

  it('[I3] grow in the order of commit, without gaps within a mutation, and are the same on every stream', async () => {
    const { boardId, attempt } = await makeWork(server)
    await using board = await listen(server.url, `/sse?boardId=${boardId}&view=diff`)
    await using channel = await listen(server.url, `/sse?channels=attempt:${attempt.id}`)
    const { eventId } = await appendLines(server, attempt.id, ['one', 'two', 'three'])
    await Promise.all([board.id(eventId), channel.id(eventId)])
    const ids = board.named('attempt_log').map(({ id }) => id)
    const last = positionOf(eventId)
    expect(ids.map((id) => positionOf(id ?? ''))).toEqual([last - 2, last - 1, last])
    expect(channel.named('attempt_log').map(({ id }) => id)).toEqual(ids)
  })

  it('[I5] are on the hello of a fresh stream when no snapshot follows', async () => {
    const { cursor } = (await server.get<{ cursor: string }>(`/boards/${(await makeBoard(server)).id}`)) as {
      cursor: string
    }
    for (const path of ['/sse?channels=topic:quiet', '/sse?types=agent_profile', '/events/quiet']) {
      await using listener = await listen(server.url, path)
      expect(listener.frames[0]).toMatchObject({ event: 'hello', id: cursor })
    }
  })

  it('[I6] are not on a hello that snapshots follow; of the snapshots only on the last', async () => {
    const [one, two] = [await makeBoard(server), await makeBoard(server)]
    await using listener = await listen(server.url, `/sse?channels=board:${one.id},dashboard,board:${two.id}`)
    expect(listener.frames.slice(0, 4).map(({ event, id }) => [event, id])).toEqual([
      ['hello', undefined],
      ['state', undefined],
      ['dashboard_overview', undefined],
      ['state', two.eventId],
    ])
  })

  it('[I6] are not on replayed statuses', async () => {
    const { boardId, attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?boardId=${boardId}`)
    const replayed = await listener.frame('attempt_status')
    expect(replayed).toMatchObject({ id: undefined, data: { replayed: true } })
    expect(listener.lastEventId).toBe(attempt.eventId)
  })

  it('[I5] are on every later snapshot', async () => {
    const board = await makeBoard(server)
    await using listener = await listen(server.url, `/sse?boardId=${board.id}`)
    const { eventId } = await makeCard(server, board.id)
    expect((await listener.id(eventId)).event).toBe('state')
  })

  it('[I7] on heartbeats advance while nothing shows', async () => {
    await using listener = await listen(server.url, '/sse?channels=topic:quiet')
    const first = await listener.frame('heartbeat')
    const { eventId } = await makeBoard(server)
    expect(positionOf(eventId)).toBeGreaterThan(positionOf(first.id ?? ''))
    expect((await listener.id(eventId)).event).toBe('heartbeat')
    await using filtered = await listen(server.url, '/sse?types=none')
    const next = await makeBoard(server)
    expect((await filtered.id(next.eventId)).event).toBe('heartbeat')
  })

  it('[I8] of an answer: the last event of the mutation; without one, the newest', async () => {
    const { attempt, boardId } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?channels=global&since=earliest`)
    await listener.id(attempt.eventId)
    const own = listener.frames.filter(({ data }) => data.data.attemptId === attempt.id || data.event === 'card.moved')
    // Queued, running, started, and moved to In Progress: one mutation.
    expect(own.map(({ event }) => event).slice(-4)).toEqual([
      'attempt.queued',
      'attempt.status.changed',
      'attempt.started',
      'card.moved',
    ])
    expect(own.at(-1)?.id).toBe(attempt.eventId)
    const unchanged = await server.call('PATCH', `/boards/${boardId}`, {})
    expect(unchanged.status).toBe(200)
    expect(unchanged.eventId).toBe(attempt.eventId)
  })

  it('[I9] times are ISO 8601 in UTC, and milliseconds in envelopes and output', async () => {
    const { boardId, attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?channels=board:${boardId},agent:${attempt.agent}`)
    const before = Date.now()
    await appendLines(server, attempt.id, ['line'])
    const [log, batch] = [await listener.frame('attempt_log'), await listener.frame('output_batch')]
    expect(log.data.data.ts).toBe(new Date(log.data.timestamp).toISOString())
    expect(batch.data.data.timestamp).toBe(batch.data.timestamp)
    expect(log.data.timestamp).toBeGreaterThanOrEqual(before)
    expect(log.data.timestamp).toBeLessThanOrEqual(Date.now())
  })
})

describe('the text of a stream', () => {
  it('[S7] of a board, literally', async () => {
    const board = await makeBoard(server, 'literal')
    await using listener = await listen(server.url, '/sse?boardId=literal&view=diff&types=hello,state,board_*')
    await server.call('PATCH', '/boards/literal', { name: 'Zwölf 🦊', description: null })
    const { eventId } = await server.call('DELETE', '/boards/literal')
    await listener.untilClosed()
    const body = listener.body.replace(/event: heartbeat\ndata: .*\nid: \S+\n\n/g, '')
    const [hello, ...rest] = body.split(/(?<=\n\n)/)
    expect(hello).toMatch(
      /^retry: \d{4}\nevent: hello\ndata: \{"serverTime":"[^"]{24}","connectionId":"[^"]+","resumed":false,"heartbeatMs":200\}\n\n$/,
    )
    const columns = Object.fromEntries(board.columns.map((column) => [column.id, column]))
    const columnOrder = board.columns.map(({ id }) => id)
    const epoch = eventId.split('-')[0]
    const last = positionOf(eventId)
    expect(rest.join('')).toBe(
      [
        `event: state\ndata: ${JSON.stringify({ boardId: 'literal', columns, columnOrder, cards: {} })}\nid: ${epoch}-${last - 2}\n\n`,
        `event: board_updated\ndata: {"boardId":"literal","changes":{"name":"Zwölf 🦊"}}\nid: ${epoch}-${last - 1}\n\n`,
        `event: board_deleted\ndata: {"boardId":"literal"}\nid: ${epoch}-${last}\n\n`,
      ].join(''),
    )
  })

  it('[S7] of a channel, literally', async () => {
    const board = await makeBoard(server)
    await using listener = await listen(server.url, `/sse?channels=global&types=board.*`)
    const { eventId } = await server.call('PATCH', `/boards/${board.id}`, { name: 'New' })
    const { data } = await listener.id(eventId)
    const text = textAfter(listener, 'event: hello').replace(/event: heartbeat\ndata: .*\nid: \S+\n\n/g, '')
    expect(text).toBe(
      `event: board.updated\ndata: {"channel":"global","event":"board.updated",` +
        `"data":{"boardId":"${board.id}","changes":{"name":"New"}},"timestamp":${data.timestamp},"actor":null,"id":"${eventId}"}\nid: ${eventId}\n\n`,
    )
  })

  it('[S8] any text in a payload stays on its line', async () => {
    const { boardId, attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?boardId=${boardId}&view=diff`)
    const texts = [
      'a\nb',
      'a\r\nb\r',
      '\n\nevent: forged\ndata: {}\n\n',
      'nul \0',
      '\u2028\u2029\u0085',
      '😀 \ud83d',
      '\x1b[31mred',
      '',
    ]
    const { eventId } = await appendLines(server, attempt.id, texts)
    await listener.id(eventId)
    expect(listener.named('attempt_log').map(({ data }) => data.message)).toEqual(texts)
    expect(names(listener)).not.toContain('forged')
    const log = textAfter(listener, '"replayed":true').replace(/event: heartbeat\ndata: .*\nid: \S+\n\n/g, '')
    expect(log.split('\n').filter((line) => line !== '' && !/^(id|event|data): /.test(line))).toEqual([])
    expect(log).not.toContain('\r')
    expect(log).not.toContain('\0')
  })

  it('[S10] bare payloads have exactly the listed fields', async () => {
    const { boardId, attempt, card } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?boardId=${boardId}&view=diff`)
    await server.call('PATCH', `/cards/${card.id}`, { assignedAgentId: 'claude', title: 'Other' })
    const { eventId } = await appendLines(server, attempt.id, ['line'])
    await listener.id(eventId)
    const shapes = { card_updated: 'card.updated', attempt_log: 'attempt.log.appended' } as const
    for (const [name, type] of Object.entries(shapes)) {
      const frames = listener.named(name)
      expect(frames).not.toEqual([])
      for (const { data } of frames) entryOf(type)?.shows.parse(data)
    }
  })

  it('[S11] hello carries the time to reconnect, spread over the connections', async () => {
    const retries = await Promise.all(
      Array.from({ length: 40 }, async () => {
        await using listener = await listen(server.url, '/sse?channels=topic:retry')
        expect(Object.keys(listener.frames[0]?.data.data)).toEqual([
          'serverTime',
          'connectionId',
          'resumed',
          'heartbeatMs',
        ])
        return listener.retry ?? 0
      }),
    )
    for (const retry of retries) {
      expect(retry).toBeGreaterThanOrEqual(1_200)
      expect(retry).toBeLessThanOrEqual(1_800)
    }
    expect(new Set(retries).size).toBeGreaterThan(10)
  })

  it('[S12] heartbeats come at the interval in hello', async () => {
    await using listener = await listen(server.url, '/sse?channels=topic:beat')
    expect(listener.frames[0]?.data.data.heartbeatMs).toBe(200)
    await listener.until('five heartbeats', () => listener.named('heartbeat').length >= 5)
    const times = listener.named('heartbeat').map(({ data }) => Date.parse(data.data.ts))
    expect(times).toEqual([...times].sort((a, b) => a - b))
    // On a busy machine each may be late, and the next one is not. Timers count whole milliseconds.
    const [first = 0, last = 0] = [times[0], times[4]]
    expect(last - first).toBeGreaterThanOrEqual(4 * 200 - 200)
    expect(listener.named('heartbeat')[0]?.data).toMatchObject({
      channel: '*',
      event: 'heartbeat',
      data: { ts: expect.any(String) },
    })
  })
})
