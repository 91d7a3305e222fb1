/** The database goes away and comes back. Rules N14a to N14c of docs/nodes.md. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener, listen } from '../support/stream.ts'

const ANSWER_MS = 5_000
/** What the machine of the test may need on top of it. */
const SLACK_MS = 2_500
/** How often the database is ended under load. */
const ROUNDS = Number(process.env.BOARDCAST_TEST_ROUNDS ?? 6)
const SIGNALS = ['SIGKILL', 'SIGINT', 'SIGQUIT'] as const

let postgres: PostgresServer

interface Posted {
  readonly n: number
  /** undefined: the connection was closed without an answer. */
  readonly status: number | undefined
  readonly ms: number
}

/** Posts events with a number each to all servers, several at a time, until it is stopped. */
function postAll(servers: readonly TestServer[], lanesOfEach = 4) {
  const posted: Posted[] = []
  let n = 0
  let isOver = false
  const lanes = servers.flatMap(({ url }) => Array.from({ length: lanesOfEach }, () => url))
  const all = lanes.map(async (url) => {
    while (!isOver) {
      n += 1
      const own = n
      const begun = performance.now()
      const status = await fetch(`${url}/api/v1/topics/t/events`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ event: 'said', data: { n: own } }),
      }).then(
        async (answer) => {
          await answer.arrayBuffer()
          return answer.status
        },
        () => undefined,
      )
      posted.push({ n: own, status, ms: performance.now() - begun })
      if (status !== 202) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
  return {
    posted,
    async stop() {
      isOver = true
      await Promise.all(all)
      return posted
    },
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; performance.now() < end; ) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`waited for ${what}`)
}

describe.skipIf(!hasPostgres())('PostgreSQL', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start([])
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  test('[N14b] [N14c] restarts and crashes under load: what was answered 202 is there once, what was answered 503 is not', async () => {
    const options = { databaseUrl: await postgres.database(), heartbeatMs: 1_000, logLevel: 'silent' } as const
    await using server = await startTestServer(options)
    await using other = await startTestServer(options)
    await using stream = await listen(server.url, '/sse?channels=topic:t')
    await using otherStream = await listen(other.url, '/sse?channels=topic:t')
    await Promise.all([stream.frame('hello'), otherStream.frame('hello')])
    const load = postAll([server, other])
    const accepted = () => load.posted.filter(({ status }) => status === 202).length
    for (let round = 0; round < ROUNDS; round++) {
      const before = accepted()
      await until('some that are accepted', () => accepted() >= before + 20)
      await postgres.end(SIGNALS[round % SIGNALS.length])
      await postgres.begin()
    }
    const before = accepted()
    await until('some that are accepted', () => accepted() >= before + 20)
    const posted = await load.stop()
    const { eventId } = await server.post('/topics/t/events', { event: 'said', data: { n: 0 } })
    await Promise.all([stream.id(eventId), otherStream.id(eventId)])

    const said = ({ frames }: Listener) => frames.filter(({ event }) => event === 'said')
    expect(said(otherStream).map(({ id, data }) => [id, data])).toEqual(said(stream).map(({ id, data }) => [id, data]))
    const shown = said(stream).map(({ data }) => Number(data.data.n))
    expect(new Set(shown).size).toBe(shown.length)
    const stored = new Set(shown)
    const of = (status: number | undefined) => posted.filter((one) => one.status === status).map(({ n }) => n)
    expect(of(202).filter((n) => !stored.has(n))).toEqual([])
    expect(of(503).filter((n) => stored.has(n))).toEqual([])
    expect(of(503).length).toBeGreaterThan(0)
    expect(posted.filter(({ status }) => status !== 202 && status !== 503 && status !== undefined)).toEqual([])
    expect(Math.max(...posted.map(({ ms }) => ms))).toBeLessThan(ANSWER_MS + SLACK_MS)
    // The ids have no hole: nothing was shown that is not stored, nothing stored that was not shown.
    const ids = said(stream).map(({ id }) => Number(id?.split('-')[1]))
    expect(ids).toEqual(ids.map((_, index) => (ids[0] ?? 0) + index))
  })

  test('[N14a] [N14c] a database that hangs: streams stay open, requests are 503 in time, and all goes on when it answers again', async () => {
    await using server = await startTestServer({
      databaseUrl: await postgres.database(),
      heartbeatMs: 500,
      logLevel: 'silent',
    })
    await using stream = await listen(server.url, '/sse?channels=topic:t')
    await stream.frame('hello')
    const { eventId } = await server.post('/topics/t/events', { event: 'said' })
    await stream.id(eventId)
    postgres.freeze()
    try {
      const begun = performance.now()
      const answers = await Promise.all([
        server.call('POST', '/topics/t/events', { event: 'lost' }),
        server.call('GET', '/boards'),
        fetch(`${server.url}/health/ready`),
      ])
      expect(answers.map(({ status }) => status)).toEqual([503, 503, 503])
      expect(performance.now() - begun).toBeLessThan(ANSWER_MS + SLACK_MS)
      expect(answers[0].body).toMatchObject({ code: 'storage_unavailable' })
      expect(answers[0].headers.get('Retry-After')).toMatch(/^\d+$/)
      // Known to be away: refused at once, and a process that lives all the same.
      expect((await server.call('POST', '/topics/t/events', { event: 'lost' })).status).toBe(503)
      expect((await fetch(`${server.url}/health`)).status).toBe(200)
      expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
      const beats = stream.frames.length
      await stream.until(
        'heartbeats',
        () => stream.frames.slice(beats).filter(({ event }) => event === 'heartbeat').length > 1,
      )
      expect(stream.closed).toBe(false)
      // An EventSource would give up for good at any status but 200. Its cursor needs the database.
      const late = `/sse?channels=topic:t&lastEventId=${eventId}`
      await using refused = new Listener(server.url, late, { headers: { Accept: 'text/event-stream' } })
      await refused.untilClosed()
      expect([refused.status, refused.frames.map(({ event }) => event), refused.frames[0]?.id]).toEqual([
        200,
        ['overloaded'],
        undefined,
      ])
      expect(refused.retry).toBeGreaterThan(0)
      expect((await fetch(server.url + late, { headers: { Accept: '*/*' } })).status).toBe(503)
    } finally {
      postgres.thaw()
    }
    let next = await server.call('POST', '/topics/t/events', { event: 'said' })
    for (const end = performance.now() + 30_000; next.status !== 202 && performance.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      next = await server.call('POST', '/topics/t/events', { event: 'said' })
    }
    await stream.id(next.eventId)
    expect(stream.frames.filter(({ event }) => event === 'lost')).toEqual([])
  })
})
