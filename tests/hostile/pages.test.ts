/** What pages of other origins cannot do with the cookie, and the headers of every answer. Rules HA3 to HA7 of docs/security.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawRequest } from '../support/raw-request.ts'
import { RawSocket } from '../support/raw-socket.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'
import { sign, startServerWithRights, tokenFor } from '../support/tokens.ts'

type Headers = Readonly<Record<string, string>>

const LISTED = 'https://app.example'
const SOCKET_IO = '/socket.io/?EIO=4&transport='
const EVENT = { method: 'POST', target: '/api/v1/topics/t/events', body: '{"event":"said"}' }
const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
const JSON_TYPE = { 'Content-Type': 'application/json' }

let token: string
let server: TestServer
let anyOrigin: TestServer
beforeAll(async () => {
  token = await tokenFor(['*'])
  server = await startServerWithRights({ corsOrigins: [LISTED], hasSocketIo: true })
  anyOrigin = await startServerWithRights({ corsOrigins: ['*'], hasSocketIo: true })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await anyOrigin[Symbol.asyncDispose]()
})

const ask = (to: TestServer, request: Parameters<typeof rawRequest>[1]) =>
  rawRequest(to.port, request, (answer) => /event: hello|"sid"|^HTTP.1.1 426.*}$/s.test(answer))

/** The status of an upgrade. */
async function upgrade({ port }: TestServer, target: string, headers: Headers): Promise<number> {
  const { Connection, ...rest } = UPGRADE
  // `Connection: close` would follow it.
  const lines = Object.entries({ Host: 'localhost', ...headers, ...rest, Connection }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const request = { target: `${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\nX-Rest:` }
  return (await rawRequest(port, request, () => true)).status
}

/** The status of a mutation, of the openings of sockets, and of reads. */
async function outcomes(to: TestServer, headers: Headers) {
  const all = { Host: 'localhost', ...headers }
  const posted = await ask(to, { ...EVENT, headers: { ...all, ...JSON_TYPE } })
  return {
    post: posted.status,
    plain: (await ask(to, { ...EVENT, headers: { ...all, 'Content-Type': 'text/plain' } })).status,
    remove: (await ask(to, { method: 'DELETE', target: '/api/v1/boards/none', headers: all })).status,
    socket: await upgrade(to, '/ws', all),
    dashboard: await upgrade(to, '/ws/dashboard', all),
    socketIo: await upgrade(to, `${SOCKET_IO}websocket`, all),
    polling: (await ask(to, { method: 'POST', target: `${SOCKET_IO}polling`, headers: all, body: '40' })).status,
    stream: (await ask(to, { target: '/sse?channels=topic:t', headers: all })).status,
    read: (await ask(to, { target: '/api/v1/boards', headers: all })).status,
  }
}

/** Socket.IO refuses a poll without a session with 400, after the check of the page. */
const ALLOWED = {
  post: 202,
  plain: 415,
  remove: 404,
  socket: 101,
  dashboard: 101,
  socketIo: 101,
  polling: 400,
  stream: 200,
  read: 200,
}
const NO_CHANGES = { post: 403, plain: 403, remove: 403, socket: 403, dashboard: 403, socketIo: 403, polling: 403 }
const NOTHING = { ...NO_CHANGES, stream: 403, read: 403 }

describe('a request with the cookie', () => {
  const cookie = () => ({ Cookie: `theme=dark; boardcast_token=${token}` })

  it.each<[string, Headers]>([
    ['its own origin', { Origin: 'http://localhost' }],
    ['its own origin, as the browser says', { 'Sec-Fetch-Site': 'same-origin' }],
    ['a listed origin', { Origin: LISTED, 'Sec-Fetch-Site': 'cross-site' }],
  ])('[HA4] is served when it comes from a page of %s', async (_, headers) => {
    expect(await outcomes(server, { ...cookie(), ...headers })).toEqual(ALLOWED)
  })

  it.each<[string, Headers]>([
    ['without the origin of a page', {}],
    ['as if its address had been typed', { 'Sec-Fetch-Site': 'none' }],
  ])('[HA4] changes nothing and opens no socket %s', async (_, headers) => {
    expect(await outcomes(server, { ...cookie(), ...headers })).toEqual({ ...ALLOWED, ...NO_CHANGES })
  })

  const FOREIGN: ReadonlyArray<[string, Headers]> = [
    ['another site', { Origin: 'https://evil.test', 'Sec-Fetch-Site': 'cross-site' }],
    ['another port of this machine', { Origin: 'http://localhost:1', 'Sec-Fetch-Site': 'same-site' }],
    ['a sandboxed frame', { Origin: 'null' }],
    ['another site, which embeds the answer', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }],
  ]
  it.each(FOREIGN)('[HA4] [HA6] does nothing at all when it comes from %s', async (_, headers) => {
    expect(await outcomes(server, { ...cookie(), ...headers })).toEqual(NOTHING)
  })

  it.each(FOREIGN)('[HA5] does nothing when every origin may call, and it comes from %s', async (_, headers) => {
    expect(await outcomes(anyOrigin, { ...cookie(), ...headers })).toEqual(NOTHING)
  })

  it('[HA6] shows the page to whoever follows a link of another site', async () => {
    const headers = { Host: 'localhost', ...cookie(), 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }
    expect((await ask(server, { target: '/api/v1/boards', headers })).status).toBe(200)
    const page = await ask(server, { target: '/', headers: { ...headers, Accept: 'text/html' } })
    expect(page.status).not.toBe(403)
    // A form of that site is a navigation too.
    const form = { ...headers, Origin: 'https://evil.test', 'Content-Type': 'text/plain' }
    expect((await ask(server, { ...EVENT, headers: form })).status).toBe(403)
  })

  it('[HA4] needs an origin if its Authorization is the scheme of a proxy', async () => {
    const headers = { Host: 'localhost', ...cookie(), Authorization: 'Basic YTpi', ...JSON_TYPE }
    expect((await ask(server, { ...EVENT, headers })).status).toBe(403)
    expect((await ask(server, { ...EVENT, headers: { ...headers, Origin: 'http://localhost' } })).status).toBe(202)
  })
})

describe('a request with another credential', () => {
  it('[HA4] needs no origin, even with a cookie beside it', async () => {
    const headers = { Host: 'localhost', Authorization: `Bearer ${token}`, ...JSON_TYPE }
    expect((await ask(server, { ...EVENT, headers })).status).toBe(202)
    expect((await ask(server, { ...EVENT, headers: { ...headers, Cookie: `boardcast_token=${token}` } })).status).toBe(
      202,
    )
    expect(await upgrade(server, `/ws?token=${token}`, { Cookie: 'boardcast_token=x' })).toBe(101)
    expect(await upgrade(server, '/ws?ticket=x', { Cookie: `boardcast_token=${token}` })).not.toBe(403)
  })

  it('[HA5] may come from every page if every origin may call', async () => {
    const headers = { Host: 'localhost', Origin: 'https://evil.test', Authorization: `Bearer ${token}`, ...JSON_TYPE }
    expect((await ask(anyOrigin, { ...EVENT, headers })).status).toBe(202)
    expect((await ask(server, { ...EVENT, headers })).status).toBe(403)
  })

  it('[HA4] is not one while rights are off: the cookie is no credential', async () => {
    await using off = await startTestServer()
    const headers = { Host: 'localhost', Cookie: `boardcast_token=${token}`, ...JSON_TYPE }
    expect((await ask(off, { ...EVENT, headers })).status).toBe(202)
  })
})

describe('a page of a listed origin', () => {
  const page = { Host: 'localhost', Origin: LISTED, 'Sec-Fetch-Site': 'cross-site' }
  const exposed = 'Event-Id,X-Request-Id,Retry-After,Idempotency-Replayed'

  it('[HA7] may ask without a credential what it may send, and with the cookie', async () => {
    const headers = {
      ...page,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization',
    }
    const reply = await ask(server, { method: 'OPTIONS', target: '/api/v1/boards', headers })
    expect(reply.status).toBe(204)
    expect(reply.header('Access-Control-Allow-Origin')).toBe(LISTED)
    expect(reply.header('Access-Control-Allow-Credentials')).toBe('true')
    expect(reply.header('Access-Control-Allow-Headers')?.split(',')).toEqual(
      expect.arrayContaining(['Authorization', 'Content-Type', 'Idempotency-Key', 'Last-Event-ID']),
    )
  })

  it('[HA7] can read why it is refused, whatever the reason', async () => {
    const expired = await sign({ exp: 1, boardcast: { publish: ['*'] } })
    const narrow = await tokenFor(['topic:other'])
    for (const [credential, status] of [
      [{}, 401],
      [{ Authorization: `Bearer ${expired}` }, 401],
      [{ Authorization: `Bearer ${narrow}` }, 403],
    ] as const) {
      const reply = await ask(server, { ...EVENT, headers: { ...page, ...credential, ...JSON_TYPE } })
      expect(reply.status).toBe(status)
      expect(reply.header('Access-Control-Allow-Origin')).toBe(LISTED)
      expect(reply.header('Access-Control-Expose-Headers')).toBe(exposed)
      expect(reply.header('Vary')).toContain('Origin')
    }
  })

  it('[HA7] can read streams, and why one is refused', async () => {
    await using limited = await startServerWithRights({ corsOrigins: [LISTED], maxStreams: 1 })
    const credential = { Authorization: `Bearer ${await tokenFor(['topic:t'], [], { sub: 'one' })}` }
    const asked = { ...page, ...credential, Accept: 'text/event-stream' }
    await using held = await listen(limited.url, '/sse?channels=topic:t', { headers: asked })
    const streams = [{ status: held.status, header: (name: string) => held.header(name) }]
    for (const [target, headers] of [
      ['/sse?channels=topic:t', asked],
      ['/sse?channels=topic:t', { ...asked, Accept: '*/*' }],
      ['/sse?channels=topic:t', page],
      ['/sse?channels=topic:other', asked],
      ['/sse?channels=nonsense', asked],
    ] as const) {
      streams.push(await ask(limited, { target, headers }))
    }
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 429, 401, 403, 400])
    for (const { header } of streams) {
      expect(header('Access-Control-Allow-Origin')).toBe(LISTED)
      expect(header('Access-Control-Allow-Credentials')).toBe('true')
      expect(header('Access-Control-Expose-Headers')).toBe(exposed)
      expect(header('Vary')).toContain('Origin')
    }
  })

  it('[HA7] can read that it makes too many changes, and when to come back', async () => {
    await using limited = await startServerWithRights({ corsOrigins: [LISTED], rateMutations: 0.01, rateBurst: 1 })
    const headers = { ...page, Authorization: `Bearer ${token}`, ...JSON_TYPE }
    expect((await ask(limited, { ...EVENT, headers })).status).toBe(202)
    const reply = await ask(limited, { ...EVENT, headers })
    expect(reply.status).toBe(429)
    expect(Number(reply.header('Retry-After'))).toBeGreaterThan(0)
    expect(reply.header('Access-Control-Allow-Origin')).toBe(LISTED)
    expect(reply.header('Access-Control-Expose-Headers')).toBe(exposed)
  })

  it('[HA7] may use the cookie over Socket.IO as over HTTP, but not if every origin is listed', async () => {
    const target = `${SOCKET_IO}polling`
    const headers = { ...page, Cookie: `boardcast_token=${token}` }
    const reply = await ask(server, { target, headers })
    expect(reply.header('Access-Control-Allow-Origin')).toBe(LISTED)
    expect(reply.header('Access-Control-Allow-Credentials')).toBe('true')
    const any = await ask(anyOrigin, { target, headers: { ...page, Origin: 'https://evil.test' } })
    expect(any.header('Access-Control-Allow-Origin')).toBe('*')
    expect(any.header('Access-Control-Allow-Credentials')).toBeUndefined()
  })
})

describe('security headers', () => {
  const answers: ReadonlyArray<[string, number, Parameters<typeof rawRequest>[1]]> = [
    ['of the API', 401, { target: '/api/v1/boards' }],
    ['of a mutation', 401, { ...EVENT, headers: JSON_TYPE }],
    ['of operations', 200, { target: '/health' }],
    ['to a foreign host', 403, { target: '/health', headers: { Host: 'evil.test' } }],
    ['to a foreign page', 403, { ...EVENT, headers: { Origin: 'https://evil.test' } }],
    ['to a bad address', 400, { target: '/', headers: { Host: 'a b' } }],
    ['to a bad request', 400, { target: '/ x' }],
    ['to a WebSocket without an upgrade', 401, { target: '/ws' }],
    ['of Socket.IO', 200, { target: `${SOCKET_IO}polling` }],
  ]
  it.each(answers)('[HA3] are on the answer %s', async (_, status, request) => {
    const reply = await ask(server, { ...request, headers: { Host: 'localhost', ...request.headers } })
    expect(reply.status).toBe(status)
    expect(reply.header('X-Content-Type-Options')).toBe('nosniff')
    expect(reply.header('Cross-Origin-Resource-Policy')).toBe('same-origin')
    expect(reply.header('Content-Security-Policy')).toBe("default-src 'none'; frame-ancestors 'none'")
  })

  it('[HA3] are on the refusal of a socket', async () => {
    await using socket = new RawSocket(server.url, '/ws', { headers: { Origin: 'https://evil.test' } })
    await socket.until('a refusal', () => socket.status === 403)
    expect(socket.header('X-Content-Type-Options')).toBe('nosniff')
    expect(socket.header('Content-Security-Policy')).toContain("frame-ancestors 'none'")
  })

  it('[HA3] are on streams: those that concern them', async () => {
    const headers = { Host: 'localhost', Authorization: `Bearer ${token}` }
    const reply = await ask(server, { target: '/sse', headers })
    expect(reply.header('X-Content-Type-Options')).toBe('nosniff')
    expect(reply.header('Cross-Origin-Resource-Policy')).toBe('same-origin')
  })
})
