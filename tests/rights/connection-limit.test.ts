/** How many streams and sockets a client may hold, and that each place is given back, whatever ends the connection. */
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { eventually, type Stats } from '../support/board.ts'
import { answerLink, openLink } from '../support/page-login.ts'
import { RawSocket } from '../support/raw-socket.ts'
import type { TestServer } from '../support/server.ts'
import { startTestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { SocketIoClient } from '../support/socketio.ts'
import { Listener, listen } from '../support/stream.ts'
import { actingAs, bearer, seconds, startServerWithRights, tokenFor } from '../support/tokens.ts'

const MAX = 3

async function serve(overrides: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  const server = await startServerWithRights({ maxStreams: MAX, hasSocketIo: true, ...overrides })
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

const STREAM = '/sse?channels=topic:news'
const tokenOf = (sub: string) => tokenFor(['*'], ['*'], { sub })

/** Opens as many streams as fit, and waits until these are MAX: a place may be given back a moment after an end. */
async function fill(server: TestServer, token: string): Promise<Listener[]> {
  const held: Listener[] = []
  const deadline = Date.now() + 10_000
  while (held.length < MAX && Date.now() < deadline) {
    const listener = new Listener(server.url, STREAM, { headers: bearer(token) })
    const { event } = await listener.until('an answer', () => listener.frames[0])
    if (event === 'hello') held.push(listener)
    else await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(held).toHaveLength(MAX)
  return held
}

async function close(listeners: readonly Listener[]): Promise<void> {
  for (const listener of listeners) await listener[Symbol.asyncDispose]()
}

test.each([
  ['the password', 'master-password'],
  ['a token without a name', undefined],
])('[RS15] [AU22] the cookie that comes of %s is of the same client', async (_, password) => {
  const server = await serve({ token: 'master-password' })
  const token = password ?? (await tokenFor(['*']))
  const { ticket } = await actingAs(server, token).post<{ ticket: string }>('/tickets', {})
  const { cookie: given = '' } = await answerLink(server, await openLink(server, `/?ticket=${ticket}`))
  const cookie = given.split(';')[0] ?? ''
  const held = await fill(server, token)
  await using refused = new Listener(server.url, STREAM, { headers: { Cookie: cookie } })
  await refused.frame('overloaded')
  await close(held)
})

test('[RS15] a subject holds at most that many streams and sockets of all transports together, and others as many', async () => {
  const server = await serve()
  const token = await tokenOf('me')
  await using stream = await listen(server.url, STREAM, { headers: bearer(token) })
  await using socket = await SocketClient.open(server.url, '/ws', { headers: bearer(token) })
  await using client = await SocketIoClient.open(server.url, ['websocket'], { auth: { token } })
  expect([stream.status, socket.refused, client.socket.connected]).toEqual([200, null, true])

  await using refused = new Listener(server.url, STREAM, { headers: bearer(await tokenOf('me')) })
  await refused.frame('overloaded')
  await using refusedSocket = await SocketClient.open(server.url, '/ws', { headers: bearer(token) })
  expect(refusedSocket.refused).toBe(429)
  await using refusedClient = await SocketIoClient.open(server.url, ['polling'], { auth: { token } })
  expect(refusedClient.failures[0]).toMatchObject({ message: 'Rate limited', data: { code: 'RATE_LIMITED' } })
  // HEAD opens nothing.
  const head = await fetch(server.url + STREAM, { method: 'HEAD', headers: bearer(token) })
  expect(head.status).toBe(200)

  await close(await fill(server, await tokenOf('another')))
})

test('[RS16] an EventSource is told to come back, and other clients are answered 429', async () => {
  const server = await serve()
  const token = await tokenOf('me')
  const held = await fill(server, token)
  for (const [path, dataOf] of [
    [STREAM, (data: { data: unknown }) => data.data],
    ['/sse', (data: unknown) => data],
  ] as const) {
    await using listener = new Listener(server.url, path, { headers: bearer(token) })
    await listener.untilClosed()
    expect([listener.status, listener.ended]).toEqual([200, true])
    expect(listener.header('Content-Type')).toBe('text/event-stream; charset=utf-8')
    expect(listener.frames.map(({ event }) => event)).toEqual(['overloaded'])
    expect(listener.retry).toBeGreaterThanOrEqual(4_000)
    expect(listener.retry).toBeLessThanOrEqual(6_000)
    expect(dataOf(listener.frames[0]?.data)).toEqual({ retryMs: listener.retry })
  }
  for (const headers of [{ Accept: '*/*' }, { Accept: 'application/json' }] as const) {
    const response = await fetch(server.url + STREAM, { headers: { ...bearer(token), ...headers } })
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThanOrEqual(4)
    expect(await response.json()).toMatchObject({ code: 'rate_limited' })
  }
  await using socket = new RawSocket(server.url, '/ws', { headers: bearer(token) })
  await socket.until('a refusal', () => socket.status === 429 && socket.body !== '')
  expect(Number(socket.header('Retry-After'))).toBeGreaterThanOrEqual(4)
  expect(JSON.parse(socket.body)).toMatchObject({ code: 'rate_limited' })
  await close(held)
})

let tries = 0

/** What opens a connection, or tries to, and ends it, each in another way. */
const WAYS: Readonly<Record<string, (server: TestServer, token: string) => Promise<unknown>>> = {
  async 'a stream that the client kills'(server, token) {
    const listener = await listen(server.url, STREAM, { headers: bearer(token) })
    listener.socket.resetAndDestroy()
  },
  async 'a stream that the client kills while it opens'(server, token) {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => undefined)
    const request = `GET ${STREAM} HTTP/1.1\r\nHost: x.localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`
    await new Promise((resolve) => socket.write(request, resolve))
    socket.resetAndDestroy()
  },
  async 'a stream that waits behind another request, and is killed'(server, token) {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => undefined)
    const request = (path: string) =>
      `GET ${path} HTTP/1.1\r\nHost: x.localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`
    await new Promise((resolve) => socket.write(request('/api/v1/boards') + request(STREAM) + request(STREAM), resolve))
    await new Promise((resolve) => socket.once('data', resolve))
    socket.destroy()
  },
  async 'a stream that has reached its limit'(server, token) {
    const listener = await listen(server.url, `${STREAM}&limit=1`, { headers: bearer(token) })
    await actingAs(server, token).post('/topics/news/events', { event: 'x' })
    await listener.untilClosed()
  },
  async 'a stream that has reached its timeout'(server, token) {
    const listener = await listen(server.url, `${STREAM}&timeout=0.01`, { headers: bearer(token) })
    await listener.untilClosed()
  },
  'a stream of no board': (server, token) => fetch(`${server.url}/sse?boardId=nowhere`, { headers: bearer(token) }),
  'a malformed request': (server, token) => fetch(`${server.url}/sse?view=half`, { headers: bearer(token) }),
  async 'a socket that the client closes'(server, token) {
    const client = await SocketClient.open(server.url, '/ws', { headers: bearer(token) })
    client.websocket.close()
    await client.untilClosed()
  },
  async 'a socket that the client kills'(server, token) {
    const client = await SocketClient.open(server.url, '/ws', { headers: bearer(token) })
    client.websocket.terminate()
  },
  async 'a socket that the client kills while it opens'(server, token) {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => undefined)
    const lines = [
      ...['Host: x.localhost', 'Connection: Upgrade', 'Upgrade: websocket', `Authorization: Bearer ${token}`],
      ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='],
    ]
    // A cursor has to be looked up.
    socket.write(`GET /ws?channels=topic:news&since=00000000-1 HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    await new Promise((resolve) => socket.once('data', resolve))
    socket.resetAndDestroy()
  },
  async 'the socket of no board'(server, token) {
    const client = await SocketClient.open(server.url, '/ws?boardId=nowhere', { headers: bearer(token) })
    expect((await client.untilClosed()).code).toBe(1008)
  },
  async 'a handshake that is none'(server, token) {
    const response = await fetch(`${server.url}/ws`, { headers: bearer(token) })
    expect(response.status).toBe(426)
    const socket = connect(server.port, '127.0.0.1')
    const lines = ['Host: x.localhost', 'Connection: Upgrade', 'Upgrade: websocket', `Authorization: Bearer ${token}`]
    socket.write(`GET /ws HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    await new Promise((resolve) => socket.once('close', resolve).resume())
  },
  async 'a client of Socket.IO that disconnects'(server, token) {
    const client = await SocketIoClient.open(server.url, ['websocket'], { auth: { token } })
    client.socket.disconnect()
  },
  async 'a client of Socket.IO that is killed'(server, token) {
    const client = await SocketIoClient.open(server.url, ['websocket'], { auth: { token } })
    client.connection.destroy()
  },
  async 'a client of Socket.IO that is killed while its token is verified'(server) {
    // A token that was not seen before takes a moment to verify.
    tries += 1
    const token = await tokenFor(['*'], ['*'], { sub: 'me', nbf: seconds(-tries) })
    const websocket = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
    await new Promise((resolve) => websocket.once('message', resolve))
    await new Promise((resolve) => websocket.send(`40${JSON.stringify({ token })}`, resolve))
    websocket.terminate()
  },
}

test.each(Object.entries(WAYS))('[RS17] %s gives its place back', async (_, way) => {
  const server = await serve()
  const token = await tokenOf('me')
  for (let n = 0; n < 2 * MAX; n++) {
    await way(server, token)
    // So that the next one is not refused for the moment that an end takes.
    await close(await fill(server, token))
  }
  const held = await fill(server, token)
  await using refused = new Listener(server.url, STREAM, { headers: bearer(token) })
  await refused.frame('overloaded')
  await close(held)
  // None of those that have gone is still taken for a listener.
  const headers = bearer(await tokenFor([], [], { boardcast: { admin: true } }))
  await eventually('the end of all', async () => {
    const answer = await fetch(`${server.url}/stats`, { headers })
    return ((await answer.json()) as Stats).connections.total === 0
  })
})

test('[RS17] a socket that is renewed counts for whoever the new token belongs to', async () => {
  const server = await serve()
  // Without a subject, every token counts for itself.
  const [first, second] = [await tokenFor(['*'], ['*']), await tokenFor(['*'], ['topic:*'])]
  await using client = await SocketClient.open(server.url, '/ws', { headers: bearer(first) })
  expect(await client.ask({ type: 'auth', token: second })).toMatchObject({ success: true })
  await close(await fill(server, first))
  const others = [await listen(server.url, STREAM, { headers: bearer(second) })]
  others.push(await listen(server.url, STREAM, { headers: bearer(second) }))
  await using refused = new Listener(server.url, STREAM, { headers: bearer(second) })
  await refused.frame('overloaded')
  client.websocket.close()
  await client.untilClosed()
  await close(others)
  await close(await fill(server, second))
})

test('[RS15] without rights nobody is limited on loopback', async () => {
  await using server = await startTestServer({ maxStreams: MAX })
  const held = []
  for (let n = 0; n < MAX + 2; n++) held.push(await listen(server.url, STREAM))
  await close(held)
})

test('[RS15] without rights and beyond loopback, every address holds that many', async () => {
  await using server = await startTestServer({ maxStreams: MAX, host: '0.0.0.0', isAuthOff: true })
  const url = `http://127.0.0.1:${server.port}`
  const held = []
  for (let n = 0; n < MAX; n++) held.push(await listen(url, STREAM))
  await using refused = new Listener(url, STREAM)
  await refused.frame('overloaded')
  await using socket = await SocketClient.open(url, '/ws', { localAddress: '127.0.0.2' })
  expect(socket.refused).toBe(null)
  await using refusedSocket = await SocketClient.open(url, '/ws')
  expect(refusedSocket.refused).toBe(429)
  await close(held)
})
