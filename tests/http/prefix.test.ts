/** The server under a path of a proxy, and the caching of its answers. Rules PF1 to PF5. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { loadConfig } from '../../src/base/config.ts'
import { ask } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

const HTML = { Accept: 'text/html,*/*' }
const REVALIDATED = 'no-cache'
const FOR_EVER = 'public, max-age=31536000, immutable'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const page = (to: TestServer, path: string, headers: Record<string, string> = {}) =>
  ask(to, 'GET', `/${path}`, { headers: { ...HTML, ...headers } })

/** Every address that the page names. */
const addressesIn = (html: string) =>
  [...html.matchAll(/ (?:src|href|content)="([^"]*\/[^"]*)"/g)]
    .map(([, address = '']) => address)
    .filter((address) => !address.startsWith('image/'))

describe('a prefix from the proxy', () => {
  it.each(['/', '/boards/demo', '/some/where/else?board=demo'])(
    '[PF1] is in front of every address in the page at %s',
    async (path) => {
      for (const [given, prefix] of [
        ['/tools/board', '/tools/board'],
        ['/tools/board/', '/tools/board'],
        ['/a.b_c~d-e/0', '/a.b_c~d-e/0'],
        ['/', ''],
      ] as const) {
        const { status, text } = await page(server, path, { 'X-Forwarded-Prefix': given })
        expect(status).toBe(200)
        const addresses = addressesIn(text)
        expect(addresses.length).toBeGreaterThan(4)
        for (const address of addresses)
          expect(address, given).toMatch(new RegExp(`^${prefix}/(assets/[\\w.-]+|docs)?$`))
      }
    },
  )

  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/a"><script src=//evil.example/x.js></script>',
    "/a'onload='alert(1)",
    '/a$&$1',
    '/../..',
    '/a/./b',
    '/a//b',
    '/a b',
    '/%2e%2e',
    '/ä',
    '/a?b',
    '/a#b',
    '/a, /b',
    'tools',
    `/${'a'.repeat(300)}`,
  ])('[PF2] is ignored unless it is a plain path: %j', async (prefix) => {
    // On a raw socket, because fetch itself refuses some of them.
    const answer = await raw(server, `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Prefix: ${prefix}\r\n`)
    expect(answer.slice(answer.indexOf('\r\n\r\n'))).toContain(' src="/assets/')
    expect(answer).not.toContain('evil')
    expect(addressesIn(answer)).toEqual(addressesIn((await page(server, '/')).text))
  })
})

describe('a configured prefix', () => {
  const PREFIX = '/tools/board'

  it('[PF3] works for pages, the API, streams and sockets, whether the proxy forwards or strips it', async () => {
    await using behind = await startTestServer({ basePath: PREFIX, hasSocketIo: true })
    await behind.post('/boards', { id: 'demo', name: 'Demo' })
    for (const given of [PREFIX, '']) {
      for (const path of ['', '/', '/boards/demo', '/?board=demo']) {
        const asked = `${given}${path}` || '/'
        const { status, text } = await page(behind, asked)
        expect([status, addressesIn(text).every((each) => each.startsWith(`${PREFIX}/`))], asked).toEqual([200, true])
        for (const address of addressesIn(text).filter((each) => each.includes('/assets/'))) {
          const file = await ask(behind, 'GET', `/${given}${address.slice(PREFIX.length)}`)
          expect([file.status, file.headers.get('Cache-Control')], address).toEqual([200, FOR_EVER])
        }
      }
      expect((await ask(behind, 'GET', `/${given}/health`)).body.type).toBe('boardcast')
      expect((await ask(behind, 'GET', `/${given}/api/v1/boards/demo`)).status).toBe(200)
      await using listener = await listen(behind.url, `${given}/sse?boardId=demo`)
      await listener.frame('state')
      await using channels = await listen(behind.url, `${given}/api/v1/sse?channels=global`)
      await channels.frame('hello')
      for (const path of ['/ws', '/ws/dashboard', '/api/v1/ws', '/socket.io/?EIO=4&transport=websocket']) {
        const socket = new WebSocket(`${behind.url.replace('http', 'ws')}${given}${path}`)
        await new Promise((resolve, reject) => socket.once('message', resolve).once('error', reject))
        socket.terminate()
      }
      const polled = await ask(behind, 'GET', `/${given}/socket.io/?EIO=4&transport=polling`)
      expect([polled.status, polled.text.slice(0, 1)]).toEqual([200, '0'])
    }
  })

  it('[PF3] takes precedence over the proxy’s, and does not match the beginning of another path', async () => {
    await using behind = await startTestServer({ basePath: PREFIX })
    const { text } = await page(behind, '/', { 'X-Forwarded-Prefix': '/other' })
    expect(text).not.toContain('/other')
    expect((await ask(behind, 'GET', `/${PREFIX}er/health`)).status).toBe(404)
    expect((await ask(behind, 'GET', `/${PREFIX}/tools/board/health`)).status).toBe(404)
  })

  it('[PF3] is a plain path that none of the server’s own addresses begins with, or the server does not start', () => {
    const read = (text: string) => loadConfig({ BOARDCAST_BASE_PATH: text }).basePath
    for (const [given, prefix] of [
      ['', ''],
      ['/', ''],
      ['/tools/board/', '/tools/board'],
      ['/apis', '/apis'],
    ])
      expect(read(given ?? '')).toBe(prefix)
    for (const text of ['tools', '//host', '/a b', '/a/../b', '/ü', 'http://host/a', '/"><'])
      expect(() => read(text), text).toThrow(/BOARDCAST_BASE_PATH must be a path such as/)
    for (const text of ['/api', '/api/v1', '/sse', '/events/x', '/ws', '/health/', '/assets', '/socket.io'])
      expect(() => read(text), text).toThrow(/BOARDCAST_BASE_PATH cannot be \/.*begin with it/)
  })
})

describe('caching', () => {
  it('[PF4] of the page: only after revalidation, which is cheap', async () => {
    for (const path of ['/', '/index.html', '/boards/demo']) {
      const first = await page(server, path)
      expect(first.headers.get('Cache-Control'), path).toBe(REVALIDATED)
      expect(first.headers.get('Vary')).toMatch(/Accept.*X-Forwarded-Prefix/)
      expect(first.headers.get('Last-Modified')).toBeNull()
      const etag = first.headers.get('ETag') ?? ''
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
        const again = await page(server, path, { 'If-None-Match': known })
        expect([again.status, again.text, again.headers.get('ETag'), again.headers.get('Cache-Control')]).toEqual([
          304,
          '',
          etag,
          REVALIDATED,
        ])
      }
      const below = await page(server, path, { 'If-None-Match': etag, 'X-Forwarded-Prefix': '/tools' })
      expect(below.status, 'the page of another prefix is another page').toBe(200)
      const head = await ask(server, 'HEAD', `/${path}`, { headers: HTML })
      expect([head.status, head.headers.get('ETag')]).toEqual([200, etag])
    }
  })

  it('[PF4] of hashed files: for ever; a missing file is never answered with the page', async () => {
    const files = addressesIn((await page(server, '/')).text).filter((each) => each.includes('/assets/'))
    expect(files.length).toBeGreaterThan(2)
    for (const file of files) {
      expect((await page(server, file)).headers.get('Cache-Control'), file).toBe(FOR_EVER)
    }
    const gone = await page(server, '/assets/index-00000000.js')
    expect([gone.status, gone.headers.get('Cache-Control'), gone.body.code]).toEqual([404, 'no-store', 'not_found'])
  })

  it('[PF5] of the API and of operations: never, whatever the answer', async () => {
    await using open = await startTestServer({ corsOrigins: ['https://app.example'], hasSocketIo: true })
    await open.post('/boards', { id: 'demo', name: 'Demo' })
    for (const [method, path, status, json] of [
      ['GET', '/boards', 200],
      ['HEAD', '/boards', 200],
      ['GET', '/boards/demo', 200],
      ['GET', '/boards/none', 404],
      ['GET', '/events', 200],
      ['GET', '/cursor', 200],
      ['GET', '/dashboard', 200],
      ['GET', '/metrics/snapshot', 200],
      ['GET', '/nothing', 404],
      ['GET', '/boards?limit=x', 400],
      ['GET', '/events?limit=x', 400],
      ['POST', '/boards', 201, { id: 'two', name: 'Two' }],
      ['POST', '/boards', 409, { id: 'two', name: 'Two' }],
      ['POST', '/boards', 422, { id: 'two' }],
      ['PATCH', '/boards/two', 200, { name: 'Second' }],
      ['DELETE', '/boards/two', 204],
      ['PUT', '/boards/two', 404, {}],
      ['GET', '//health', 200],
      ['GET', '//health/live', 200],
      ['GET', '//health/ready', 200],
      ['GET', '//stats', 200],
      ['GET', '//metrics', 200],
      ['GET', '//nowhere', 404],
      ['POST', '//nowhere', 404, {}],
      ['GET', '//ws', 426],
      ['GET', '//sse?boardId=none', 404],
      ['GET', '//sse?boardId=', 400],
      ['GET', '//events/%20', 400],
      ['GET', '//socket.io/?EIO=4&transport=polling', 200],
    ] as const) {
      for (const origin of ['', 'https://app.example']) {
        const headers: Record<string, string> = origin === '' ? {} : { Origin: origin }
        if (method === 'POST' && status === 201) headers['Idempotency-Key'] = 'once'
        const expected = method === 'DELETE' && origin !== '' ? 404 : status
        const reply = await ask(open, method, path, { headers, ...(json && { json }) })
        expect([reply.status, reply.headers.get('Cache-Control')], `${method} ${path}`).toEqual([expected, 'no-store'])
      }
    }
  })

  it('[PF5] of refusals below the framework: never', async () => {
    for (const request of [
      'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n',
      'GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n',
      'nonsense\r\n',
    ]) {
      const answer = await raw(server, request)
      expect(answer, request).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect(answer, request).toMatch(/\r\nCache-Control: no-store\r\n/)
    }
  })

  it('[PF5] streams are neither cached nor transformed', async () => {
    await using listener = await listen(server.url, '/sse')
    expect(listener.header('Cache-Control')).toBe('no-cache, no-transform')
  })
})

/** Sends this head, and resolves to everything that arrives before the end. */
function raw(to: TestServer, head: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(to.port, '127.0.0.1', () => socket.write(`${head}Connection: close\r\n\r\n`))
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}
