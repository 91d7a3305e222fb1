/** `boardcast/testing` in a test: servers, the API, streams, and matchers that pass. Rules CMD36 and CMD37 of docs/testing.md. */
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ApiError, type EventStream, openStream, startServer, type TestServer } from '../../src/testing/index.ts'
import { startStub } from '../cli/support/stub-server.ts'
import { gate } from '../support/gate.ts'
import { failing } from './support/failing.ts'
import { startTamperingProxy } from './support/tampering-proxy.ts'

let server: TestServer
let boards = 0
let board: string

beforeAll(async () => {
  server = await startServer()
})
beforeEach(async () => {
  boards += 1
  board = `b${boards}`
  await server.api.post('/boards', { id: board, name: 'Board' })
})

const addCard = (title: string, fields: object = {}) => server.api.post(`/boards/${board}/cards`, { title, ...fields })
const titled = (title: string) => ({ type: 'card_created', data: { card: { title } } }) as const

describe('a server', () => {
  test('[CMD36b] it is on loopback, with a database of its own, and knows no other settings', async () => {
    process.env.BOARDCAST_JWT_SECRET = 'a secret that would switch rights on'
    const other = await startServer()
    delete process.env.BOARDCAST_JWT_SECRET
    expect(new URL(other.url)).toMatchObject({ protocol: 'http:', hostname: '127.0.0.1' })
    expect(other.url).not.toBe(server.url)
    expect(await other.api.get('/boards')).toEqual({ boards: [] })
  })

  test('[CMD36b] its settings are those of `env`, and it says why it does not start', async () => {
    const token = 'a-password-of-at-least-16-characters'
    const { url, api } = await startServer({ env: { BOARDCAST_TOKEN: token } })
    await api.post('/boards', { id: 'demo', name: 'Demo' })
    await expect(openStream(url)).rejects.toThrow('GET /sse was refused: 401 unauthenticated')
    await expect(openStream(url, { token })).resolves.toBeDefined()
    await expect(startServer({ env: { BOARDCAST_HEARTBEAT_MS: 'often' } })).rejects.toThrow('BOARDCAST_HEARTBEAT_MS')
  })

  test('[CMD36b] a restart keeps the address and the database, and streams go on', async () => {
    const { url, api, restart } = await startServer()
    await api.post('/boards', { id: 'demo', name: 'Demo' })
    const stream = await openStream(url, { board: 'demo' })
    await restart()
    const card = await api.post('/boards/demo/cards', { title: 'Hello' })
    await expect(stream).toReceiveEvent({ type: 'card_created', data: { card: { id: card.id } } }, { within: 30_000 })
    await expect(stream).toBeGapFree()
  })

  test('[CMD36b] a server that was stopped is not there any more', async () => {
    const { api, stop } = await startServer()
    await stop()
    await stop()
    await expect(api.get('/boards')).rejects.toThrow('no server answers')
  })
})

describe('the API', () => {
  test('[CMD36c] it answers the entity, whatever the method and with or without the prefix', async () => {
    const card = await addCard('Hello')
    expect(await server.api.get(`/api/v1/cards/${card.id}`)).toMatchObject({ id: card.id })
    expect(await server.api.patch(`/cards/${card.id}`, { title: 'Bye' })).toMatchObject({ title: 'Bye' })
    expect(await server.api.delete(`/cards/${card.id}`)).toBeUndefined()
  })

  test('[CMD36c] a refusal has status, code and sentence', async () => {
    const error = await server.api.get('/cards/crd_none').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ status: 404, code: 'card_not_found' })
    expect((error as ApiError).message).toBe(
      'GET /cards/crd_none was refused: 404 card_not_found: Card not found; There is no card crd_none',
    )
    await expect(server.api.post('/boards', { id: 'X' })).rejects.toThrow(/422 validation_failed: .*; name: /)
  })

  test('[CMD36c] a request is done once: retries have its key, and equal keys the first answer', async () => {
    const { testApi } = await import('../../src/testing/api.ts')
    await using stub = await startStub([{ status: 503 }, { cut: true, status: 0 }, { status: 201, body: { id: 'c' } }])
    expect(await testApi(stub.url, undefined).post('/boards/demo/cards', { title: 'x' })).toEqual({ id: 'c' })
    const keys = stub.asked.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    const first = await server.api.post(`/boards/${board}/cards`, { title: 'x' }, { idempotencyKey: 'k' })
    expect(await server.api.post(`/boards/${board}/cards`, { title: 'x' }, { idempotencyKey: 'k' })).toEqual(first)
  })
})

describe.each(['sse', 'ws'] as const)('a stream over %s', (transport) => {
  test('[CMD36d] it sees what comes after it was opened, and nothing else', async () => {
    await addCard('before')
    const stream = await openStream(server.url, { board, transport })
    const { cursor } = stream
    const card = await addCard('after')
    await expect(stream).toReceiveEvent({ type: 'card_created' })
    expect(stream.events).toMatchObject([
      { channel: `board:${board}`, event: 'card_created', data: { card: { id: card.id } } },
    ])
    expect([cursor, stream.cursor].map((id) => Number(id.split('-')[1]))).toEqual([
      expect.any(Number),
      Number(cursor.split('-')[1]) + 1,
    ])
    await expect(stream).toBeGapFree()
    await expect(stream).toMatchContract()
  })

  test('[CMD36d] it may begin earlier, and carry several channels or some types only', async () => {
    const { cursor } = await openStream(server.url, { transport })
    const card = await addCard('early')
    const channels = [`board:${board}`, `issue:${card.id}`]
    const stream = await openStream(server.url, {
      channels,
      types: ['card_*', 'issue_updated'],
      since: cursor,
      transport,
    })
    await server.api.patch(`/cards/${card.id}`, { title: 'late' })
    await expect(stream).toReceiveEvents(
      [{ type: 'card_created' }, { type: 'card_updated' }, { type: 'issue_updated', channel: `issue:${card.id}` }],
      { order: 'any' },
    )
    expect(new Set(stream.events.map(({ event }) => event))).toEqual(
      new Set(['card_created', 'card_updated', 'issue_updated']),
    )
  })
})

test('[CMD36d] without channels it listens to global, where events have their domain names', async () => {
  const stream = await openStream(server.url)
  await addCard('Hello')
  await expect(stream).toReceiveEvent({ type: 'card.created', channel: 'global', data: { boardId: board } })
})

test('[CMD36d] a stream that cannot be opened says why', async () => {
  await expect(openStream(server.url, { board: 'nowhere' })).rejects.toThrow(/was refused: 404 board_not_found/)
  await expect(openStream(server.url, { board, channels: ['global'] })).rejects.toThrow('not both')
  await expect(openStream('127.0.0.1')).rejects.toThrow('is not a server address')
})

test('[CMD36e] after a mark, matchers and next look only at what comes then', async () => {
  const release = gate()
  await using proxy = await startTamperingProxy(server.url, (event) => [event], { after: 1, until: release.promise })
  const stream = await openStream(proxy.url, { board })
  await addCard('first')
  // Its event has not come yet.
  stream.mark()
  await addCard('second')
  release.resolve()
  expect((await stream.next({ type: 'card_created' })).data).toMatchObject({ card: { title: 'second' } })
  await expect(stream).toReceiveEvents([{ type: 'card_created' }], { order: 'exact', within: 100 })
  await expect(stream).not.toReceiveEvent(titled('first'))
  stream.mark()
  await expect(stream).not.toReceiveEvent(titled('second'), { within: 0 })
  await stream.close()
})

test('[CMD36e] next goes on behind the event that it returned', async () => {
  const stream = await openStream(server.url, { board })
  for (const title of ['a', 'b', 'c']) await addCard(title)
  expect((await stream.next()).data).toMatchObject({ card: { title: 'a' } })
  expect((await stream.next(titled('c'))).data).toMatchObject({ card: { title: 'c' } })
  expect(await failing(stream.next(titled('b'), { within: 50 }))).toContain('NOT MET')
  const late = stream.next({ type: 'card_created' }, { within: 30_000 })
  await addCard('d')
  expect((await late).data).toMatchObject({ card: { title: 'd' } })
})

test('[CMD36e] a closed stream keeps what came, and nothing is waited for', async () => {
  const stream = await openStream(server.url, { board })
  await addCard('Hello')
  await stream.next()
  await stream.close()
  await expect(stream).toReceiveEvent({ type: 'card_created' })
  await expect(stream).not.toReceiveEvent({ type: 'card_deleted' }, { within: 600_000 })
  expect(await failing(expect(stream).toReceiveEvent({ type: 'card_deleted' }, { within: 600_000 }))).toContain(
    'NOT MET',
  )
})

describe('what is received', () => {
  let stream: EventStream
  beforeEach(async () => {
    stream = await openStream(server.url, { board })
  })

  test('[CMD37a] it may have come before, or come in time', async () => {
    await addCard('early')
    await stream.next()
    await expect(stream).toReceiveEvent(titled('early'), { within: 0 })
    const late = expect(stream).toReceiveEvent(titled('late'), { within: 30_000 })
    await addCard('late')
    await late
  })

  test('[CMD37a] orders: subset, exact and any', async () => {
    for (const title of ['a', 'b', 'c']) await addCard(title)
    await stream.next(titled('c'))
    const all = ['a', 'b', 'c'].map(titled)
    await expect(stream).toReceiveEvents([titled('a'), titled('c')])
    await expect(stream).not.toReceiveEvents([titled('c'), titled('a')], { within: 0 })
    await expect(stream).toReceiveEvents([titled('c'), { type: 'card_created' }, titled('a')], { order: 'any' })
    await expect(stream).toReceiveEvents(all, { order: 'exact', within: 50 })
    await expect(stream).not.toReceiveEvents([titled('a'), titled('c')], { order: 'exact', within: 0 })
  })

  test('[CMD37b] a count is watched until the time is up', async () => {
    await addCard('a')
    await addCard('a')
    await expect(stream).toReceiveEvent({ type: 'card_created', count: 2 }, { within: 50 })
    await expect(stream).toReceiveEvent({ type: 'card_*', count: '1..2' }, { within: 50 })
    await expect(stream).not.toReceiveEvent({ type: 'card_created', count: '3+' }, { within: 0 })
    const two = failing(expect(stream).toReceiveEvent({ type: 'card_created', count: 2 }, { within: 600_000 }))
    await addCard('a')
    expect(await two).toContain('card_created  exactly 2; 3 of that type came')
  })

  test('[CMD37b] data matches as in toMatchObject', async () => {
    const card = await addCard('Hello', { labels: ['bug', 'ui'] })
    const { data } = await stream.next()
    const matching = [
      { card: { id: card.id, labels: ['bug', 'ui'] } },
      { index: 0, card: { title: expect.stringContaining('ell'), attempt: null } },
      { card: expect.objectContaining({ title: 'Hello' }) },
      { card: { labels: expect.arrayContaining(['ui']), revision: expect.any(Number) } },
      {},
    ]
    const others = [
      { card: { labels: ['bug'] } },
      { card: { labels: ['ui', 'bug'] } },
      { card: { title: undefined } },
      { card: { nothing: null } },
      { card: expect.not.objectContaining({ title: 'Hello' }) },
    ]
    for (const pattern of matching) {
      expect(data).toMatchObject(pattern)
      await expect(stream).toReceiveEvent({ type: 'card_created', data: pattern }, { within: 0 })
    }
    for (const pattern of others) {
      expect(data).not.toMatchObject(pattern)
      await expect(stream).not.toReceiveEvent({ type: 'card_created', data: pattern }, { within: 0 })
    }
  })

  test('[CMD37b] what is not a pattern is refused', async () => {
    await expect(expect(stream).toReceiveEvent({ type: '' })).rejects.toThrow('a pattern needs the name of an event')
    await expect(expect(stream).toReceiveEvent({ type: 'a', count: 'x' as '1+' })).rejects.toThrow('count: "x" is not')
    await expect(expect({}).toReceiveEvent({ type: 'a' })).rejects.toThrow('takes a stream from openStream()')
  })

  test('[CMD37c] what must not come is waited for all the time', async () => {
    const before = performance.now()
    await expect(stream).not.toReceiveEvent({ type: 'card_created' })
    expect(performance.now() - before).toBeGreaterThanOrEqual(249)
    const absent = failing(expect(stream).not.toReceiveEvent({ type: 'card_created' }, { within: 1_000 }))
    await addCard('unwanted')
    expect(await absent).toContain('unwanted')
  })

  test('[CMD37c] what events that were lost might have been is not guessed', async () => {
    const { url, api, stop } = await startServer()
    await api.post('/boards', { id: 'demo', name: 'Demo' })
    const lost = await openStream(url, { board: 'demo' })
    await stop()
    const none = expect(lost).not.toReceiveEvent({ type: 'card_deleted' }, { within: 3_000 })
    expect(await failing(none)).toContain('STOPPED, http://SERVER cannot be reached: MET')
    const pruned = await openStream(url.replace(/\d+$/, new URL(server.url).port), { since: '00000000-1' })
    expect(await failing(expect(pruned).not.toReceiveEvent({ type: 'card_deleted' }))).toContain('STOPPED, gap: events')
  })

  test('assertions are counted once', async () => {
    expect.assertions(1)
    await addCard('a')
    await expect(stream).toReceiveEvent({ type: 'card_created', data: { card: { title: expect.any(String) } } })
  })
})

describe('what a test has opened', () => {
  const opened: string[] = []

  test('[CMD36b] ends with the test', async () => {
    const { url } = await startServer()
    opened.push(url)
    await expect(fetch(url)).resolves.toBeDefined()
  })

  afterAll(async () => {
    for (const url of opened) await expect(fetch(url)).rejects.toThrow()
    expect(existsSync(opened[0] ?? '')).toBe(false)
  })
})
