/**
 * Random bytes and random requests at every door, with rights on: no answer is 5xx, nothing crashes, and the server answers
 * afterwards. Rule HA31 of docs/security.md.
 */
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { chooseSeed } from '../support/random.ts'
import { clientFrame } from '../support/raw-socket.ts'
import type { TestServer } from '../support/server.ts'
import { startServerWithRights, tokenFor } from '../support/tokens.ts'

let server: TestServer
let token: string
beforeAll(async () => {
  token = await tokenFor(['*'])
  server = await startServerWithRights({
    rateMutations: Infinity,
    hasSocketIo: true,
    corsOrigins: ['https://app.example'],
  })
})
afterAll(() => server[Symbol.asyncDispose]())

afterEach(async () => {
  const { status } = await fetch(`${server.url}/api/v1/cursor`, { headers: { Authorization: `Bearer ${token}` } })
  expect(status).toBe(200)
})

/** Sends bytes in pieces, and resolves to what came back when the server is done or has said enough. */
function exchange(pieces: readonly Uint8Array[], enoughMs = 60): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1')
    let answer = ''
    const patience = setTimeout(() => socket.destroy(), enoughMs)
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(patience)
      resolve(answer)
    })
    for (const piece of pieces) socket.write(piece)
  })
}

/** How many answers had each status. */
const statuses = new Map<number, number>()

function expectNoFailure(answer: string, request: string): void {
  for (const [, text] of answer.matchAll(/HTTP\/1\.1 (\d{3})/g)) {
    const status = Number(text)
    expect(status, request).toBeLessThan(500)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  expect(answer).not.toContain('"code":"internal"')
  expect(answer).not.toContain('"code":"INTERNAL"')
}

/** More of each, to look for longer. */
const RUNS = Number(process.env.BOARDCAST_FUZZ_RUNS ?? 1)
const run = { seed: chooseSeed(), endOnFailure: true }
const text = fc.string({ unit: 'binary', maxLength: 60 })
const line = fc.oneof(
  text,
  fc.constantFrom('global', 'board:demo', '*', 'topic:t', 'agent:', 'now', '0', '-1', '1e999'),
)
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND')
const PATHS = [
  '/',
  '/sse',
  '/events/a',
  '/ws',
  '/api/v1/events',
  '/api/v1/boards',
  '/api/v1/tickets',
  '/api/v1/cursor',
  '/socket.io/',
  '/health',
  '/stats',
  '/metrics',
  '/assets/x',
]
const path = fc.oneof(
  fc.constantFrom(...PATHS),
  text.map((given) => `/${encode(given)}`),
  text,
)
const PARAMETERS = [
  'channels',
  'boardId',
  'projectId',
  'view',
  'types',
  'since',
  'lastEventId',
  'last_event_id',
  'after',
  'limit',
  'timeout',
  'names',
  'ticket',
  'token',
  'agent_id',
  'session_id',
  'global',
  'EIO',
  'transport',
  'sid',
]
const query = fc.array(fc.tuple(fc.constantFrom(...PARAMETERS), line), { maxLength: 4 })
const FRAMING = fc.constantFrom('Content-Length', 'Transfer-Encoding', 'Expect')
const HEADERS = [
  'Authorization',
  'Cookie',
  'Origin',
  'Host',
  'Last-Event-ID',
  'Idempotency-Key',
  'Content-Type',
  'Accept-Encoding',
  'Range',
  'If-None-Match',
  'Upgrade',
  'X-Forwarded-For',
  'X-Forwarded-Prefix',
  'X-Request-Id',
  'Sec-WebSocket-Key',
  'Connection',
]
const VALUES = [
  'gzip',
  'chunked',
  '0',
  '-5',
  '99999999999',
  'close',
  'Upgrade',
  'websocket',
  '100-continue',
  'bytes=0-',
  'null',
  'https://app.example',
  'Bearer ',
  'Bearer a.b.c',
  'boardcast_token=%zz',
  'application/json',
]
const value = fc.oneof(fc.constantFrom(...VALUES), text)
const headers = fc.array(
  // Those that decide where a request ends are rare, since they hide everything else.
  fc.tuple(fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...HEADERS) }, { weight: 1, arbitrary: FRAMING }), value),
  { maxLength: 5 },
)

function encode(given: string): string {
  return [...Buffer.from(given)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

function requestText(
  asked: string,
  target: string,
  given: ReadonlyArray<readonly [string, string]>,
  body: string,
): string {
  const lines = [
    ['Host', 'localhost'],
    ['Authorization', `Bearer ${token}`],
    ['Content-Length', String(Buffer.byteLength(body, 'latin1'))],
    ...given,
  ]
  // The last of each name, so that most requests get past the first check.
  const unique = new Map(lines.map(([name = '', field = '']) => [name, field.replace(/[^\x20-\x7e]/g, '?')]))
  return `${asked} ${target} HTTP/1.1\r\n${[...unique].map(([name, field]) => `${name}: ${field}\r\n`).join('')}\r\n${body}`
}

describe('over HTTP', () => {
  it('[HA31] bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    const spoilt = fc
      .tuple(path, headers, fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { minLength: 1, maxLength: 4 }))
      .map(([target, given, changes]) => {
        const request = Buffer.from(requestText('GET', target, given, ''), 'latin1')
        for (const [at, byte] of changes) if (at < request.length) request[at] = byte
        return new Uint8Array(request)
      })
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, spoilt), fc.nat(300), async (all, cut) => {
        expectNoFailure(await exchange([all.subarray(0, cut), all.subarray(cut)]), Buffer.from(all).toString('latin1'))
      }),
      { ...run, numRuns: RUNS * 60 },
    )
  })

  it('[HA31] methods, paths, parameters, headers and bodies', async () => {
    statuses.clear()
    await fc.assert(
      fc.asyncProperty(method, path, query, headers, text, async (asked, where, parameters, given, body) => {
        const search = parameters.map(([name, each]) => `${name}=${encode(each)}`).join('&')
        const target = `${where.replace(/[^\x21-\x7e]/g, '_') || '/'}?${search}`
        const request = requestText(asked, target, given, body)
        expectNoFailure(await exchange([Buffer.from(request, 'latin1')]), request)
      }),
      { ...run, numRuns: RUNS * 120 },
    )
    const read = [...statuses].reduce((sum, [status, count]) => sum + (status === 400 ? 0 : count), 0)
    expect(read, 'requests that were not just unreadable').toBeGreaterThan(40)
  })

  it('[HA31] tokens, tickets and cursors', async () => {
    const part = fc.oneof(
      fc.constantFrom(...token.split('.')),
      fc.jsonValue().map((json) => Buffer.from(JSON.stringify(json)).toString('base64url')),
      fc.constantFrom('', '.', '{}', 'eyJhbGciOiJub25lIn0'),
      fc.base64String({ maxLength: 60 }),
    )
    const credential = fc.oneof(
      fc.tuple(part, part, part).map((parts) => parts.join('.')),
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
      fc.string({ maxLength: 100 }),
      fc.constantFrom('%', '%zz', '%e0%a4'),
    )
    const cursor = fc.oneof(
      fc
        .tuple(fc.string({ maxLength: 10 }), fc.oneof(fc.integer(), fc.double(), fc.bigInt()))
        .map((parts) => parts.join('-')),
      text,
    )
    await fc.assert(
      fc.asyncProperty(credential, cursor, async (given, since) => {
        const field = encodeURIComponent(given.toWellFormed())
        const from = encode(since)
        const targets = [
          `/sse?channels=topic:t&timeout=0.01&ticket=${field}`,
          `/sse?channels=topic:t&timeout=0.01&token=${field}`,
          `/sse?channels=topic:t&timeout=0.01&token=${token}&since=${from}`,
          `/api/v1/events?channels=global&after=${from}`,
        ]
        for (const target of targets) {
          const answer = await fetch(server.url + target, {
            headers: {
              Accept: 'text/event-stream',
              ...(target.includes('/api/') && { Authorization: `Bearer ${token}` }),
            },
          })
          expectNoFailure(`HTTP/1.1 ${answer.status} ${await answer.text()}`, target)
        }
        for (const text of [field, given.replace(/[^\x21-\x7e]/g, '%')]) {
          const cookie = await fetch(`${server.url}/api/v1/boards`, { headers: { Cookie: `boardcast_token=${text}` } })
          if (given !== token) expect(cookie.status).toBe(401)
        }
      }),
      { ...run, numRuns: RUNS * 40 },
    )
  })
})

describe('over streams', () => {
  it('[HA31] parameters', async () => {
    const number = fc.oneof(line, fc.double().map(String), fc.integer().map(String))
    const channels = fc.array(line, { minLength: 1, maxLength: 4 }).map((names) => names.join(','))
    const view = fc.constantFrom('full', 'diff', 'half', '')
    await fc.assert(
      fc.asyncProperty(channels, line, number, number, view, async (listed, id, limit, timeout, shown) => {
        const rest = `limit=${encode(limit)}&timeout=0.01&types=${encode(id)}`
        for (const target of [
          `/sse?channels=${encode(listed)}&timeout=0.01`,
          `/sse?channels=topic:t&${rest}`,
          `/sse?channels=topic:t&timeout=${encode(timeout)}&limit=0`,
          `/sse?boardId=${encode(id)}&view=${shown}&timeout=0.01`,
          `/events/${encode(id)}?${rest}`,
          `/ws?channels=${encode(listed)}&agent_id=${encode(id)}`,
          `/api/v1/events?channels=${encode(listed)}&limit=${encode(limit)}`,
        ]) {
          const headers = { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' }
          const answer = await fetch(server.url + target, { headers })
          expectNoFailure(`HTTP/1.1 ${answer.status} ${await answer.text()}`, target)
        }
      }),
      { ...run, numRuns: RUNS * 40 },
    )
  })
})

describe('over sockets', () => {
  const UPGRADE =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const open = (target: string, host = 'localhost', more = '') =>
    Buffer.from(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${UPGRADE}${more}\r\n`)
  const target = fc
    .constantFrom('/ws?', '/ws/dashboard?', '/socket.io/?EIO=4&transport=websocket&')
    .map((where) => `${where}token=${token}`)

  it('[HA31] hosts and origins', async () => {
    const printable = value.map((given) => given.replace(/[^\x20-\x7e]/g, '?'))
    await fc.assert(
      fc.asyncProperty(target, printable, printable, async (where, host, origin) => {
        expectNoFailure(await exchange([open(where, host, `Origin: ${origin}\r\n`)]), `${where} ${host} ${origin}`)
      }),
      { ...run, numRuns: RUNS * 20 },
    )
  })

  it('[HA31] bytes after the handshake', async () => {
    await fc.assert(
      fc.asyncProperty(target, fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }), async (where, pieces) => {
        expectNoFailure(await exchange([open(where), ...pieces]), where)
      }),
      { ...run, numRuns: RUNS * 50 },
    )
  })

  it('[HA31] frames with random messages', async () => {
    const type = fc.constantFrom(
      'subscribe',
      'unsubscribe',
      'publish',
      'auth',
      'ping',
      'create_card',
      'get_state',
      '__proto__',
    )
    const message = fc.record(
      {
        type: fc.oneof(type, text),
        id: fc.oneof(fc.integer(), text, fc.jsonValue()),
        channel: line,
        since: line,
        event: line,
        data: fc.jsonValue(),
        payload: fc.jsonValue(),
        token: line,
        agent_id: line,
        session_id: line,
      },
      { requiredKeys: ['type'] },
    )
    const payload = fc.oneof(
      message.map((each) => JSON.stringify(each)),
      fc.array(fc.jsonValue()).map((each) => `42${JSON.stringify(each)}`),
      fc.constant('40'),
      text,
    )
    await fc.assert(
      fc.asyncProperty(target, fc.array(payload, { maxLength: 6 }), async (where, payloads) => {
        const frames = payloads.map((each) => clientFrame({ payload: each }))
        expectNoFailure(await exchange([open(where), ...frames]), `${where} ${payloads.join(' ')}`)
      }),
      { ...run, numRuns: RUNS * 80 },
    )
  })
})
