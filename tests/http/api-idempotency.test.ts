/** The same request twice. Rules T18 to T22. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBoard, makeCard, makeWork, positionOf } from '../support/board.ts'
import { ask, expectProblem, newestId, type Reply, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await makeBoard(server, 'demo')
})
afterAll(() => server[Symbol.asyncDispose]())

let keys = 0
const newKey = () => `key-${++keys}`

function post(path: string, json: unknown, key: string): Promise<Reply> {
  return ask(server, 'POST', path, { json, headers: { 'Idempotency-Key': key } })
}

const eventIdOf = ({ headers }: Reply) => headers.get('Event-Id')
const isReplayed = ({ headers }: Reply) => headers.get('Idempotency-Replayed') === 'true'

describe('a POST with an Idempotency-Key', () => {
  it('[T18] when repeated, gets the first answer, byte by byte, with its Event-Id', async () => {
    const key = newKey()
    const first = await post('/boards/demo/cards', { title: 'Once' }, key)
    expect([first.status, isReplayed(first)]).toEqual([201, false])
    // Later changes do not affect the answer.
    await server.call('PATCH', `/cards/${first.body.id}`, { title: 'Changed' })
    const again = await withoutEvents(server, () => post('/boards/demo/cards', { title: 'Once' }, key))
    expect([again.status, again.text, isReplayed(again)]).toEqual([201, first.text, true])
    expect(eventIdOf(again)).toBe(eventIdOf(first))
    expect(again.headers.get('Content-Type')).toBe('application/json')
    expect(again.headers.get('X-Request-Id')).not.toBe(first.headers.get('X-Request-Id'))
  })

  it('[T18] gets the same answer whatever its status: 200, 201, 202', async () => {
    const { attempt, card } = await makeWork(server)
    for (const [path, json, status] of [
      ['/agents', { id: 'twice' }, 201],
      [`/cards/${card.id}/move`, { columnKey: 'review' }, 200],
      [`/attempts/${attempt.id}/logs`, { message: 'line' }, 202],
      [`/attempts/${attempt.id}/stop`, {}, 202],
    ] as const) {
      const key = newKey()
      const [first, again] = [await post(path, json, key), await post(path, json, key)]
      expect([first.status, again.status, again.text], path).toEqual([status, status, first.text])
      expect([isReplayed(first), isReplayed(again), eventIdOf(again)], path).toEqual([false, true, eventIdOf(first)])
    }
  })

  it('[T18] shows to listeners once', async () => {
    await using listener = await listen(server.url, '/sse?boardId=demo&view=diff')
    const key = newKey()
    for (let i = 0; i < 3; i++) await post('/boards/demo/cards', { title: 'Shown once' }, key)
    const last = await makeCard(server, 'demo', { title: 'Last' })
    await listener.id(last.eventId)
    expect(listener.named('card_created').map(({ data }) => data.card.title)).toEqual(['Shown once', 'Last'])
  })

  it('[T18] is remembered across a restart', async () => {
    await using own = await startTestServer()
    const ask2 = () => ask(own, 'POST', '/boards', { json: { name: 'x' }, headers: { 'Idempotency-Key': 'k' } })
    const first = await ask2()
    await own.restart()
    const again = await ask2()
    expect([again.text, eventIdOf(again), isReplayed(again)]).toEqual([first.text, eventIdOf(first), true])
  })

  it('[T19] and another body is 422 idempotency_mismatch', async () => {
    const key = newKey()
    const first = await post('/boards/demo/cards', { title: 'One' }, key)
    const other = await withoutEvents(server, () => post('/boards/demo/cards', { title: 'Two' }, key))
    expectProblem(other, 422, 'idempotency_mismatch')
    expect(isReplayed(other)).toBe(false)
    expect((await post('/boards/demo/cards', { title: 'One' }, key)).text).toBe(first.text)
  })

  it('[T20] creates one resource for any number of concurrent duplicates', async () => {
    const key = newKey()
    const before = positionOf(await newestId(server))
    const replies = await Promise.all(Array.from({ length: 20 }, () => post('/boards/demo/cards', { title: 'T' }, key)))
    expect(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(new Set(replies.map(eventIdOf)).size).toBe(1)
    expect(replies.filter((reply) => !isReplayed(reply)).length).toBe(1)
    expect(positionOf(await newestId(server))).toBe(before + 1)
  })

  it('[T20] refuses a concurrent duplicate with another body', async () => {
    const key = newKey()
    const titles = ['A', 'B', 'A', 'B']
    const replies = await Promise.all(titles.map((title) => post('/boards/demo/cards', { title }, key)))
    const made = replies.filter(({ status }) => status === 201)
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1)
    expect(made.length).toBe(2)
    for (const reply of replies) if (reply.status !== 201) expectProblem(reply, 422, 'idempotency_mismatch')
  })

  it('[T21] does not share keys with other routes', async () => {
    const key = newKey()
    await makeBoard(server, 'other')
    const one = await post('/boards/demo/cards', { title: 'x' }, key)
    const two = await post('/boards/other/cards', { title: 'x' }, key)
    const three = await post('/boards', { name: 'x' }, key)
    expect([one, two, three].map(({ status }) => status)).toEqual([201, 201, 201])
    expect([one, two, three].some(isReplayed)).toBe(false)
    expect(new Set([one, two, three].map(({ body }) => body.id)).size).toBe(3)
  })

  // Only committed answers are remembered, in the same transaction: a refused request may succeed the next time, and the
  // corrected body must be free to use the key.
  it('[T22] that was refused is not remembered', async () => {
    const key = newKey()
    const { id: cardId } = await makeCard(server, 'demo')
    const waits = await makeCard(server, 'demo', { dependsOn: [cardId] })
    const start = { agent: 'a', status: 'running' }
    expectProblem(await post(`/cards/${waits.id}/attempts`, start, key), 409, 'blocked_by_dependencies')
    await server.call('POST', `/cards/${cardId}/move`, { columnKey: 'done' })
    const second = await post(`/cards/${waits.id}/attempts`, start, key)
    expect([second.status, isReplayed(second)]).toEqual([201, false])

    const other = newKey()
    expectProblem(await post('/boards/demo/cards', { title: '' }, other), 422, 'validation_failed', 'title')
    expect((await post('/boards/demo/cards', { title: 'Right' }, other)).status).toBe(201)
  })

  it('[T18] has a key of 1 to 255 characters', async () => {
    for (const key of ['', 'x'.repeat(256)]) {
      expectProblem(await withoutEvents(server, () => post('/boards', { name: 'x' }, key)), 400, 'bad_request')
    }
    for (const key of ['x', 'x'.repeat(255), 'ü "quoted"; DROP TABLE']) {
      expect((await post('/boards', { name: 'x' }, key)).status, key).toBe(201)
    }
  })
})

describe('other methods', () => {
  it('[T18] ignore a key', async () => {
    const key = newKey()
    const { id } = await makeCard(server, 'demo')
    for (const title of ['A', 'B']) {
      const reply = await ask(server, 'PATCH', `/cards/${id}`, { json: { title }, headers: { 'Idempotency-Key': key } })
      expect([reply.status, reply.body.title, isReplayed(reply)]).toEqual([200, title, false])
    }
  })
})
