/**
 * The client's transports and requests in Chromium and in Firefox, on the page's own origin and on another one.
 *
 * CT1   Over `eventsource` events come whatever their names.
 * CT3   Over `eventsource` the client reconnects where the browser gives up.
 * CT4   Which refusals stop at once.
 * CT5   Streams that end cleanly are not failures.
 * CT7   Redirects of requests.
 * CT9   A login page in place of the API.
 * CT12  A stream on another origin needs no preflight.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { ClientOptions } from '../../web/client/base/options.ts'
import { buildPage, Front } from '../client/support/front.ts'
import { makeBoard, makeCard } from '../support/board.ts'
import { launchChromium } from '../support/chromium.ts'
import { Firefox, firefoxMissing } from '../support/firefox.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

/** A page in either browser. */
interface Surface {
  evaluate<T>(script: string): Promise<T>
  waitFor(expression: string): Promise<unknown>
  close(): Promise<void>
}

let built: Awaited<ReturnType<typeof buildPage>>
beforeAll(async () => {
  built = await buildPage()
})
afterAll(() => built?.remove())

interface Scene {
  readonly server: TestServer
  /** Between the page and the server. */
  readonly front: Front
  readonly page: Surface
}

const PAGE = '<!doctype html><title>Log in</title>'

function suite(open: (url: string) => Promise<Surface>): void {
  describe.each(['its own', 'another'] as const)('on %s origin', (where) => {
    async function scene(
      options: ClientOptions,
      overrides: Parameters<typeof startTestServer>[0] = {},
    ): Promise<Scene> {
      const home = await Front.to(9, built.folder)
      const server = await startTestServer({ corsOrigins: [home.url], ...overrides })
      const away = await Front.to(server.port, built.folder)
      const front = where === 'another' ? away : await Front.to(server.port, built.folder)
      const page = await open(`${where === 'another' ? home.url : front.url}/page/`)
      onTestFinished(async () => {
        await page.close()
        for (const each of new Set([home, away, front])) await each[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      })
      await page.waitFor('!!window.client')
      const backoff = { firstMs: 20, maxMs: 100, failures: 1_000, ...options.backoff }
      await page.evaluate(`{
        window.hub = client.createClient(${JSON.stringify({ baseUrl: front.url, ...options, backoff })})
        window.heard = []
        window.phases = []
        hub.status.subscribe(() => phases.push(hub.status.get().phase))
      }`)
      return { server, front, page }
    }

    async function read({ page }: Scene, channel: string): Promise<void> {
      await page.evaluate(`{
        hub.subscribe({ channels: ['${channel}'] }, {
          event: ({ event, id }) => heard.push(event + '#' + id),
          ready: () => { window.ready = true },
        })
      }`)
      await page.waitFor('!!window.ready')
    }

    /** As a proxy answers that knows of the page's origin. */
    const answer =
      (status: number, type: string, body: string, more: Record<string, string> = {}) =>
      ({ headers: { origin = '*' } }: IncomingMessage, outgoing: ServerResponse) => {
        const cors = { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': '*' }
        outgoing.writeHead(status, { 'Content-Type': type, ...cors, ...more }).end(status === 204 ? undefined : body)
      }

    test('[CT1] events on topics come over eventsource, whatever their names', async () => {
      const it = await scene({ transport: 'eventsource' })
      await read(it, 'topic:t')
      const ids: string[] = []
      for (const event of ['deploy', 'build.done', 'hello-world']) {
        ids.push(`${event}#${(await it.server.post('/topics/t/events', { event, data: {} })).eventId}`)
      }
      await it.page.waitFor('heard.length >= 3')
      expect(await it.page.evaluate('heard')).toEqual(ids)
    })

    test('[CT3] eventsource reconnects after every failure after which the browser does not', async () => {
      const it = await scene({ transport: 'eventsource' })
      const { server, front, page } = it
      const { id: boardId } = await makeBoard(server)
      await read(it, `board:${boardId}`)
      const ids: string[] = []
      const make = async () => void ids.push(`card_created#${(await makeCard(server, boardId)).eventId}`)
      const accidents: ReadonlyArray<readonly [string, () => void | Promise<void>, (() => Promise<void>)?]> = [
        ...[502, 503, 504].map((status) => [`${status}`, () => front.answer(answer(status, 'text/html', ''))] as const),
        ['429', () => front.answer(answer(429, 'text/plain', '', { 'Retry-After': '0' }))],
        // Without CORS headers, as most proxies answer.
        ['503 of a proxy', () => front.answer((_, outgoing) => outgoing.writeHead(503).end())],
        ['a login page', () => front.answer(answer(200, 'text/html', PAGE))],
        ['reset', () => front.answer(({ socket }) => void socket.resetAndDestroy())],
        ['nothing', () => front.answer(({ socket }) => void socket.end())],
        ['refused', () => front.hide(), () => front.listen()],
      ]
      for (const [name, begin, end] of accidents) {
        await begin()
        front.cut()
        await page.waitFor('hub.status.get().attempt >= 2')
        await make()
        await end?.()
        front.pass()
        await page.waitFor(`hub.status.get().phase === 'open'`)
        await make()
        await page.waitFor(`heard.length >= ${ids.length}`)
        expect(await page.evaluate('heard'), name).toEqual(ids)
        await page.evaluate('hub.reconnect()')
        await page.waitFor(`hub.status.get().phase === 'open' && hub.status.get().attempt === 0`)
      }
    })

    test('[CT4] 401, 403, 404 and 204 stop eventsource at once', async () => {
      const it = await scene({ transport: 'eventsource' })
      const { front, page } = it
      await read(it, 'topic:t')
      for (const [status, reason] of [
        [401, 'unauthenticated'],
        [403, 'forbidden'],
        [404, 'not-found'],
        [204, 'no-content'],
      ] as const) {
        front.requests.splice(0)
        front.answer(answer(status, 'text/plain', ''))
        await page.evaluate('hub.reconnect()')
        await page.waitFor(`hub.status.get().phase === 'stopped'`)
        expect(await page.evaluate('hub.status.get().stop')).toMatchObject({ reason, status })
        expect(front.requests.map(({ line }) => line.split(' ')[0])).toEqual(['GET', 'HEAD', 'GET'])
      }
      front.pass()
      await page.evaluate('hub.reconnect()')
      await page.waitFor(`hub.status.get().phase === 'open'`)
    })

    test('[CT5] streams that the server ends are not failures', async () => {
      const it = await scene({ transport: 'eventsource', backoff: { failures: 2 } }, { streamMaxAgeMs: 100 })
      await read(it, 'topic:t')
      await expect.poll(() => it.front.streams.length, { timeout: 30_000 }).toBeGreaterThan(3)
      expect(await it.page.evaluate(`phases.includes('stopped')`)).toBe(false)
    })

    test('[CT12] a stream over fetch sends the headers of an EventSource, without a preflight', async () => {
      const it = await scene({ transport: 'fetch' })
      await read(it, 'topic:t')
      expect(it.front.requests.map(({ line }) => line.split('?')[0])).toEqual(['GET /sse'])
      const { headers } = it.front.requests[0] ?? {}
      expect(headers).toMatchObject({ accept: 'text/event-stream', 'cache-control': 'no-cache' })
    })

    test('[CT9] a login page is one error at once', async () => {
      const it = await scene({})
      it.front.answer((incoming, outgoing) => {
        const allowed = { 'Access-Control-Allow-Headers': 'content-type, idempotency-key' }
        answer(200, 'text/html', PAGE, allowed)(incoming, outgoing)
      })
      const post = `hub.request('POST', '/boards', { name: 'x' }).catch(({ code, message }) => code + ': ' + message)`
      const error = await it.page.evaluate(post)
      expect(error).toMatch(/^unexpected: Expected JSON from POST .*\/api\/v1\/boards but got 200 text\/html/)
      expect(it.front.requests.filter(({ line }) => line.startsWith('POST'))).toHaveLength(1)
    })
  })

  describe('redirects', () => {
    async function scene() {
      const server = await startTestServer()
      const front = await Front.to(server.port, built.folder)
      const elsewhere = await Front.to(server.port, built.folder)
      const page = await open(`${front.url}/page/`)
      onTestFinished(async () => {
        await page.close()
        await front[Symbol.asyncDispose]()
        await elsewhere[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      })
      await page.waitFor('!!window.client')
      await page.evaluate(`{ window.hub = client.createClient({ baseUrl: '${front.url}/old' }) }`)
      return {
        server,
        front,
        elsewhere,
        /** Until it was followed once. */
        redirect(status: number, target: string): void {
          front.requests.splice(0)
          front.answer(({ url = '' }, outgoing) => {
            if (!url.startsWith('/old')) front.pass()
            outgoing
              .writeHead(url.startsWith('/old') ? status : 307, { Location: url.startsWith('/old') ? target : url })
              .end()
          })
        },
        ask: (method: string, body?: object): Promise<string> =>
          page.evaluate(
            `hub.request('${method}', '/boards'${body ? `, ${JSON.stringify(body)}` : ''})
              .then(({ status, body }) => status + ' ' + Object.keys(body), ({ code, message }) => code + ': ' + message)`,
          ),
      }
    }

    test('[CT7] a redirect that turns a POST into a GET is an error with both addresses', async () => {
      const it = await scene()
      for (const status of [301, 302, 303]) {
        it.redirect(status, '/api/v1/boards')
        expect(await it.ask('POST', { name: 'x' })).toBe(
          `unexpected: POST ${it.front.url}/old/api/v1/boards was redirected to ${it.front.url}/api/v1/boards, where it did not arrive as it was sent: log in again, or give createClient the address that it leads to as baseUrl.`,
        )
      }
      expect(await it.server.get('/boards')).toEqual({ boards: [] })
    })

    test('[CT7] a redirect that keeps the method is followed', async () => {
      const it = await scene()
      for (const status of [307, 308]) {
        it.redirect(status, '/api/v1/boards')
        expect(await it.ask('POST', { name: 'x' })).toMatch(/^201 /)
      }
      expect((await it.server.get<{ boards: unknown[] }>('/boards')).boards).toHaveLength(2)
    })

    test('[CT7] a GET is followed', async () => {
      const it = await scene()
      it.redirect(302, '/api/v1/boards')
      expect(await it.ask('GET')).toBe('200 boards')
    })

    test('[CT7] a redirect to a login on another origin is one error at once', async () => {
      const it = await scene()
      for (const method of ['GET', 'POST']) {
        it.redirect(302, `${it.elsewhere.url}/login`)
        expect(await it.ask(method, method === 'POST' ? {} : undefined)).toContain(
          `unexpected: ${method} ${it.front.url}/old/api/v1/boards was redirected to where this page cannot read`,
        )
        expect(it.front.requests).toHaveLength(2)
      }
    })
  })
}

describe('in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  suite(async (url) => {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(url)
    return {
      evaluate: (script) => page.evaluate(script),
      waitFor: (expression) => page.waitForFunction(expression),
      close: () => context.close(),
    }
  })
})

describe.skipIf(firefoxMissing)('in Firefox', () => {
  let browser: Firefox
  beforeAll(async () => {
    browser = await Firefox.launch()
  }, 120_000)
  afterAll(() => browser?.close())

  suite((url) => browser.open(url))
})
