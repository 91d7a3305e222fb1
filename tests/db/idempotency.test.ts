/**
 * Answers that are given again.
 *
 *   D50  The same key and body gives the first answer again: status, body and `Event-Id`, marked as replayed, and nothing
 *        is done twice.
 *   D51  Another body under the same key is 422 `idempotency_mismatch`.
 *   D52  Requests with one key at the same time: one is carried out, the others get its answer.
 *   D53  Keys belong to a route; a refusal is not kept, and may be tried again.
 *   D54  An answer is kept for 24 hours, and across openings of the file.
 */
import { afterEach, expect, test, vi } from 'vitest'
import { type Answer, type Claim, findAnswer, forgetOldAnswers, saveAnswer } from '../../src/domain/idempotency.ts'
import { startTestServer } from '../support/server.ts'
import { TestStore } from '../support/test-store.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const NOON = Date.parse('2030-01-01T12:00:00.000Z')
const REPLAYED = 'Idempotency-Replayed'
const claim: Claim = { subject: '', route: '/api/v1/boards', key: 'k', bodyHash: 'h' }
const answer: Answer = { status: 201, text: '{"id":"a"}', eventId: 'e-1' }

afterEach(() => void vi.useRealTimers())

test('[D50] [D51] [D53] a repeated POST gets the same answer, one with another body or route does not', async () => {
  await using server = await startTestServer()
  await server.post('/boards', { id: 'demo', name: 'Demo' })
  const key = { 'Idempotency-Key': 'k1' }
  const first = await server.call('POST', '/boards/demo/cards', { title: 'a' }, key)
  const again = await server.call('POST', '/boards/demo/cards', { title: 'a' }, key)
  expect(first).toMatchObject({ status: 201, body: { title: 'a' } })
  expect([again.status, again.body, again.eventId]).toEqual([201, first.body, first.eventId])
  expect([first.headers.get(REPLAYED), again.headers.get(REPLAYED)]).toEqual([null, 'true'])

  expect(await server.call('POST', '/boards/demo/cards', { title: 'b' }, key)).toMatchObject({
    status: 422,
    body: { code: 'idempotency_mismatch' },
  })
  const elsewhere = await server.call('POST', '/boards/demo/columns', { title: 'a' }, key)
  expect([elsewhere.status, elsewhere.headers.get(REPLAYED)]).toEqual([201, null])
  const { state } = await server.get<{ state: { cards: object } }>('/boards/demo')
  expect(Object.keys(state.cards)).toHaveLength(1)

  await server.restart()
  const later = await server.call('POST', '/boards/demo/cards', { title: 'a' }, key)
  expect([later.status, later.body, later.eventId, later.headers.get(REPLAYED)]).toEqual([
    201,
    first.body,
    first.eventId,
    'true',
  ])
})

test('[D52] one of twenty simultaneous requests is carried out', async () => {
  await using server = await startTestServer()
  await server.post('/boards', { id: 'demo', name: 'Demo' })
  const asked = Array.from({ length: 20 }, () =>
    server.call('POST', '/boards/demo/cards', { title: 'a' }, { 'Idempotency-Key': 'k' }),
  )
  const answers = await Promise.all(asked)
  expect(new Set(answers.map(({ status, body, eventId }) => JSON.stringify([status, body, eventId]))).size).toBe(1)
  expect(answers.filter(({ headers }) => headers.get(REPLAYED) === null)).toHaveLength(1)
  const { cursor } = await server.get<{ cursor: string }>('/boards/demo')
  expect(cursor).toBe(answers[0]?.eventId)
})

test('[D53] a request that was refused can be sent again with its key', async () => {
  await using server = await startTestServer()
  const key = { 'Idempotency-Key': 'k' }
  expect((await server.call('POST', '/boards/demo/cards', { title: 'a' }, key)).status).toBe(404)
  await server.post('/boards', { id: 'demo', name: 'Demo' })
  expect(await server.call('POST', '/boards/demo/cards', { title: 'a' }, key)).toMatchObject({ status: 201 })
})

test('[D54] an answer is kept for 24 hours, and deleted afterwards', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON })
  using db = await TestStore.open()
  const find = () => db.store.transact((tx) => findAnswer(tx, claim))
  expect(await find()).toBeUndefined()
  await db.store.transact((tx) => saveAnswer(tx, claim, answer))
  vi.setSystemTime(NOON + DAY_MS - 1)
  expect(await find()).toEqual(answer)
  await db.store.transact((tx) => forgetOldAnswers(tx.sql, Date.parse(tx.now)))
  await db.reopen()
  expect(await find()).toEqual(answer)

  vi.setSystemTime(NOON + DAY_MS)
  expect(await find()).toBeUndefined()
  const second = { ...answer, text: '{"id":"b"}' }
  await db.store.transact((tx) => saveAnswer(tx, claim, second))
  expect(await find()).toEqual(second)
  vi.setSystemTime(NOON + 3 * DAY_MS)
  await db.store.transact((tx) => forgetOldAnswers(tx.sql, Date.parse(tx.now)))
  expect(await db.sql.all('SELECT * FROM idempotency_keys')).toEqual([])
})
