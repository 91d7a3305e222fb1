/** How streams end. Rules E1 to E7. */
import { connect, createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { CatchUp } from '../../src/sse/delivery/catch-up.ts'
import { Snapshots } from '../../src/sse/delivery/snapshots.ts'
import { appendLines, deleteBoard, makeBoard, makeCard, makeWork } from '../support/board.ts'
import { gate } from '../support/gate.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())
afterEach(() => {
  vi.restoreAllMocks()
})

const names = ({ frames }: Listener) => frames.map(({ event }) => event)

describe('the end of a board', () => {
  it.each(['full', 'diff'])(
    '[E1] [E7] shows on its stream in the %s view, which ends; then there is no such stream',
    async (view) => {
      const board = await makeBoard(server)
      const path = `/sse?boardId=${board.id}&view=${view}`
      await using listener = await listen(server.url, path)
      const eventId = await deleteBoard(server, board.id)
      await listener.untilClosed()
      expect(listener.frames.at(-1)).toMatchObject({ event: 'board_deleted', id: eventId, data: { boardId: board.id } })
      expect(names(listener)).toEqual(['hello', 'state', 'board_deleted'])
      expect(listener.ended).toBe(true)
      expect(listener.surplusBytes).toBe(0)
      await using again = new Listener(server.url, path, { headers: { 'Last-Event-ID': eventId } })
      await again.until('the refusal', () => again.head)
      expect(again.status).toBe(404)
    },
  )

  it('[E2] ends its part of a channel stream, and the stream when no other channel is left', async () => {
    const [one, two] = [await makeBoard(server), await makeBoard(server)]
    await using listener = await listen(server.url, `/sse?channels=board:${one.id},board:${two.id}`)
    await deleteBoard(server, one.id)
    await listener.frame('board_deleted')
    const card = await makeCard(server, two.id)
    expect((await listener.id(card.eventId)).data.channel).toBe(`board:${two.id}`)
    expect(listener.ended).toBe(false)
    const eventId = await deleteBoard(server, two.id)
    await listener.untilClosed()
    expect(names(listener).slice(3)).toEqual(['board_deleted', 'card_created', 'board_deleted'])
    expect(listener.lastEventId).toBe(eventId)
    expect(listener.ended).toBe(true)
  })

  it.each(['', 'gzip'])('[E3] ends the stream of its project without an event (encoding: %j)', async (encoding) => {
    const board = await makeBoard(server)
    const headers = { 'Accept-Encoding': encoding }
    await using alone = await listen(server.url, `/sse?channels=project:${board.id}`, { headers })
    await using others = await listen(server.url, `/sse?channels=project:${board.id},global`, { headers })
    const eventId = await deleteBoard(server, board.id)
    await alone.untilClosed()
    expect(names(alone)).toEqual(['hello'])
    expect(alone.ended).toBe(true)
    expect(alone.surplusBytes).toBe(0)
    await others.id(eventId)
    const next = await makeBoard(server)
    expect((await others.id(next.eventId)).event).toBe('board.created')
    expect(others.ended).toBe(false)
  })

  it.each([
    ['project:ONE,board:TWO', ''],
    ['board:ONE,board:TWO', '&types=card_*'],
  ])('[E2] without an event does not end the other channels of %s%s', async (channels, types) => {
    const [one, two] = [await makeBoard(server), await makeBoard(server)]
    const list = channels.replace('ONE', one.id).replace('TWO', two.id)
    await using listener = await listen(server.url, `/sse?channels=${list}${types}`)
    await deleteBoard(server, one.id)
    const card = await makeCard(server, two.id)
    expect((await listener.id(card.eventId)).event).toBe('card_created')
    expect(listener.ended).toBe(false)
    await deleteBoard(server, two.id)
    await listener.untilClosed()
    expect(listener.surplusBytes).toBe(0)
  })

  it('[E2] a later board with the same id is not on the stream, live or replayed', async () => {
    const [one, two] = [await makeBoard(server), await makeBoard(server)]
    const path = `/sse?channels=board:${one.id},board:${two.id}`
    await using live = await listen(server.url, path)
    await deleteBoard(server, one.id)
    await live.frame('board_deleted')
    await makeBoard(server, one.id)
    await makeCard(server, one.id, { title: 'of the next board' })
    const last = await makeCard(server, two.id, { title: 'of the other board' })
    await live.id(last.eventId)
    await using replayed = await listen(server.url, `${path}&since=${two.eventId}`)
    await replayed.id(last.eventId)
    expect(names(live)).toEqual(['hello', 'state', 'state', 'board_deleted', 'card_created'])
    expect(names(replayed)).toEqual(['hello', 'board_deleted', 'card_created'])
    expect(replayed.frames.at(-1)?.data.data.card.title).toBe('of the other board')
  })

  it('[E2] [Y4] a simultaneous change of another board is not lost', async () => {
    const [one, two] = [await makeBoard(server), await makeBoard(server)]
    await using listener = await listen(server.url, `/sse?channels=board:${one.id};full,board:${two.id};full`)
    const body = '{"title":"kept"}'
    // In one write, so that both are committed in one turn of the event loop.
    const requests =
      `POST /api/v1/boards/${two.id}/cards HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}DELETE /api/v1/boards/${one.id} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    const socket = connect(server.port)
    socket.write(requests)
    await listener.frame('board_deleted')
    await listener.until('the card', () => {
      const state = listener.named('state').findLast(({ data }) => data.channel === `board:${two.id}`)
      return Object.keys(state?.data.data.cards).length === 1
    })
    socket.destroy()
  })
})

describe('a server that shuts down', () => {
  it('[E4] [E7] refuses connections, sends every stream the time to reconnect, and ends it', async () => {
    await using own = await startTestServer({ drainMs: 1_000, heartbeatMs: 60_000 })
    const { boardId } = await makeWork(own)
    const paths = [`/sse?boardId=${boardId}`, '/sse', '/sse?channels=global', '/events/a']
    const listeners = await Promise.all(paths.map((path) => listen(own.url, path)))
    const gzipped = await listen(own.url, '/sse', { headers: { 'Accept-Encoding': 'gzip' } })
    const old = await listen(own.url, '/sse', { httpVersion: '1.0' })
    const closed = own.close()
    const all = [...listeners, gzipped, old]
    const drains = await Promise.all(all.map((listener) => listener.frame('draining')))
    // The streams end one after the other within the drain; the port is released before the first.
    await expect(fetch(`${own.url}/sse`)).rejects.toThrow()
    const next = createServer()
    await new Promise<void>((resolve, reject) => {
      next.once('error', reject)
      next.listen(own.port, '127.0.0.1', resolve)
    })
    next.close()
    await Promise.all(all.map((listener) => listener.untilClosed()))
    await closed
    for (const [index, listener] of all.entries()) {
      const { id, data } = drains[index]!
      const { retryMs } = listener === listeners[2] ? data.data : data
      expect(id).toBeUndefined()
      expect(listener.retry).toBe(retryMs)
      expect(retryMs).toBeGreaterThanOrEqual(1_000)
      expect(retryMs).toBeLessThanOrEqual(3_000)
      expect(listener.frames.at(-1)?.event).toBe('draining')
      expect(listener.ended).toBe(true)
      expect(listener.surplusBytes).toBe(0)
    }
    expect(new Set(drains.map(({ text }) => text)).size).toBeGreaterThan(1)
  })

  it('[E4] sends what was committed before it ends the stream, and nothing is lost across the restart', async () => {
    await using own = await startTestServer()
    const board = await makeBoard(own)
    const path = `/sse?boardId=${board.id}&view=diff`
    await using before = await listen(own.url, path)
    const card = await makeCard(own, board.id)
    await own.restart()
    await before.untilClosed()
    expect(names(before)).toEqual(['hello', 'state', 'card_created', 'draining'])
    expect(before.lastEventId).toBe(card.eventId)
    await using after = await listen(own.url, path, { headers: { 'Last-Event-ID': card.eventId } })
    const next = await makeCard(own, board.id)
    await after.id(next.eventId)
    expect(names(after)).toEqual(['hello', 'card_created'])
  })

  it('[E4] [S6] lets a stream that is still opening open first: hello, state, draining, the end', async () => {
    await using own = await startTestServer({ drainMs: 1_000 })
    const board = await makeBoard(own)
    await using open = await listen(own.url, '/sse?channels=topic:x')
    const { opening } = Snapshots.prototype
    const [asked, held] = [gate(), gate()]
    vi.spyOn(Snapshots.prototype, 'opening').mockImplementationOnce(async function (this: Snapshots, ...given) {
      asked.resolve()
      await held.promise
      return opening.apply(this, given)
    })
    await using late = new Listener(own.url, `/sse?boardId=${board.id}`)
    await asked.promise
    const closed = own.close()
    await open.untilClosed()
    held.resolve()
    await late.untilClosed()
    expect(names(late)).toEqual(['hello', 'state', 'draining'])
    expect(late.ended).toBe(true)
    await closed
  })

  it('[E5] [CT2] asks streams on an open connection to reconnect, and refuses other requests with the reason', async () => {
    await using own = await startTestServer({ drainMs: 1_000 })
    await using stays = await listen(own.url, '/sse')
    const draining = stays.frame('draining')
    const { eventId: seen } = await makeBoard(own)
    await makeBoard(own)
    await using browser = new Listener(own.url, '/sse', { after: draining })
    await using script = new Listener(own.url, '/sse', { after: draining, headers: { Accept: '*/*' } })
    await using enveloped = new Listener(own.url, `/sse?channels=topic:x&since=${seen}`, { after: draining })
    await using nameless = new Listener(own.url, `/sse?channels=topic:x&names=0`, { after: draining })
    await Promise.all([browser, script, enveloped, nameless].map(connected))
    // Connections are accepted in order, so those two are accepted when these are answered; their number makes the drain long.
    const others = await Promise.all(Array.from({ length: 20 }, () => listen(own.url, '/sse')))
    const closed = own.close()
    const { data } = await browser.frame('draining')
    expect(browser.status).toBe(200)
    expect(browser.header('Content-Type')).toBe('text/event-stream; charset=utf-8')
    expect(names(browser)).toEqual(['draining'])
    expect(browser.retry).toBe(data.retryMs)
    expect((await enveloped.frame('draining')).data).toEqual({
      channel: '*',
      event: 'draining',
      data: { retryMs: expect.any(Number) },
      timestamp: expect.any(Number),
      id: seen,
    })
    await nameless.untilClosed()
    expect(nameless.body).toMatch(/^retry: \d+\ndata: \{"channel":"\*","event":"draining",.*\}\n\n$/)
    await script.until('the refusal', () => script.head)
    expect(script.status).toBe(503)
    expect(script.header('Content-Type')).toBe('application/problem+json')
    expect(Number(script.header('Retry-After'))).toBeGreaterThan(0)
    await closed
    await Promise.all([browser, ...others].map((listener) => listener.untilClosed()))
  })

  function connected({ socket }: Listener): Promise<void> {
    return new Promise((resolve) => (socket.connecting ? socket.once('connect', () => resolve()) : resolve()))
  }
})

describe('a stream of the maximum age', () => {
  it('[E6] [E7] ends without an event, and the client resumes', async () => {
    await using own = await startTestServer({ streamMaxAgeMs: 200 })
    const board = await makeBoard(own)
    const began = performance.now()
    await using listener = await listen(own.url, `/sse?boardId=${board.id}&view=diff`)
    await listener.untilClosed()
    expect(performance.now() - began).toBeGreaterThanOrEqual(155)
    expect(names(listener)).toEqual(['hello', 'state'])
    expect(listener.ended).toBe(true)
  })

  it('[E6] does not exist when no age is set', async () => {
    const { attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?channels=attempt:${attempt.id}`)
    const { eventId } = await appendLines(server, attempt.id, ['still there'])
    await listener.id(eventId)
  })
})

describe('a log that cannot be read', () => {
  it.each(['', 'gzip'])(
    '[E7] ends a stream that has begun (encoding: %j); it comes back and misses nothing',
    async (encoding) => {
      await using quiet = await startTestServer({ logLevel: 'silent' })
      const board = await makeBoard(quiet)
      const { eventId } = await makeCard(quiet, board.id)
      const path = `/sse?boardId=${board.id}&view=diff`
      const headers = { 'Accept-Encoding': encoding, 'Last-Event-ID': board.eventId }
      vi.spyOn(CatchUp.prototype, 'page').mockRejectedValueOnce(new Error('of this test'))
      await using listener = await listen(quiet.url, path, { headers })
      await listener.until('the end', () => listener.ended)
      expect(names(listener)).toEqual(['hello'])
      expect(listener.surplusBytes).toBe(0)
      await using next = await listen(quiet.url, path, { headers })
      expect((await next.id(eventId)).event).toBe('card_created')
    },
  )
})
