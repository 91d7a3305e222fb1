/** Listeners that do not read. Rules M1 to M4; M5 is in tests/unit/connections. */
import { describe, expect, it } from 'vitest'
import {
  appendLines,
  boardState,
  eventually,
  makeBoard,
  makeCard,
  makeWork,
  positionOf,
  stats,
} from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener, listen } from '../support/stream.ts'

/** More than the kernel's buffers of one connection. */
const POSTS = 24
const LINES = 15
const LINE_LENGTH = 60_000
const FOREVER = Number.MAX_SAFE_INTEGER

/** Prints 20 MB; resolves to the id of the last line. */
async function flood(server: TestServer, attemptId: string): Promise<string> {
  let last = ''
  for (let post = 0; post < POSTS; post++) {
    const messages = Array.from({ length: LINES }, (_, line) => `${post * LINES + line} `.padEnd(LINE_LENGTH, 'x'))
    last = (await appendLines(server, attemptId, messages)).eventId
  }
  return last
}

/** The number at the beginning of every line that a listener was shown. */
function numbers(listener: Listener): number[] {
  return listener.named('attempt_log').map(({ data }) => Number.parseInt((data.data ?? data).message, 10))
}

const all = Array.from({ length: POSTS * LINES }, (_, n) => n)

describe('a listener that does not read', () => {
  it('[M1] [M2] [M3] delays nobody, costs little, and misses nothing', async () => {
    await using server = await startTestServer()
    const { attempt } = await makeWork(server)
    const path = `/sse?channels=attempt:${attempt.id}`
    const stalled = await Promise.all(Array.from({ length: 4 }, () => listen(server.url, path)))
    for (const { socket } of stalled) socket.pause()
    await using reader = await listen(server.url, path)
    const last = await flood(server, attempt.id)
    await reader.id(last)
    expect(numbers(reader)).toEqual(all)
    const { connections, bytes } = await stats(server)
    expect(connections).toMatchObject({ sse: 5, behind: 4 })
    // 256 KiB each, and an event of one line.
    expect(bytes.pending).toBeGreaterThan(0)
    expect(bytes.pending).toBeLessThanOrEqual(4 * (256 * 1024 + 2 * LINE_LENGTH))
    for (const listener of stalled) {
      expect(listener.named('attempt_log').length).toBeLessThan(all.length)
      listener.socket.resume()
      await listener.id(last)
      expect(numbers(listener)).toEqual(all)
      const ids = listener.frames.flatMap(({ id }) => (id === undefined ? [] : [positionOf(id)]))
      expect(ids).toEqual([...ids].sort((a, b) => a - b))
    }
    // They have caught up: new events show at once.
    const { eventId } = await appendLines(server, attempt.id, ['400 and one'])
    await Promise.all(stalled.map((listener) => listener.id(eventId)))
    for (const listener of stalled) listener.close()
  })

  it('[M3] [Y4] gets the last state when it continues reading, not every one', async () => {
    await using server = await startTestServer()
    const { boardId, attempt, card } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?boardId=${boardId}`)
    await listener.frame('attempt_status')
    listener.socket.pause()
    await flood(server, attempt.id)
    for (let change = 0; change < 50; change++) await server.call('PATCH', `/cards/${card.id}`, { title: `${change}` })
    await eventually('falling behind', async () => (await stats(server)).connections.behind === 1)
    listener.socket.resume()
    const last = await listener.until('the last state', () =>
      listener.named('state').find(({ data }) => data.cards[card.id].title === '49'),
    )
    expect(numbers(listener)).toEqual(all)
    expect(last.data).toEqual(await boardState(server, boardId))
    // The first, and those of the time until it fell behind.
    expect(listener.named('state').length).toBeLessThan(10)
  })

  it('[M3] [Y13] sees what changed while a large snapshot was being sent', async () => {
    await using server = await startTestServer()
    const board = await makeBoard(server)
    // Three bytes per character: together more than the kernel buffers for a listener that does not read.
    const description = '€'.repeat(65_536)
    const cards = await Promise.all(Array.from({ length: 60 }, () => makeCard(server, board.id, { description })))
    for (const path of [`/sse?boardId=${board.id}`, `/sse?channels=board:${board.id};full`]) {
      await using listener = new Listener(server.url, path)
      listener.socket.pause()
      await eventually('the listener', async () => (await stats(server)).channelStats[`board:${board.id}`])
      await eventually('a listener that is behind', async () => (await stats(server)).connections.behind === 1)
      const title = `Changed for ${path}`
      const { eventId } = await server.call('PATCH', `/cards/${cards[0]?.id}`, { title })
      listener.socket.resume()
      const state = await listener.until('the state with the change', () => listener.named('state')[1])
      expect((state.data.data ?? state.data).cards[cards[0]?.id ?? ''].title).toBe(title)
      expect(state.id).toBe(eventId)
    }
  })

  it('[M4] gets a gap when the log no longer covers its position', async () => {
    await using server = await startTestServer({ retention: { maxAgeMs: FOREVER, maxEvents: 5, maxBytes: FOREVER } })
    const { boardId, attempt } = await makeWork(server)
    for (const path of [`/sse?boardId=${boardId}`, `/sse?channels=attempt:${attempt.id}`]) {
      await using listener = await listen(server.url, path)
      listener.socket.pause()
      const last = positionOf(await flood(server, attempt.id))
      await eventually('the trimming', async () => positionOf((await stats(server)).log.oldest) > last - 10)
      listener.socket.resume()
      const gap = await listener.frame('gap')
      const after = listener.frames.indexOf(gap)
      const { requested, oldest, reason } = gap.data.data ?? gap.data
      expect(reason).toBe('slow')
      expect(gap.id).toBeUndefined()
      // It had everything up to there, and what comes next is later than what is missing.
      const before = listener.frames.slice(0, after)
      expect(positionOf(requested)).toBe(positionOf(before.findLast(({ id }) => id !== undefined)?.id ?? ''))
      expect(positionOf(oldest)).toBeGreaterThan(positionOf(requested))
      const next = await server.call('PATCH', `/attempts/${attempt.id}`, { branchName: 'unseen' })
      expect(next.status).toBe(200)
      if (path.includes('boardId')) {
        await listener.until('the new opening', () => listener.frames.length >= after + 3)
        expect(listener.frames.slice(after, after + 3).map(({ event }) => event)).toEqual([
          'gap',
          'state',
          'attempt_status',
        ])
        expect(listener.frames[after + 1]?.data).toEqual(await boardState(server, boardId))
        expect(listener.frames[after + 2]?.data.replayed).toBe(true)
      }
      const { eventId } = await appendLines(server, attempt.id, ['360 and one'])
      await listener.id(eventId)
    }
  })
})
