/** Resuming with a cursor that the log still covers. Rules R1 to R7, I4. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { applyEvent } from '../../shared/src/apply-event.ts'
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { appendLines, boardState, makeBoard, makeCard, makeWork, positionOf } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener, listen, type ReceivedFrame } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const names = ({ frames }: Listener) => frames.map(({ event }) => event)
const resume = (path: string, cursor: string) => listen(server.url, path, { headers: { 'Last-Event-ID': cursor } })

/** Some of everything that happens on a board; resolves to the id of the last. */
async function work(boardId: string): Promise<string> {
  const [one, two] = [await makeCard(server, boardId), await makeCard(server, boardId, { assignedAgentId: 'claude' })]
  await server.call('POST', `/cards/${one.id}/move`, { columnKey: 'review' })
  await server.call('PATCH', `/cards/${two.id}`, { title: 'Other', dependsOn: [one.id] })
  const attempt = await server.post<{ id: string }>(`/cards/${one.id}/attempts`, { agent: 'claude', status: 'running' })
  await appendLines(server, attempt.id, ['one\n', 'two 😀'])
  await server.post(`/boards/${boardId}/git/operations`, { operation: 'rebase', ok: true })
  await server.call('PATCH', `/attempts/${attempt.id}`, { status: 'succeeded', exitCode: 0 })
  return (await server.call('PATCH', `/boards/${boardId}`, { name: 'Worked on' })).eventId
}

describe('a resumed stream', () => {
  it('[R1] [R3] reports the requested cursor, and has neither state nor statuses in the diff view', async () => {
    const { boardId, attempt } = await makeWork(server)
    await using listener = await resume(`/sse?boardId=${boardId}&view=diff`, attempt.eventId)
    const { eventId } = await makeCard(server, boardId)
    await listener.id(eventId)
    expect(listener.frames[0]).toMatchObject({ event: 'hello', id: attempt.eventId, data: { resumed: true } })
    expect(names(listener)).toEqual(['hello', 'card_created'])
  })

  it('[R1] accepts the id of an event of another channel, or of one that shows nowhere', async () => {
    const board = await makeBoard(server)
    const other = await makeBoard(server)
    const card = await makeCard(server, board.id)
    await using listener = await resume(`/sse?boardId=${board.id}&view=diff`, other.eventId)
    await listener.id(card.eventId)
    expect(names(listener)).toEqual(['hello', 'card_created'])
  })

  it.each([
    ['/sse?boardId=ID&view=diff', ''],
    ['/sse?channels=board:ID,project:ID,agent:claude', ''],
    ['/sse?channels=global', ''],
    ['/sse?channels=global,board:ID', 'gzip'],
    ['/sse?boardId=ID&view=diff&types=card_*,attempt_status', 'gzip'],
    ['/sse?channels=project:ID', ''],
  ])('[R2] [I3] of %s shows exactly what a live one saw', async (template, encoding) => {
    const board = await makeBoard(server)
    const path = template.replaceAll('ID', board.id)
    const headers = { 'Accept-Encoding': encoding }
    await using live = await listen(server.url, path, { headers })
    const snapshots = names(live).filter((name) => name === 'state').length
    const last = await work(board.id)
    const end = positionOf(last)
    // The paths show different parts of the last event, and a heartbeat is far off, so an event that shows everywhere is posted.
    const { eventId } = await server.post('/agent-profiles', { agent: 'claude', name: `For ${path}` })
    const marker = path.includes('types=') ? await makeCard(server, board.id) : { eventId }
    await live.id(marker.eventId)
    await using replayed = await listen(server.url, path, { headers: { ...headers, 'Last-Event-ID': board.eventId } })
    await replayed.id(marker.eventId)
    const seen = (listener: Listener, from: number) =>
      listener.frames.slice(from).map(({ event, id, text }) => ({ event, id, text }))
    expect(seen(replayed, 1)).toEqual(seen(live, 1 + snapshots))
    expect(positionOf(marker.eventId)).toBeGreaterThan(end)
  })

  it('[R4] of the full view gets one state after what was missed', async () => {
    const { boardId, attempt } = await makeWork(server)
    const { eventId } = await appendLines(server, attempt.id, ['one', 'two'])
    await makeCard(server, boardId)
    const last = await makeCard(server, boardId)
    await using listener = await resume(`/sse?boardId=${boardId}`, attempt.eventId)
    expect((await listener.frame('state')).id).toBe(last.eventId)
    expect(names(listener)).toEqual(['hello', 'attempt_log', 'attempt_log', 'state'])
    expect(listener.frames[2]?.id).toBe(eventId)
    expect(listener.frames[3]?.data).toEqual(await boardState(server, boardId))
  })

  it('[R4] of the full view gets it also when nothing was missed', async () => {
    for (const query of ['boardId=ID', 'channels=board:ID;full']) {
      const board = await makeBoard(server)
      const path = `/sse?${query.replace('ID', board.id)}`
      await using listener = await resume(path, board.eventId)
      expect((await listener.frame('state')).id).toBe(board.eventId)
      const { eventId } = await makeCard(server, board.id)
      await listener.id(eventId)
      expect(names(listener)).toEqual(['hello', 'state', 'state'])
    }
  })

  it('[R5] of the dashboard gets one overview', async () => {
    const board = await makeBoard(server)
    for (const path of ['/sse', '/sse?channels=dashboard,agent:a']) {
      await using listener = await resume(path, board.eventId)
      await listener.frame('dashboard_overview')
      const { eventId } = await makeCard(server, board.id)
      await listener.id(eventId)
      expect(names(listener)).toEqual(['hello', 'dashboard_overview', 'dashboard_overview'])
      expect(listener.frames[0]?.id).toBe(board.eventId)
    }
  })

  it('[R2] reads many pages of the log without losing its position', async () => {
    const { attempt, boardId } = await makeWork(server)
    const messages = Array.from({ length: 1_000 }, (_, n) => `${n}`)
    await appendLines(server, attempt.id, messages)
    await makeCard(server, boardId)
    const { eventId } = await appendLines(server, attempt.id, messages)
    await using listener = await resume(`/sse?channels=attempt:${attempt.id}`, attempt.eventId)
    await listener.id(eventId)
    expect(listener.named('attempt_log').map(({ data }) => data.data.message)).toEqual([...messages, ...messages])
  })

  it('[R7] continues where it was after a restart', async () => {
    await using own = await startTestServer()
    const board = await makeBoard(own)
    const path = `/sse?boardId=${board.id}&view=diff`
    await using before = await listen(own.url, path)
    const first = await makeCard(own, board.id)
    await before.id(first.eventId)
    const second = await makeCard(own, board.id)
    await own.restart()
    const third = await makeCard(own, board.id)
    await using after = await listen(own.url, path, { headers: { 'Last-Event-ID': first.eventId } })
    await after.id(third.eventId)
    expect(after.frames.map(({ event, id }) => [event, id])).toEqual([
      ['hello', first.eventId],
      ['card_created', second.eventId],
      ['card_created', third.eventId],
    ])
  })
})

describe('a client that is cut at any byte', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 6_000 }), { minLength: 1, maxLength: 6 })
  const lastId = (frames: readonly ReceivedFrame[]) => frames.findLast(({ id }) => id !== undefined)?.id

  /** Listens from the last id of `frames` up to the cut, or to the event with the id `last`, and adds the complete events. */
  async function go(path: string, frames: ReceivedFrame[], cutAfter: number, last: string): Promise<void> {
    const cursor = lastId(frames)
    const headers: Record<string, string> = cursor === undefined ? {} : { 'Last-Event-ID': cursor }
    await using listener = new Listener(server.url, path, { headers, cutAfter })
    await listener.until('the cut or the end', () => listener.closed || listener.lastEventId === last)
    frames.push(...listener.frames)
  }

  it('[R6] [I4] and resumes with its last id sees every event', async () => {
    const board = await makeBoard(server)
    const path = `/sse?boardId=${board.id}&view=diff`
    await using first = await listen(server.url, path)
    const state = await first.frame('state')
    const last = await work(board.id)
    await first.id(last)
    const events = first.frames.slice(2).map(({ id }) => id)
    const expected = await boardState(server, board.id)
    await fc.assert(
      fc.asyncProperty(cuts, async (sizes) => {
        const frames = [state]
        for (const cutAfter of [...sizes, Infinity]) await go(path, frames, cutAfter, last)
        expect(frames.slice(1).flatMap(({ id, event }) => (event === 'hello' ? [] : [id]))).toEqual(events)
        expect(frames.reduce<BoardState>(applyEvent, {} as BoardState)).toEqual(expected)
      }),
      { numRuns: 25 },
    )
  })

  it('[R6] [I6] also within the opening: it resumes what it has not received', async () => {
    const { boardId, attempt } = await makeWork(server)
    for (const path of [`/sse?boardId=${boardId}&view=diff`, `/sse?boardId=${boardId}`]) {
      await using whole = await listen(server.url, path)
      await whole.frame('attempt_status')
      const length = whole.bytes - 100
      whole.close()
      for (let cutAfter = 300; cutAfter < length; cutAfter += 97) {
        const frames: ReceivedFrame[] = []
        await go(path, frames, cutAfter, 'none')
        const { eventId } = await server.call('PATCH', `/cards/${attempt.cardId}`, { title: `Cut at ${cutAfter}` })
        await go(path, frames, Infinity, eventId)
        const state = await boardState(server, boardId)
        expect(frames.reduce<BoardState>(applyEvent, {} as BoardState)).toEqual(state)
      }
    }
  })
})
