/** Hosts that the server answers to, and what pages of other origins may do. Rules HO1 to HO8. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBoard } from '../support/board.ts'
import { newestId } from '../support/http.ts'
import { type RawRequest, rawRequest } from '../support/raw-request.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
const SOCKET_IO = '/socket.io/?EIO=4&transport='

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ hasSocketIo: true })
})
afterAll(() => server[Symbol.asyncDispose]())

type To = { port: number }
type Headers = Readonly<Record<string, string>>

function ask(to: To, request: RawRequest) {
  return rawRequest(to.port, request, (answer) => /event: hello|"sid"/.test(answer))
}

async function statusWith(to: To, headers: Headers, target = '/health'): Promise<number> {
  return (await ask(to, { target, headers })).status
}

/** The status of an upgrade. */
async function upgrade(to: To, target: string, headers: Headers): Promise<number> {
  const { Connection, ...rest } = UPGRADE
  // `Connection: close` would follow it.
  const lines = Object.entries({ ...headers, ...rest, Connection }).map(([name, value]) => `${name}: ${value}`)
  const { status } = await rawRequest(
    to.port,
    { target: `${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\nX-Rest:` },
    () => true,
  )
  return status
}

/** How each transport answers a page of `origin`: opened, or not. */
async function transports(to: To, headers: Headers) {
  const post = { method: 'POST', target: '/api/v1/topics/t/events', body: '{"event":"said"}' }
  const posted = await ask(to, { ...post, headers: { ...headers, 'Content-Type': 'application/json' } })
  const stream = await ask(to, { target: '/sse', headers })
  const polling = await ask(to, { target: `${SOCKET_IO}polling`, headers })
  return {
    http: posted.status,
    httpAllows: posted.header('Access-Control-Allow-Origin'),
    sseAllows: stream.header('Access-Control-Allow-Origin'),
    socket: await upgrade(to, '/ws', headers),
    socketIo: await upgrade(to, `${SOCKET_IO}websocket`, headers),
    polling: polling.status,
    pollingAllows: polling.header('Access-Control-Allow-Origin'),
  }
}

describe('hosts', () => {
  it.each([
    'localhost',
    'LocalHost:9',
    'localhost.',
    'board.localhost:3000',
    '127.0.0.1',
    '127.9.8.7:80',
    '[::1]:3000',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
  ])('[HO1] loopback is served as %s', async (Host) => {
    expect(await statusWith(server, { Host })).toBe(200)
    expect(await upgrade(server, '/ws', { Host })).toBe(101)
  })

  const FOREIGN = [
    'evil.test',
    'evil.test:3000',
    'localhost.evil.test',
    'notlocalhost',
    '127.0.0.1.evil.test',
    '10.0.0.1',
    '0.0.0.0',
    '[::2]',
    'xn--localhost-.test',
  ]
  it.each(FOREIGN)('[HO1] nothing is served as %s', async (Host) => {
    const before = await newestId(server)
    const addresses = [
      '/',
      '/index.html',
      '/health',
      '/health/live',
      '/health/ready',
      '/stats',
      '/metrics',
      '/api/v1/boards',
      '/api/v1/events',
      '/sse',
      '/sse?channels=global',
      '/events/agent',
      '/ws',
      '/nowhere',
      `${SOCKET_IO}polling`,
    ]
    for (const target of addresses) {
      const reply = await ask(server, { target, headers: { Host, Accept: 'text/html' } })
      expect([target, reply.status, reply.header('Content-Type')]).toEqual([target, 403, 'application/problem+json'])
      expect(JSON.parse(reply.body)).toMatchObject({ code: 'forbidden', status: 403 })
      expect(reply.body).toContain('BOARDCAST_HOSTS')
      expect(reply.header('X-Request-Id')).toMatch(/^[\w.:-]+$/)
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
      const headers = { Host, Origin: `http://${Host}`, 'Content-Type': 'application/json' }
      const reply = await ask(server, { method, target: '/api/v1/boards', headers, body: '{"name":"x"}' })
      expect([method, reply.status]).toEqual([method, 403])
      expect(reply.header('Event-Id'), 'tells nothing of the log').toBeUndefined()
    }
    for (const target of ['/ws', '/ws/dashboard', '/api/v1/ws', '/nowhere', `${SOCKET_IO}websocket`]) {
      expect([target, await upgrade(server, target, { Host, Origin: `http://${Host}` })]).toEqual([target, 403])
    }
    expect(await newestId(server)).toBe(before)
  })

  it('[HO2] an HTTP/1.0 request needs no Host', async () => {
    expect((await ask(server, { target: '/health', version: '1.0' })).status).toBe(200)
    expect((await ask(server, { target: '/health', version: '1.0', headers: { Host: 'evil.test' } })).status).toBe(403)
  })

  it('[HO2] the host of a target in absolute form counts', async () => {
    const host = `localhost:${server.port}`
    expect(await statusWith(server, { Host: host }, `http://${host}/health`)).toBe(200)
    expect(await statusWith(server, { Host: host }, 'http://evil.test/health')).toBe(403)
    expect(await statusWith(server, { Host: host }, 'http://localhost@evil.test/health')).toBe(400)
    expect(await upgrade(server, 'http://evil.test/ws', { Host: host })).toBe(403)
    expect(await upgrade(server, `http://${host}/ws`, { Host: host })).toBe(101)
  })

  it('[HO1] two hosts are 400, on every transport', async () => {
    for (const [one, other] of [
      ['localhost', 'evil.test'],
      ['evil.test', 'localhost'],
      ['localhost', 'localhost'],
    ] as const) {
      const headers = { host: one, Host: other }
      expect([one, other, await statusWith(server, headers), await upgrade(server, '/ws', headers)]).toEqual([
        one,
        other,
        400,
        400,
      ])
    }
  })

  it('[HO1] a port may be empty (RFC 3986, 3.2.3), on every transport', async () => {
    const headers = { Host: 'localhost:' }
    expect([await statusWith(server, headers), await upgrade(server, '/ws', headers)]).toEqual([200, 101])
    expect(await statusWith(server, { Host: 'evil.test:' })).toBe(403)
  })

  it.each(['X-Forwarded-Host', 'X-Host', 'Forwarded'])('[HO2] %s is ignored', async (name) => {
    expect(await statusWith(server, { Host: 'evil.test', [name]: 'localhost' })).toBe(403)
    expect(await statusWith(server, { Host: 'localhost', [name]: 'evil.test' })).toBe(200)
  })

  it('[HO4] listed hosts are served, in every spelling', async () => {
    await using listed = await startTestServer({
      hosts: ['board.example', 'xn--bcher-kva.example:8443', 'tls.example:443'],
    })
    const at = (Host: string) => statusWith(listed, { Host })
    for (const host of ['board.example', 'Board.EXAMPLE.:8080', 'tls.example', 'tls.example:443', 'localhost']) {
      expect([host, await at(host)]).toEqual([host, 200])
    }
    expect(await at('xn--bcher-kva.example:8443')).toBe(200)
    for (const host of [
      'x.board.example',
      'xn--bcher-kva.example',
      'tls.example:80',
      'tls.example:8443',
      'evil.test',
    ]) {
      expect([host, await at(host)]).toEqual([host, 403])
    }
    expect(await upgrade(listed, '/ws', { Host: 'board.example', Origin: 'https://board.example' })).toBe(101)
  })

  it('[HO4] * lists every host', async () => {
    await using any = await startTestServer({ hosts: ['*'] })
    expect(await statusWith(any, { Host: 'anything.test:1' })).toBe(200)
    expect(await upgrade(any, '/ws', { Host: 'anything.test:1' })).toBe(101)
    // It does not allow more to pages of other origins.
    expect(await upgrade(any, '/ws', { Host: 'anything.test', Origin: 'http://evil.test' })).toBe(403)
  })
})

describe('pages of other origins', () => {
  const PAGES: ReadonlyArray<readonly [string, Headers]> = [
    ['another site', { Origin: 'https://evil.test' }],
    ['another port', { Origin: 'http://localhost:1' }],
    ['another name of this machine', { Origin: 'http://127.0.0.1' }],
    ['a sandboxed frame', { Origin: 'null' }],
    ['no origin that could be one', { Origin: 'evil' }],
    ['two origins', { Origin: 'http://localhost, https://evil.test' }],
    ['a site that the browser calls another', { 'Sec-Fetch-Site': 'cross-site' }],
    ['one of the same site', { 'Sec-Fetch-Site': 'same-site' }],
    ['one that looks as if it were ours', { Origin: 'http://localhost', 'Sec-Fetch-Site': 'cross-site' }],
  ]

  it.each(PAGES)('[HO5] change nothing and open no socket: %s', async (_, headers) => {
    const board = await makeBoard(server)
    const card = await server.post<{ id: string }>(`/boards/${board.id}/cards`, { title: 'x' })
    const attempt = await server.post<{ id: string }>(`/cards/${card.id}/attempts`, { agent: 'a', status: 'running' })
    const before = await newestId(server)
    const from = { Host: 'localhost', ...headers }
    const plain = { ...from, 'Content-Type': 'text/plain' }
    for (const request of [
      { method: 'POST', target: `/api/v1/attempts/${attempt.id}/stop`, headers: from },
      { method: 'POST', target: `/api/v1/attempts/${attempt.id}/stop`, headers: plain, body: '{}' },
      { method: 'DELETE', target: `/api/v1/boards/${board.id}`, headers: from },
      { method: 'PATCH', target: `/api/v1/cards/${card.id}`, headers: from, body: '{"title":"y"}' },
      { method: 'PUT', target: `/api/v1/attempts/${attempt.id}/todos`, headers: from, body: '{"items":[]}' },
      { method: 'POST', target: `${SOCKET_IO}polling`, headers: plain, body: '40' },
    ]) {
      const reply = await ask(server, request)
      expect([request.target, reply.status]).toEqual([request.target, 403])
      expect(JSON.parse(reply.body)).toMatchObject({ code: 'forbidden' })
      expect(reply.body).toContain('BOARDCAST_CORS_ORIGINS')
      expect(reply.header('Event-Id')).toBe(before)
      expect(reply.head).not.toMatch(/access-control/i)
    }
    for (const target of ['/ws', '/ws/dashboard', `${SOCKET_IO}websocket`]) {
      expect([target, await upgrade(server, target, from)]).toEqual([target, 403])
    }
    expect((await ask(server, { target: `${SOCKET_IO}polling`, headers: from })).status).toBe(403)
    expect(await newestId(server)).toBe(before)
  })

  it('[HO5] read nothing: the answer comes without CORS headers', async () => {
    const headers = { Host: 'localhost', Origin: 'https://evil.test', 'Sec-Fetch-Site': 'cross-site' }
    for (const target of ['/api/v1/boards', '/sse', '/stats', '/']) {
      expect((await ask(server, { target, headers })).head).not.toMatch(/access-control/i)
    }
  })

  it.each([
    ['programs', {}],
    ['an address that was typed', { 'Sec-Fetch-Site': 'none' }],
    ['our own page', { Origin: 'http://localhost:3000', 'Sec-Fetch-Site': 'same-origin' }],
  ])('[HO5] this is not one: %s', async (_, headers) => {
    expect(await transports(server, { Host: 'localhost:3000', ...headers })).toMatchObject({
      http: 202,
      socket: 101,
      socketIo: 101,
      polling: 200,
    })
  })

  it.each([
    ['http://board.example', 'board.example'],
    ['http://board.example', 'board.example:80'],
    ['https://board.example', 'board.example'],
    ['https://board.example', 'board.example:443'],
    ['https://board.example', 'BOARD.Example.'],
    ['HTTPS://Board.Example:443', 'board.example'],
    ['https://board.example:8443', 'Board.example:8443'],
    ['http://[::1]:3000', '[0:0::1]:3000'],
  ])('[HO6] %s is the origin of %s', async (Origin, Host) => {
    await using own = await startTestServer({ hosts: ['board.example'], hasSocketIo: true })
    expect(await transports(own, { Host, Origin })).toMatchObject({
      http: 202,
      socket: 101,
      socketIo: 101,
      polling: 200,
    })
  })

  it.each([
    ['https://board.example', 'board.example:80'],
    ['http://board.example', 'board.example:443'],
    ['https://board.example:8443', 'board.example'],
    ['https://board.example', 'board.example:8443'],
    ['https://x.board.example', 'board.example'],
    ['chrome-extension://board.example', 'board.example:80'],
  ])('[HO6] %s is not the origin of %s', async (Origin, Host) => {
    await using own = await startTestServer({ hosts: ['board.example'], hasSocketIo: true })
    expect(await transports(own, { Host, Origin })).toMatchObject({
      http: 403,
      socket: 403,
      socketIo: 403,
      polling: 403,
    })
  })

  it.each(['https://app.example', 'HTTPS://App.Example:443', 'chrome-extension://abcdef'])(
    '[HO7] %s may call over every transport when it is listed',
    async (Origin) => {
      await using own = await startTestServer({
        corsOrigins: ['https://app.example', 'chrome-extension://abcdef'],
        hasSocketIo: true,
      })
      // Browsers treat it as a page of another site.
      const headers = { Host: 'localhost', Origin, 'Sec-Fetch-Site': 'cross-site' }
      expect(await transports(own, headers)).toEqual({
        http: 202,
        httpAllows: Origin,
        sseAllows: Origin,
        socket: 101,
        socketIo: 101,
        polling: 200,
        pollingAllows: Origin,
      })
      for (const other of ['http://app.example', 'https://app.example:8443', 'https://x.app.example', 'null']) {
        expect(await transports(own, { ...headers, Origin: other })).toEqual({
          http: 403,
          httpAllows: undefined,
          sseAllows: undefined,
          socket: 403,
          socketIo: 403,
          polling: 403,
          pollingAllows: undefined,
        })
      }
    },
  )

  it.each(['https://anything.example', 'null'])('[HO8] * lets %s call over every transport', async (Origin) => {
    await using any = await startTestServer({ corsOrigins: ['*'], hasSocketIo: true })
    const headers = { Host: 'localhost', Origin, 'Sec-Fetch-Site': 'cross-site' }
    expect(await transports(any, headers)).toEqual({
      http: 202,
      httpAllows: '*',
      sseAllows: '*',
      socket: 101,
      socketIo: 101,
      polling: 200,
      pollingAllows: '*',
    })
    for (const method of ['OPTIONS', 'GET']) {
      const reply = await ask(any, { method, target: '/api/v1/boards', headers })
      expect(reply.header('Access-Control-Allow-Origin')).toBe('*')
      expect(reply.header('Access-Control-Allow-Credentials')).toBeUndefined()
    }
  })
})
