/**
 * Requests through the hub.
 *
 * CQ1  A POST is carried out once, however often its answer is lost: it is retried with its key.
 * CQ2  Answers after which nothing was done (503, 429) are retried, not before Retry-After; refusals are not.
 * CQ3  `auth` is called again for every attempt; `signal` ends the waiting.
 * CQ4  A PATCH that conflicts after an attempt whose answer was lost may have been carried out: `unreachable`.
 */
import { describe, expect, test } from 'vitest'
import { createRequester } from '../../web/client/requests/request.ts'
import { makeBoard } from '../support/board.ts'
import { startTestServer } from '../support/server.ts'
import { FakeClock, settled } from './support/fake-clock.ts'

interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string | null
}

/** Each entry is what the next fetch does. */
function setUp(...answers: Array<() => Response | Promise<Response>>) {
  const clock = new FakeClock()
  const sent: Sent[] = []
  let asked = 0
  const fetch = (async (
    url: string,
    init: { method: string; headers: Record<string, string>; body: string | null },
  ) => {
    sent.push({ url, ...init })
    const answer = answers[Math.min(sent.length, answers.length) - 1]
    if (!answer) throw new Error('no answer')
    return answer()
  }) as unknown as typeof globalThis.fetch
  const request = createRequester({ baseUrl: 'http://hub', fetch, clock, auth: () => `t${++asked}` })
  return { clock, sent, request }
}

const ok = () => new Response('{"id":"x"}', { status: 201, headers: { 'Event-Id': '5d3c9b1e-7' } })
const lost = () => Promise.reject(new TypeError('fetch failed'))
const busy =
  (status: number, headers = {}) =>
  () =>
    new Response('{}', { status, headers })
const refused = () =>
  new Response(JSON.stringify({ code: 'stale_revision', title: 'Stale', detail: 'It is 3 now.', status: 409 }), {
    status: 409,
  })

describe('retries', () => {
  test('[CQ1] [CQ3] retries send the same key and body, with new credentials', async () => {
    const { clock, sent, request } = setUp(lost, busy(503), ok)
    const reply = request('POST', '/boards', { name: 'x' })
    await clock.pass(60_000)
    expect(await reply).toEqual({ status: 201, body: { id: 'x' }, eventId: '5d3c9b1e-7' })
    expect(sent).toHaveLength(3)
    expect(new Set(sent.map(({ headers }) => headers['Idempotency-Key'])).size).toBe(1)
    expect(new Set(sent.map(({ body }) => body)).size).toBe(1)
    expect(sent.map(({ headers }) => headers.Authorization)).toEqual(['Bearer t1', 'Bearer t2', 'Bearer t3'])
    expect(sent[0]).toMatchObject({ url: 'http://hub/api/v1/boards', method: 'POST' })
  })

  test('[CQ1] every call has its own key, or the given one', async () => {
    const { sent, request } = setUp(ok)
    await request('POST', '/boards', {})
    await request('POST', '/boards', {})
    await request('POST', '/boards', {}, { idempotencyKey: 'mine' })
    await request('GET', '/boards')
    const keys = sent.map(({ headers }) => headers['Idempotency-Key'])
    expect(new Set(keys.slice(0, 2)).size).toBe(2)
    expect(keys.slice(2)).toEqual(['mine', undefined])
  })

  test('[CQ1] with a server whose answers are lost, it is carried out once', async () => {
    await using server = await startTestServer()
    const board = await makeBoard(server)
    let tries = 0
    const clock = new FakeClock()
    const again = createRequester({
      baseUrl: server.url,
      auth: undefined,
      clock,
      fetch: async (...asked) => {
        const answer = await fetch(...asked)
        tries += 1
        if (tries < 3) throw new TypeError('the connection broke')
        return answer
      },
    })
    const reply = again('POST', `/boards/${board.id}/cards`, { title: 'once' })
    for (let tick = 0; tick < 200 && tries < 3; tick++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      await clock.pass(15_000)
    }
    expect((await reply).status).toBe(201)
    const { state } = await server.get<{ state: { cards: object } }>(`/boards/${board.id}`)
    expect(Object.keys(state.cards)).toHaveLength(1)
  })

  test('[CQ2] not before Retry-After', async () => {
    const { clock, sent, request } = setUp(busy(503, { 'Retry-After': '20' }), ok)
    const reply = request('DELETE', '/cards/x')
    await clock.pass(19_999)
    expect(sent).toHaveLength(1)
    await clock.pass(1)
    expect((await reply).status).toBe(201)
  })

  test('[CQ2] gives up after five retries, with the reason', async () => {
    const { clock, sent, request } = setUp(lost)
    const reply = request('GET', '/boards').catch((error: unknown) => error)
    await clock.pass(120_000)
    expect(await reply).toMatchObject({ name: 'BoardcastError', code: 'unreachable' })
    expect(sent).toHaveLength(6)
  })

  test('[CQ2] a refusal is reported at once, with the reason', async () => {
    const { sent, request } = setUp(refused)
    await expect(request('PATCH', '/cards/x', { title: 'y' })).rejects.toMatchObject({
      code: 'refused',
      status: 409,
      message: 'It is 3 now.',
      problem: { code: 'stale_revision' },
    })
    expect(sent).toHaveLength(1)
  })

  test('[CQ1] a 404 after a DELETE whose answer was lost means that it was deleted', async () => {
    const { clock, request } = setUp(lost, busy(404))
    const reply = request('DELETE', '/cards/x')
    await clock.pass(60_000)
    expect((await reply).status).toBe(204)
    const first = setUp(busy(404))
    await expect(first.request('DELETE', '/cards/x')).rejects.toMatchObject({ status: 404 })
  })

  test.each([502, 504])('[CQ1] after %s from a proxy it is unknown whether it was deleted', async (status) => {
    const { clock, request } = setUp(busy(status), busy(404))
    const reply = request('DELETE', '/cards/x')
    await clock.pass(60_000)
    expect((await reply).status).toBe(204)
  })

  test('[CQ1] after 503 and 429 nothing was done: a DELETE that gets a 404 is refused', async () => {
    const { clock, request } = setUp(busy(503), busy(429), busy(404))
    const reply = request('DELETE', '/cards/x').catch((error: unknown) => error)
    await clock.pass(60_000)
    expect(await reply).toMatchObject({ code: 'refused', status: 404 })
  })

  test.each([
    ['lost', lost],
    ['502', busy(502)],
  ])('[CQ4] a PATCH that conflicts after a try whose answer was %s is not known to be refused', async (_, first) => {
    const { clock, sent, request } = setUp(first, refused)
    const reply = request('PATCH', '/cards/x', { title: 'y', ifRevision: 2 }).catch((error: unknown) => error)
    await clock.pass(60_000)
    expect(await reply).toMatchObject({ code: 'unreachable', status: undefined, cause: { status: 409 } })
    expect(sent).toHaveLength(2)
  })

  test('[CQ4] a PATCH that conflicts after a 429 is refused', async () => {
    const { clock, request } = setUp(busy(503), refused)
    const reply = request('PATCH', '/cards/x', { title: 'y', ifRevision: 2 }).catch((error: unknown) => error)
    await clock.pass(60_000)
    expect(await reply).toMatchObject({ code: 'refused', status: 409 })
  })

  test('[CQ3] an error of `auth` is reported at once', async () => {
    const cause = new Error('login service is away')
    const auth = () => Promise.reject(cause)
    const request = createRequester({ baseUrl: 'http://hub', fetch, clock: new FakeClock(), auth })
    await expect(request('GET', '/boards')).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('login service is away'),
      cause,
    })
  })

  test.each(['to\nken', '日本'])(
    '[CA11] a token that no header can carry, such as %j, is reported at once, without it',
    async (token) => {
      const request = createRequester({ baseUrl: 'http://hub', fetch, clock: new FakeClock(), auth: () => token })
      await expect(request('GET', '/boards')).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.stringMatching(/^GET \/boards: no credentials, auth failed: Error: the token holds characters/),
      })
    },
  )

  test('[CQ2] an answer that never comes counts as lost', async () => {
    const { clock, sent, request } = setUp(() => new Promise(() => {}), ok)
    const never = request('GET', '/boards')
    await clock.pass(29_999)
    expect(sent).toHaveLength(1)
    await clock.pass(20_000)
    // This fetch ignores its signal, where a real one rejects. The test is that it got a signal.
    expect((sent[0] as unknown as { signal: AbortSignal }).signal.aborted).toBe(true)
    void never
  })

  test('[CQ3] a signal ends the request', async () => {
    const { clock, sent, request } = setUp(busy(503, { 'Retry-After': '20' }))
    const controller = new AbortController()
    const reply = request('GET', '/boards', undefined, { signal: controller.signal }).catch((error: unknown) => error)
    await settled()
    controller.abort(new Error('not needed any more'))
    await clock.pass(60_000)
    expect(await reply).toMatchObject({ message: 'not needed any more' })
    expect(sent).toHaveLength(1)
  })
})
