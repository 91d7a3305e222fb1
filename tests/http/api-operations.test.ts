/** Health, statistics, metrics, the web app, and pages of other origins. Rules OPS1 to OPS6. */
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { appendLines, makeBoard, makeWork } from '../support/board.ts'
import { ask, expectProblem, newestId } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await makeBoard(server, 'demo')
})
afterAll(() => server[Symbol.asyncDispose]())

const count = z.int().min(0)
const channelStats = z.record(z.string(), z.int().positive())
const isoTime = z.iso.datetime({ precision: 3 })

const health = z.strictObject({
  status: z.literal('healthy'),
  type: z.literal('boardcast'),
  node: z.string(),
  port: z.int(),
  connectedClients: count,
  activeChannels: count,
  channelStats,
  timestamp: isoTime,
})

const stats = z.looseObject({
  connectedClients: count,
  activeChannels: count,
  connections: z.looseObject({ total: count, sse: count, ws: count, behind: count }),
  bytes: z.looseObject({ written: count, pending: count }),
  channelStats,
  log: z.looseObject({ epoch: z.string(), oldest: z.string(), newest: z.string() }),
  uptimeSeconds: count,
  memory: z.looseObject({ rss: z.int().positive(), heapUsed: z.int().positive() }),
})

describe('/health', () => {
  it('[OPS1] has the port, and the listeners per channel', async () => {
    await using _board = await listen(server.url, '/sse?boardId=demo')
    await using _diff = await listen(server.url, '/sse?boardId=demo&view=diff')
    await using _many = await listen(server.url, '/sse?channels=agent:a,board:demo,topic:t')
    const reply = await ask(server, 'GET', '//health')
    expect([reply.status, reply.headers.get('Content-Type')]).toEqual([200, 'application/json'])
    const told = health.parse(reply.body)
    expect(told).toMatchObject({
      port: server.port,
      connectedClients: 3,
      activeChannels: 3,
      // Both views of a board count as the board.
      channelStats: { 'board:demo': 3, 'agent:a': 1, 'topic:t': 1 },
    })
  })

  it('[OPS2] /live and /ready answer on a healthy server', async () => {
    expect((await ask(server, 'GET', '//health/live')).status).toBe(200)
    const before = await newestId(server)
    expect((await ask(server, 'GET', '//health/ready')).status).toBe(200)
    expect(await newestId(server), 'the probe is no event').toBe(before)
  })
})

describe('/stats', () => {
  it('[N13b] the cluster of a server alone is the one node', async () => {
    await using own = await startTestServer({ node: 'solo' })
    await using _listener = await listen(own.url, '/sse?channels=global')
    let { body } = await ask(own, 'GET', '//stats')
    // On PostgreSQL the streams are those of the last renewal of the lease.
    while (body.cluster.nodes[0].streams === 0) body = (await ask(own, 'GET', '//stats')).body
    expect(body).toMatchObject({
      node: 'solo',
      cluster: { nodes: [{ node: 'solo', streams: 1, leader: true }], head: await newestId(own) },
    })
    for (const time of ['startedAt', 'seenAt'])
      expect(isoTime.safeParse(body.cluster.nodes[0][time]).success).toBe(true)
    const metrics = await (await fetch(`${own.url}/metrics`)).text()
    expect(metrics).toMatch(/^boardcast_nodes 1$/m)
    expect(metrics).toMatch(/^boardcast_leader 1$/m)
  })

  it('[OPS3] has connections, bytes, the log, uptime and memory', async () => {
    await using listener = await listen(server.url, '/sse?channels=global')
    const { eventId, attempt } = await (async () => {
      const work = await makeWork(server)
      return { ...(await appendLines(server, work.attempt.id, ['a', 'b'])), attempt: work.attempt }
    })()
    await listener.id(eventId)
    const told = stats.parse((await ask(server, 'GET', '//stats')).body)
    expect(told.connections).toMatchObject({ total: 1, sse: 1, ws: 0, behind: 0 })
    expect(told.log.newest).toBe(eventId)
    expect(told.log.newest.startsWith(`${told.log.epoch}-`)).toBe(true)
    expect(told.bytes.written).toBeGreaterThanOrEqual(Buffer.byteLength(listener.body))
    expect(attempt.id).not.toBe('')
  })

  it('[OPS3] counts clients and channels as /health does', async () => {
    await using _stream = await listen(server.url, '/sse?channels=agent:a,topic:t')
    await using _socket = await SocketClient.open(server.url, '/ws')
    const told = stats.parse((await ask(server, 'GET', '//stats')).body)
    const { connectedClients, activeChannels, channelStats } = health.parse((await ask(server, 'GET', '//health')).body)
    expect(told).toMatchObject({ connectedClients, activeChannels, channelStats })
    expect([connectedClients, activeChannels]).toEqual([2, 3])
  })
})

describe('/metrics', () => {
  it('[OPS4] is Prometheus text: every sample belongs to a family with help and type', async () => {
    await using _listener = await listen(server.url, '/sse?boardId=demo')
    const reply = await ask(server, 'GET', '//metrics')
    expect(reply.status).toBe(200)
    expect(reply.headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const samples = parsePrometheus(reply.text)
    expect(samples.get('boardcast_streams{transport="sse"}')).toBe(1)
    expect(samples.get('boardcast_streams{transport="ws"}')).toBe(0)
    expect(samples.get('boardcast_log_newest')).toBe(Number((await newestId(server)).split('-')[1]))
    expect(samples.get('boardcast_log_oldest')).toBe(0)
    for (const name of ['boardcast_streams_behind', 'boardcast_audiences', 'process_resident_memory_bytes']) {
      expect(samples.get(name), name).toBeTypeOf('number')
    }
  })

  it('[OPS4] of two servers in one process are separate', async () => {
    await using other = await startTestServer()
    await using _listener = await listen(server.url, '/sse')
    const samples = parsePrometheus((await ask(other, 'GET', '//metrics')).text)
    expect(samples.get('boardcast_streams{transport="sse"}')).toBe(0)
  })
})

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABELS = '\\{(?:[a-zA-Z_]\\w*="(?:[^"\\\\\\n]|\\\\.)*",?)+\\}'
const SAMPLE = new RegExp(`^(${NAME})(${LABELS})? (nan|[+-]?inf|[-+.\\de]+)( \\d+)?$`, 'i')

/** Parses the text format (version 0.0.4); throws on an invalid line. Values are parsed as in Go. */
function parsePrometheus(text: string): Map<string, number> {
  expect(text.endsWith('\n')).toBe(true)
  const types = new Map<string, string>()
  const helps = new Set<string>()
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const meta = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line)
    if (meta) {
      const [, kind, name = '', rest = ''] = meta
      if (kind === 'HELP') helps.add(name)
      else types.set(name, z.enum(['counter', 'gauge', 'histogram', 'summary', 'untyped']).parse(rest))
      continue
    }
    const sample = SAMPLE.exec(line)
    if (!sample) throw new Error(`no sample: ${line}`)
    const [, name = '', labels = '', value = ''] = sample
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
    expect(types.has(family) && helps.has(family), line).toBe(true)
    expect(samples.has(name + labels), `${line} repeats`).toBe(false)
    samples.set(name + labels, Number(value))
  }
  return samples
}

const built = fileURLToPath(new URL('../../dist/web/index.html', import.meta.url))

describe.skipIf(!existsSync(built))('the web app', () => {
  it('[OPS5] answers every page address with the same page, and its content security policy', async () => {
    for (const path of ['//', '//boards/demo', '//some/where/else']) {
      const reply = await ask(server, 'GET', path, { headers: { Accept: 'text/html,*/*' } })
      expect([reply.status, reply.headers.get('Content-Type')], path).toEqual([200, 'text/html; charset=utf-8'])
      expect(reply.text, path).toBe(readFileSync(built, 'utf8'))
      expect(reply.headers.get('Content-Security-Policy'), path).toMatch(/^default-src 'self'; /)
      expect(reply.headers.get('X-Content-Type-Options'), path).toBe('nosniff')
    }
  })

  it('[OPS5] serves the files of the page with their types', async () => {
    const page = readFileSync(built, 'utf8')
    const sources = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '')
    expect(sources.length).toBeGreaterThan(1)
    for (const path of sources) {
      const { status, headers } = await ask(server, 'GET', `/${path}`)
      expect(status, path).toBe(200)
      expect(headers.get('Content-Type'), path).toMatch(/javascript|css|svg/)
    }
  })

  it('[OPS5] does not answer programs, or missing files', async () => {
    expectProblem(await ask(server, 'GET', '//nowhere'), 404, 'not_found')
    expectProblem(await ask(server, 'GET', '//assets/none.js', { headers: { Accept: '*/*' } }), 404, 'not_found')
    expectProblem(await ask(server, 'POST', '//', { json: {} }), 404, 'not_found')
  })

  it.each([
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/assets/..%5c..%5c..%5cpackage.json',
    '//etc/passwd',
  ])('[OPS5] serves nothing outside its folder: %s', async (path) => {
    // On a raw socket, because fetch would normalise the path.
    const answer = await new Promise<string>((resolve, reject) => {
      let text = ''
      const socket = connect(server.port, '127.0.0.1', () =>
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
      )
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('end', () => resolve(text))
      socket.on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(answer).not.toMatch(/"devDependencies"|root:/)
  })
})

describe('pages of other origins', () => {
  const ORIGIN = 'https://app.example'
  const preflight = (to: TestServer, origin = ORIGIN) =>
    ask(to, 'OPTIONS', '/boards', {
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type,idempotency-key',
      },
    })
  const corsHeaders = ({ headers }: { headers: Headers }) =>
    [...headers.keys()].filter((name) => name.startsWith('access-control'))

  it('[OPS6] may call when they are listed', async () => {
    await using open = await startTestServer({ corsOrigins: [ORIGIN, 'http://localhost:5173'] })
    const allowed = await preflight(open)
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN)
    const words = (name: string) => (allowed.headers.get(name) ?? '').split(/, ?/).sort()
    expect(words('Access-Control-Allow-Headers')).toEqual(
      ['Authorization', 'Cache-Control', 'Content-Type', 'Idempotency-Key', 'Last-Event-ID', 'X-Request-Id'].sort(),
    )
    expect(words('Access-Control-Allow-Methods')).toEqual(
      expect.arrayContaining(['GET', 'POST', 'PATCH', 'PUT', 'DELETE']),
    )

    for (const reply of [
      await ask(open, 'POST', '/boards', { json: { name: 'x' }, headers: { Origin: ORIGIN } }),
      await ask(open, 'POST', '/boards', { json: {}, headers: { Origin: ORIGIN } }),
      await ask(open, 'GET', '/boards/none', { headers: { Origin: ORIGIN } }),
    ]) {
      expect(reply.headers.get('Access-Control-Allow-Origin'), String(reply.status)).toBe(ORIGIN)
      const exposed = (reply.headers.get('Access-Control-Expose-Headers') ?? '').split(/, ?/).sort()
      expect(exposed).toEqual(['Event-Id', 'Idempotency-Replayed', 'Retry-After', 'X-Request-Id'])
      expect(reply.headers.get('Vary')).toMatch(/Origin/i)
    }
  })

  it('[OPS6] may not when they are not listed, though others are', async () => {
    await using open = await startTestServer({ corsOrigins: [ORIGIN] })
    for (const origin of ['https://evil.example', `${ORIGIN}.evil`, 'null', `${ORIGIN}:8443`]) {
      expect((await preflight(open, origin)).headers.get('Access-Control-Allow-Origin'), origin).toBeNull()
    }
  })

  it('[OPS6] may not at all when nothing is configured', async () => {
    const reply = await preflight(server)
    expectProblem(reply, 404, 'not_found')
    expect(corsHeaders(reply)).toEqual([])
    expect(corsHeaders(await ask(server, 'GET', '/boards', { headers: { Origin: ORIGIN } }))).toEqual([])
  })
})
