/** Cursors that cannot be honoured. Rules R8 to R11; `slow` is in streams-slow. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendLines, boardState, eventually, makeCard, makeWork, positionOf, stats } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

const FEW = { maxAgeMs: Number.MAX_SAFE_INTEGER, maxEvents: 10, maxBytes: Number.MAX_SAFE_INTEGER }

let server: TestServer
let work: Awaited<ReturnType<typeof makeWork>>
beforeAll(async () => {
  server = await startTestServer({ retention: FEW, heartbeatMs: 200 })
  work = await makeWork(server)
})
afterAll(() => server[Symbol.asyncDispose]())

const names = ({ frames }: Listener) => frames.map(({ event }) => event)

const oldest = async () => (await stats(server)).log.oldest

/** Prints lines until those before `cursor` are trimmed, and nothing is left to trim; resolves to the oldest id. */
async function trimPast(cursor: string): Promise<string> {
  for (let n = 0; n < 4; n++) await appendLines(server, work.attempt.id, Array(10).fill('x'))
  return eventually('the trimming', async () => {
    const { log } = await stats(server)
    return positionOf(log.oldest) > positionOf(cursor) && log.chatter.events === FEW.maxEvents && log.oldest
  })
}

describe('a cursor that was trimmed', () => {
  it('[R8] [R9] is answered with hello, gap, and what a fresh stream has', async () => {
    const { boardId, attempt } = work
    const trimmed = await trimPast(attempt.eventId)
    for (const view of ['full', 'diff']) {
      await using listener = await listen(server.url, `/sse?boardId=${boardId}&view=${view}`, {
        headers: { 'Last-Event-ID': attempt.eventId },
      })
      await listener.frame('attempt_status')
      expect(listener.frames.slice(0, 4).map(({ event, id }) => [event, id === undefined])).toEqual([
        ['hello', true],
        ['gap', true],
        ['state', false],
        ['attempt_status', true],
      ])
      expect(listener.frames[0]?.data.resumed).toBe(false)
      expect(listener.frames[1]?.data).toEqual({ requested: attempt.eventId, oldest: trimmed, reason: 'trimmed' })
      expect(listener.frames[2]?.data).toEqual(await boardState(server, boardId))
      const { eventId } = await makeCard(server, boardId)
      expect((await listener.id(eventId)).event).toBe(view === 'full' ? 'state' : 'card_created')
    }
  })

  it('[R9] at the oldest id nothing is missing; one before it, something is', async () => {
    const epoch = work.attempt.eventId.split('-')[0]
    const position = positionOf(await trimPast(work.attempt.eventId))
    const path = `/sse?channels=attempt:${work.attempt.id}&since=${epoch}-`
    await using good = await listen(server.url, `${path}${position}`)
    await good.frame('attempt_log')
    expect(names(good)).not.toContain('gap')
    expect(good.frames[0]?.data.data.resumed).toBe(true)
    await using late = await listen(server.url, `${path}${position - 1}`)
    expect((await late.frame('gap')).data.data.reason).toBe('trimmed')
  })

  it('[Q10] [R9] earliest is the oldest id, and is never a gap', async () => {
    const trimmed = await trimPast(work.attempt.eventId)
    await using listener = await listen(server.url, `/sse?channels=global&since=earliest`)
    expect(listener.frames[0]).toMatchObject({ id: trimmed, data: { data: { resumed: true } } })
    await listener.frame('attempt.log.appended')
    expect(names(listener)).not.toContain('gap')
  })

  it('[R9] durable events are still replayed after trimming: cards, not lines', async () => {
    await trimPast(work.attempt.eventId)
    const from = await oldest()
    const card = await makeCard(server, work.boardId)
    await using listener = await listen(server.url, `/sse?boardId=${work.boardId}&view=diff&since=${from}&types=card_*`)
    expect((await listener.frame('card_created')).data.card.id).toBe(card.id)
  })
})

describe('other cursors', () => {
  const cases: ReadonlyArray<readonly [string, (id: string) => string, string]> = [
    ['[R10] of another database', (id) => `${id.startsWith('0') ? '1' : '0'}${id.slice(1)}`, 'epoch'],
    ['[R11] ahead of the log', (id) => `${id.split('-')[0]}-${positionOf(id) + 1_000_000}`, 'invalid'],
    ['[R11] without a valid form', () => '17', 'invalid'],
    ['[R11] of arbitrary text', () => '"]}\\ ä <script>', 'invalid'],
  ]

  it.each(cases)('%s are answered with a gap', async (_what, spoil, reason) => {
    const { eventId } = await makeCard(server, work.boardId)
    const requested = spoil(eventId)
    const query = `since=${encodeURIComponent(requested)}`
    await using board = await listen(server.url, `/sse?boardId=${work.boardId}&view=diff&${query}`)
    await board.frame('attempt_status')
    expect(names(board).slice(0, 4)).toEqual(['hello', 'gap', 'state', 'attempt_status'])
    expect(board.named('gap')[0]?.data).toEqual({ requested, oldest: await oldest(), reason })
    await using dashboard = await listen(server.url, `/sse?${query}`)
    await dashboard.frame('dashboard_overview')
    expect(names(dashboard).slice(0, 3)).toEqual(['hello', 'gap', 'dashboard_overview'])
  })

  it('[R8] [I5] without snapshots hello has the starting id, and gap has none', async () => {
    const { eventId } = await makeCard(server, work.boardId)
    await using listener = await listen(server.url, '/events/nobody?since=what')
    await listener.frame('gap')
    expect(listener.frames.map(({ event, id }) => [event, id])).toEqual([
      ['hello', eventId],
      ['gap', undefined],
    ])
  })

  it('[K5] [R8] a gap of a channel stream is in an envelope of channel *', async () => {
    await using listener = await listen(server.url, '/sse?channels=agent:nobody&since=what')
    const { data } = await listener.frame('gap')
    expect(data).toMatchObject({ channel: '*', event: 'gap', data: { requested: 'what', reason: 'invalid' } })
  })

  it('[R8] [Q11] a gap does not count towards a limit', async () => {
    await using listener = await listen(server.url, `/sse?boardId=${work.boardId}&view=diff&since=what&limit=1`)
    await makeCard(server, work.boardId)
    await listener.untilClosed()
    expect(names(listener).at(-1)).toBe('card_created')
  })
})
