/** How sockets open, and how they are refused. Rules W1 to W7 and W9. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { makeBoard, stats } from '../support/board.ts'
import { ask, expectProblem } from '../support/http.ts'
import { clientFrame, RawSocket } from '../support/raw-socket.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { listen } from '../support/stream.ts'

const LISTED = 'https://board.example'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ corsOrigins: [LISTED] })
})
afterAll(() => server[Symbol.asyncDispose]())

/** The answer to an upgrade that is refused. */
async function refusal(path: string, headers: Readonly<Record<string, string>> = {}) {
  await using peer = new RawSocket(server.url, path, { headers })
  await peer.until('the end', () => peer.ended)
  expect(peer.header('Content-Type')).toBe('application/problem+json')
  expect(peer.header('Content-Length')).toBe(String(Buffer.byteLength(peer.body)))
  expect(peer.header('X-Request-Id')).toMatch(/^[\w.:-]+$/)
  expect(peer.header('Connection')).toBe('close')
  const body = JSON.parse(peer.body)
  expect(body).toEqual({
    type: 'about:blank',
    title: expect.any(String),
    status: peer.status,
    detail: expect.stringMatching(/\.$/),
    code: expect.any(String),
    error: body.title,
  })
  return { status: peer.status, code: body.code, detail: body.detail as string, peer }
}

describe('addresses', () => {
  it.each(['', '/api/v1'])('[W1] [W10] [W20] of board, dashboard and channel sockets under %j', async (prefix) => {
    const board = await makeBoard(server)
    for (const name of ['boardId', 'projectId']) {
      await using socket = await SocketClient.open(server.url, `${prefix}/ws?${name}=${board.id}`)
      const state = await socket.first('the state', ({ type }) => type === 'state')
      expect(state.payload.boardId).toBe(board.id)
    }
    await using dashboard = await SocketClient.open(server.url, `${prefix}/ws/dashboard`)
    await dashboard.first('the overview', ({ type }) => type === 'dashboard_overview')
    await using channels = await SocketClient.open(server.url, `${prefix}/ws`)
    await channels.first('hello', ({ event }) => event === 'hello')
    expect(channels.messages[0]?.type).toBe('connected')
  })

  it('[W1] an upgrade at the bare host opens a channel socket', async () => {
    await using socket = await SocketClient.open(server.url, '/?global=0&channels=topic:bare')
    await socket.first('hello', ({ event }) => event === 'hello')
    expect(socket.messages[0]?.type).toBe('connected')
    const { eventId } = await server.post('/topics/bare/events', { event: 'said', data: 1 })
    expect(await socket.id(eventId)).toMatchObject({ channel: 'topic:bare', event: 'said' })
  })

  it.each(['/ws/', '/ws/x', '/sse', '/api/v1', '/api/v1/boards', '/ws/dashboard/x', '//ws', '/%77s'])(
    '[W1] there is no socket at %s',
    async (path) => {
      expect(await refusal(path)).toMatchObject({ status: 404, code: 'not_found' })
    },
  )

  it.each(['/ws', '/ws?boardId=nope', '/ws/dashboard', '/api/v1/ws', '/api/v1/ws/dashboard'])(
    '[W2] a plain GET of %s is answered 426',
    async (path) => {
      const reply = await ask(server, 'GET', `/${path}`)
      expectProblem(reply, 426, 'upgrade_required')
      expect(reply.headers.get('Upgrade')).toBe('websocket')
    },
  )
})

describe('refusals before the upgrade', () => {
  it.each([
    '?boardId=',
    '?projectId=',
    '?boardId=x&view=half',
    '?limit=0',
    '?limit=1.5',
    '?timeout=never',
    '?agent_id=a%20b',
    `?agent_id=${'a'.repeat(201)}`,
    '?session_id=%0A',
    '?agent_id=..',
  ])('[W3] /ws%s cannot be', async (query) => {
    expect(await refusal(`/ws${query}`)).toMatchObject({ status: 400, code: 'bad_request' })
  })

  it('[W3] an address that cannot be read', async () => {
    expect(await refusal('http://[/ws')).toMatchObject({ status: 400, code: 'bad_request' })
  })

  it('[W3] end the connection even if the client keeps its side open', async () => {
    await using own = await startTestServer()
    await using peer = new RawSocket(own.url, '/nowhere')
    await peer.until('the end', () => peer.ended)
    // A shutdown would wait for the connection.
    await own.close()
    expect(peer.status).toBe(404)
  })

  it.each([['an invalid key', { 'Sec-WebSocket-Key': 'short' }, 400]])('[W3] %s', async (_, headers, status) => {
    await using peer = new RawSocket(server.url, '/ws', { headers })
    await peer.until('the end', () => peer.ended)
    expect(peer.status).toBe(status)
  })

  it('[W4] meet pages of other origins, unless they are listed', async () => {
    const { host } = new URL(server.url)
    for (const path of ['/ws', '/ws/dashboard']) {
      for (const origin of [
        'https://evil.example',
        `https://evil.example:${server.port}`,
        'null',
        `http://${host}.x`,
      ]) {
        expect(await refusal(path, { Origin: origin })).toMatchObject({ status: 403, code: 'forbidden' })
      }
      for (const origin of [`http://${host}`, `https://${host}`, LISTED]) {
        await using peer = await RawSocket.open(server.url, path, { headers: { Origin: origin } })
        expect(peer.status).toBe(101)
      }
    }
    const { detail } = await refusal('/ws', { Origin: 'https://evil.example' })
    expect(detail).toContain('https://evil.example')
    expect(detail).toContain('BOARDCAST_CORS_ORIGINS')
  })

  it('[W5] a board that does not exist closes its socket, whatever was sent meanwhile', async () => {
    for (const query of ['boardId=nope', 'projectId=nope', 'boardId=nope&since=earliest']) {
      await using socket = new SocketClient(server.url, `/ws?${query}`)
      socket.websocket.on('open', () => socket.send({ type: 'get_state' }))
      expect(await socket.untilClosed()).toEqual({ code: 1008, reason: 'Board not found' })
      expect(socket.messages).toEqual([])
    }
  })
})

describe('an offer of another protocol', () => {
  const OFFER = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n'

  /** Sends requests over one connection, each after the answer to the previous one. Resolves to all answers. */
  async function exchange(awaited: RegExp, requests: readonly string[]): Promise<string[]> {
    const socket = connect(server.port)
    const answers: string[] = []
    for (const request of requests) {
      socket.write(request)
      let answer = ''
      while (!awaited.test(answer)) answer += String((await once(socket, 'data'))[0])
      answers.push(answer)
    }
    socket.destroy()
    return answers
  }

  it('[W6] is ignored: requests are served as if it had not been made', async () => {
    const warnings: Error[] = []
    process.on('warning', (warning) => warnings.push(warning))
    const get = `GET /health/live HTTP/1.1\r\nHost: localhost\r\n${OFFER}\r\n`
    for (const answer of await exchange(
      /"live"/,
      Array.from({ length: 15 }, () => get),
    )) {
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
      expect(answer).not.toMatch(/^upgrade:/im)
    }
    const body = JSON.stringify({ id: 'offered', name: 'Übertragen' })
    const post = `POST /api/v1/boards HTTP/1.1\r\nHost: localhost\r\n${OFFER}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`
    expect(await exchange(/Übertragen/, [post + body])).toEqual([expect.stringContaining('201 Created')])
    expect(await exchange(/event: hello/, [`GET /sse HTTP/1.1\r\nHost: localhost\r\n${OFFER}\r\n`])).toEqual([
      expect.stringContaining('text/event-stream'),
    ])
    expect(warnings).toEqual([])
  })

  it('[W6] of curl --http2 is ignored, and curl gets its answer', async () => {
    const { stdout } = await promisify(execFile)('curl', ['-s', '--http2', `${server.url}/api/v1/cursor`])
    expect(JSON.parse(stdout)).toEqual({ cursor: expect.any(String) })
  })
})

describe('subprotocols and other versions', () => {
  const SOCKETS = ['/ws', '/ws/dashboard', '/socket.io/?EIO=4&transport=websocket']
  let own: TestServer
  beforeAll(async () => {
    own = await startTestServer({ hasSocketIo: true })
  })
  afterAll(() => own[Symbol.asyncDispose]())

  it.each(SOCKETS)('[W9] are not agreed to: a subprotocol at %s', async (path) => {
    for (const offer of ['json', 'graphql-ws, json', 'a,,b']) {
      const key = { 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' }
      const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Protocol': offer, ...key }
      const [answer, socket] = await once(get(own.url + path, { headers }), 'upgrade')
      socket.destroy()
      expect([answer.statusCode, answer.headers['sec-websocket-protocol']]).toEqual([101, undefined])
    }
  })

  it('[W9] a client that requires a subprotocol ends the connection itself', async () => {
    const client = new WebSocket(`${own.url.replace('http', 'ws')}/ws`, ['json'])
    const [error] = await once(client, 'error')
    expect(error.message).toContain('no subprotocol')
  })

  it.each(SOCKETS)('[W9] are not agreed to: a version other than 13 at %s', async (path) => {
    for (const version of ['8', '9', '14', '13, 8']) {
      await using peer = new RawSocket(own.url, path, { headers: { 'Sec-WebSocket-Version': version } })
      await peer.until('the end', () => peer.ended)
      expect([peer.status, peer.header('Sec-WebSocket-Version'), peer.header('Upgrade')]).toEqual([
        426,
        '13',
        'websocket',
      ])
      expect(JSON.parse(peer.body)).toMatchObject({ code: 'upgrade_required', status: 426 })
    }
  })
})

describe('an open socket', () => {
  it('[W7] has no extensions', async () => {
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }
    await using peer = await RawSocket.open(server.url, '/ws', { headers })
    expect(peer.header('Sec-WebSocket-Extensions')).toBeUndefined()
    expect(peer.header('Sec-WebSocket-Accept')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    // The parser of the client refuses reserved bits.
    await peer.until('hello', () => peer.messages.length === 2)
  })

  it('[W20] receives messages that the client sent with its request', async () => {
    const early = clientFrame({ payload: '{"type":"ping","timestamp":7}' })
    await using peer = await RawSocket.open(server.url, '/ws', { early })
    await peer.until('the pong', () => peer.messages.some(({ type }) => type === 'pong'))
    expect(peer.messages[0].type).toBe('connected')
  })

  it('[W1] is counted by its transport', async () => {
    await using own = await startTestServer()
    await using stream = await listen(own.url, '/sse')
    await using socket = await SocketClient.open(own.url, '/ws/dashboard')
    await socket.first('the overview', ({ type }) => type === 'dashboard_overview')
    expect((await stats(own)).connections).toMatchObject({ total: 2, sse: 1, ws: 1 })
    expect(stream.status).toBe(200)
  })
})
