/**
 * Requests that something other than the API answers.
 *
 * CT7  A redirect that would turn a mutation into a GET is one error with both addresses; others are followed.
 * CT9  An answer that is not JSON is one error that describes it, and is not retried.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { BoardcastError } from '../../web/client/base/errors.ts'
import { createClient, type Hub } from '../../web/client/hub/client.ts'
import { makeBoard } from '../support/board.ts'
import { startTestServer } from '../support/server.ts'
import { until } from './support/until.ts'

interface Proxy {
  readonly url: string
  /** `METHOD path` of every request. */
  readonly asked: string[]
}

async function answering(answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void): Promise<Proxy> {
  const asked: string[] = []
  const server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    incoming.resume()
    answer(incoming, outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, asked }
}

function redirecting(status: number, target: string): Promise<Proxy> {
  return answering(({ url }, outgoing) => outgoing.writeHead(status, { Location: `${target}${url}` }).end())
}

function hubOf(baseUrl: string): Hub {
  const hub = createClient({ baseUrl, share: 'none' })
  onTestFinished(() => hub.close())
  return hub
}

const failureOf = (reply: Promise<unknown>): Promise<BoardcastError> =>
  reply.then(
    (value) => {
      throw new Error(`it succeeded: ${JSON.stringify(value)}`)
    },
    (error) => error,
  )

describe('redirects', () => {
  test.each([301, 302, 303])(
    '[CT7] %i of a POST is an error with both addresses, and nothing is sent there',
    async (status) => {
      await using server = await startTestServer()
      const proxy = await redirecting(status, server.url)
      const error = await failureOf(hubOf(proxy.url).request('POST', '/boards', { name: 'x' }))
      expect(error).toMatchObject({ code: 'unexpected', status })
      expect(error.message).toContain(`POST ${proxy.url}/api/v1/boards was redirected to ${server.url}/api/v1/boards`)
      expect(proxy.asked).toEqual(['POST /api/v1/boards'])
      expect((await server.get<{ boards: unknown[] }>('/boards')).boards).toEqual([])
    },
  )

  test('[CT7] 303 would turn every mutation into a GET', async () => {
    const proxy = await redirecting(303, 'http://127.0.0.1:9')
    for (const method of ['PATCH', 'PUT', 'DELETE']) {
      const body = method === 'DELETE' ? undefined : {}
      expect(await failureOf(hubOf(proxy.url).request(method, '/cards/x', body))).toMatchObject({ code: 'unexpected' })
    }
    expect(proxy.asked).toHaveLength(3)
  })

  test('[CT7] a relative address is reported as a whole, without its query', async () => {
    const proxy = await answering((_, outgoing) => outgoing.writeHead(302, { Location: '/login?next=secret' }).end())
    const { message } = await failureOf(hubOf(proxy.url).request('POST', '/boards', {}))
    expect(message).toContain(`redirected to ${proxy.url}/login,`)
    expect(message).not.toContain('secret')
  })

  test.each([307, 308])('[CT7] %i keeps the method, and is followed', async (status) => {
    await using server = await startTestServer()
    const proxy = await redirecting(status, server.url)
    const hub = hubOf(proxy.url)
    const made = await hub.request<{ id: string }>('POST', '/boards', { name: 'x' })
    expect(made.status).toBe(201)
    expect(made.eventId).toMatch(/-\d+$/)
    expect((await hub.request('DELETE', `/boards/${made.body.id}`)).status).toBe(204)
    expect((await server.get<{ boards: unknown[] }>('/boards')).boards).toEqual([])
  })

  test('[CT7] a redirect that changes the method after one that keeps it is an error too', async () => {
    await using server = await startTestServer()
    const second = await redirecting(302, server.url)
    const first = await redirecting(308, second.url)
    const error = await failureOf(hubOf(first.url).request('POST', '/boards', { name: 'x' }))
    expect(error.message).toContain(`POST ${first.url}/api/v1/boards was redirected to ${server.url}/api/v1/boards`)
    expect((await server.get<{ boards: unknown[] }>('/boards')).boards).toEqual([])
  })

  test.each(['GET', 'POST', 'DELETE'])('[CT7] a %s in a redirect loop is one error', async (method) => {
    const proxy = await redirecting(307, '')
    const error = await failureOf(hubOf(proxy.url).request(method, '/boards'))
    expect(error).toMatchObject({ code: 'unexpected', status: 307 })
    expect(error.message).toContain(`${method} ${proxy.url}/api/v1/boards was redirected again and again`)
    // One request that gets the redirect, then as many as fetch follows.
    expect(proxy.asked.length).toBeLessThanOrEqual(22)
  })

  test('[CT7] a mutation that keeps its method over several redirects succeeds, and another is an error', async () => {
    await using server = await startTestServer()
    const board = await makeBoard(server)
    const path = `/boards/${board.id}`
    const kept = hubOf((await redirecting(308, (await redirecting(307, server.url)).url)).url)
    expect((await kept.request<{ name: string }>('PATCH', path, { name: 'new' })).body.name).toBe('new')
    expect((await server.get<{ board: { name: string } }>(path)).board.name).toBe('new')
    const lost = hubOf((await redirecting(308, (await redirecting(303, server.url)).url)).url)
    for (const [method, body] of [['PATCH', { name: 'newer' }] as const, ['DELETE', undefined] as const]) {
      const error = await failureOf(lost.request(method, path, body))
      expect(error).toMatchObject({
        code: 'unexpected',
        message: expect.stringContaining(`redirected to ${server.url}`),
      })
    }
    expect((await server.get<{ board: { name: string } }>(path)).board.name).toBe('new')
  })

  test('[CT7] an invalid address is reported as it came', async () => {
    const proxy = await answering((_, outgoing) => outgoing.writeHead(302, { Location: 'http://[' }).end())
    const error = await failureOf(hubOf(proxy.url).request('POST', '/boards', {}))
    expect(error).toMatchObject({ code: 'unexpected', message: expect.stringContaining('redirected to http://[') })
  })

  test.each([301, 302])('[CT7] %i keeps a PATCH and a DELETE', async (status) => {
    await using server = await startTestServer()
    const board = await makeBoard(server)
    const hub = hubOf((await redirecting(status, server.url)).url)
    expect((await hub.request<{ name: string }>('PATCH', `/boards/${board.id}`, { name: 'new' })).body.name).toBe('new')
    expect((await hub.request('DELETE', `/boards/${board.id}`)).status).toBe(204)
  })

  test.each([301, 302, 303, 307, 308])('[CT7] [CT8] %i is followed for reads, including streams', async (status) => {
    await using server = await startTestServer()
    const board = await makeBoard(server)
    const hub = hubOf((await redirecting(status, server.url)).url)
    const store = hub.board(board.id)
    onTestFinished(store.subscribe(() => {}))
    await until(store, 'the board', ({ phase }) => phase === 'live')
    expect(hub.status.get().phase).toBe('open')
  })
})

const PAGE = '<!doctype html><title>Log in</title>'
const page = (type: string | undefined, body: string, status = 200) =>
  answering((_, outgoing) => outgoing.writeHead(status, type === undefined ? {} : { 'Content-Type': type }).end(body))

describe('answers that are not JSON', () => {
  test.each([
    ['a login page', 'text/html; charset=utf-8', PAGE, 200, '200 text/html; charset=utf-8: a login page or a proxy'],
    ['a page that calls itself JSON', 'application/json', PAGE, 200, '200 application/json that is not JSON'],
    ['half an answer', 'application/json', '{"id":', 201, '201 application/json that is not JSON'],
    ['an empty answer', 'application/json', '', 200, '200 without a body: a proxy'],
    ['nothing, and no type', undefined, '', 200, '200 without a body'],
    ['a text without a type', undefined, 'ok', 200, '200 without a type'],
    ['204, as portals answer', undefined, '', 204, '204 without a body'],
  ])('[CT9] %s is one error at once', async (_what, type, body, status, description) => {
    const proxy = await page(type, body, status)
    const hub = hubOf(proxy.url)
    for (const method of ['POST', 'GET', 'PATCH']) {
      const error = await failureOf(hub.request(method, '/boards?x=1', method === 'GET' ? undefined : {}))
      expect(error).toMatchObject({ code: 'unexpected', status })
      expect(error.message).toContain(`Expected JSON from ${method} ${proxy.url}/api/v1/boards but got ${description}`)
    }
    expect(proxy.asked).toHaveLength(3)
  })

  test('[CT9] an HTML page in answer to a DELETE is not a deletion', async () => {
    const proxy = await page('text/html', PAGE)
    expect(await failureOf(hubOf(proxy.url).request('DELETE', '/cards/x'))).toMatchObject({ code: 'unexpected' })
    expect(proxy.asked).toHaveLength(1)
  })

  test('[CT9] the page at the end of a redirect is named', async () => {
    const proxy = await answering(({ url }, outgoing) => {
      if (url === '/login?next=1') outgoing.writeHead(200, { 'Content-Type': 'text/html' }).end(PAGE)
      else outgoing.writeHead(302, { Location: '/login?next=1' }).end()
    })
    const { message } = await failureOf(hubOf(proxy.url).request('GET', '/boards'))
    expect(message).toContain(`but got 200 text/html from ${proxy.url}/login: a login page`)
  })

  test('[CT9] the error does not contain credentials of the address', async () => {
    const proxy = await page('text/html', PAGE)
    const hub = createClient({ baseUrl: proxy.url, share: 'none', auth: () => ({ query: { ticket: 'secret' } }) })
    onTestFinished(() => hub.close())
    const { message } = await failureOf(hub.request('POST', '/boards', {}))
    expect(proxy.asked).toEqual(['POST /api/v1/boards?ticket=secret'])
    expect(message).not.toContain('secret')
  })

  test('[CT9] a mutation with such an answer is rejected once, and no longer shown', async () => {
    await using server = await startTestServer()
    const board = await makeBoard(server)
    let isLoggedIn = true
    let posts = 0
    const hub = createClient({
      baseUrl: server.url,
      share: 'none',
      fetch: async (...asked) => {
        if (asked[1]?.method === 'POST') posts += 1
        return isLoggedIn ? fetch(...asked) : new Response(PAGE, { headers: { 'Content-Type': 'text/html' } })
      },
    })
    onTestFinished(() => hub.close())
    const store = hub.board(board.id)
    onTestFinished(store.subscribe(() => {}))
    await until(store, 'the board', ({ phase }) => phase === 'live')
    isLoggedIn = false
    const error = await failureOf(hub.mutate.createCard({ boardId: board.id, title: 'lost' }))
    expect(error.message).toMatch(/Expected JSON from POST .*\/cards but got 200 text\/html/)
    expect(posts).toBe(1)
    const { pending, state } = store.get()
    expect([pending, Object.keys(state?.cards ?? {}).length]).toEqual([0, 0])
  })

  test('[CT9] a board behind a login page shows the error, and loads once the login page is gone', async () => {
    await using server = await startTestServer()
    const board = await makeBoard(server)
    let isLoggedIn = false
    const hub = createClient({
      baseUrl: server.url,
      share: 'none',
      backoff: { firstMs: 20, maxMs: 50 },
      fetch: async (...asked) =>
        isLoggedIn ? fetch(...asked) : new Response(PAGE, { headers: { 'Content-Type': 'text/html' } }),
    })
    onTestFinished(() => hub.close())
    const store = hub.board(board.id)
    onTestFinished(store.subscribe(() => {}))
    await until(hub.status, 'what came', ({ detail }) =>
      /expected an event stream but got text\/html/.test(detail ?? ''),
    )
    isLoggedIn = true
    await until(store, 'the board', ({ phase }) => phase === 'live', 30_000)
  })
})
