/** The doorbell of a server: what operators set and see. Rules N7 and N8 of docs/nodes.md. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { type Program, runProgram } from '../support/program.ts'
import { hasRedis, RedisServer } from '../support/redis.ts'
import { startTestServer } from '../support/server.ts'
import { onSqlite } from '../support/stores.ts'
import { listen } from '../support/stream.ts'

const SOON = { timeout: 15_000 }

describe('settings', () => {
  test('[N7f] all faults of the settings are named at once, without the passwords in them, and end the start with 2', async () => {
    await using program = runProgram(['serve'], {
      PORT: '0',
      BOARDCAST_NODE: 'no spaces',
      BOARDCAST_DOORBELL: 'http://me:s3cret@localhost',
      HOST: 'not a host',
    })
    expect(await program.ended).toBe(2)
    expect(program.stderr).toContain('BOARDCAST_NODE must be 1 to 64 of letters, digits')
    expect(program.stderr).toContain('BOARDCAST_DOORBELL must be postgres, poll, or a URL such as redis://')
    expect(program.stderr).toContain('BOARDCAST_DOORBELL is for nodes on PostgreSQL')
    expect(program.stderr).toContain('HOST is "not a host"')
    expect(program.stderr + program.stdout).not.toContain('s3cret')
  })

  test.each(['postgres', 'poll', 'redis://:s3cret@localhost'])(
    '[N7f] %s is refused without PostgreSQL',
    async (doorbell) => {
      await using program = runProgram(['serve', '--port', '0'], { BOARDCAST_DOORBELL: doorbell })
      expect(await program.ended).toBe(2)
      expect(program.stderr).toContain('set BOARDCAST_DATABASE_URL as well')
      expect(program.stderr + program.stdout).not.toContain('s3cret')
    },
  )

  test.skipIf(!onSqlite('no doorbell'))('[N7e] with SQLite there is no doorbell', async () => {
    await using server = await startTestServer()
    expect(await (await fetch(`${server.url}/health/ready`)).json()).toEqual({ status: 'ready' })
    expect(await upOf(server.url)).toBe('1')
  })
})

describe.skipIf(!hasPostgres())('a server on PostgreSQL', () => {
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  async function serve(settings: Record<string, string>): Promise<Program & { readonly url: string }> {
    const BOARDCAST_DATABASE_URL = await postgres.database()
    const program = runProgram(['serve', '--port', '0'], { BOARDCAST_DATABASE_URL, ...settings })
    await program.until(() => program.stdout.includes('listening on'))
    const url = /listening on (\S+)/.exec(program.stdout)?.[1] ?? ''
    return Object.defineProperty(program, 'url', { value: url }) as Program & { readonly url: string }
  }

  test.each(['postgres', 'poll'])('[N7e] shows that it works: %s', async (doorbell) => {
    await using server = await serve({ BOARDCAST_DOORBELL: doorbell, BOARDCAST_NODE: 'this.node_1-a' })
    expect(await readyOf(server.url)).toEqual([200, { status: 'ready', doorbell: { kind: doorbell, status: 'ok' } }])
    expect(await upOf(server.url)).toBe('1')
    const { rows } = await postgres.query('SELECT DISTINCT application_name AS name FROM pg_stat_activity ORDER BY 1')
    expect(rows).toContainEqual({ name: 'boardcast/this.node_1-a' })
    await stop(server)
  })

  test('[N7e] the doorbell is that of PostgreSQL by default, and its connection is replaced', async () => {
    await using server = await serve({})
    const { rows } = await postgres.query(
      `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE query LIKE '%pg_notify%' AND pid <> pg_backend_pid()`,
    )
    expect(rows).toEqual([{ ended: true }])
    await server.until(() => /doorbell available again/.test(logOf(server)))
    expect(await readyOf(server.url)).toEqual([200, { status: 'ready', doorbell: { kind: 'postgres', status: 'ok' } }])
    expect(doorbellLines(server)).toEqual(['doorbell unavailable', 'doorbell available again'])
    await stop(server)
  })

  test('[N8a] heartbeats of agents on another node reach the streams of a server', async () => {
    const databaseUrl = await postgres.database()
    await using server = await startTestServer({ databaseUrl })
    await using stream = await listen(server.url, '/sse?channels=global')
    const payload = { agentId: 'a', currentTask: null, timestamp: new Date().toISOString() }
    await postgres.query(
      `INSERT INTO passed_events (id, node, events) VALUES (1, 'another', '${JSON.stringify([{ event: 'agent.heartbeat', channels: ['global'], payload }])}')`,
      new URL(databaseUrl).pathname.slice(1),
    )
    expect((await stream.frame('agent.heartbeat')).data.data).toEqual(payload)
  })

  describe.skipIf(!hasRedis())('with Redis', () => {
    const SECRET = 's3cret%2Fword'
    const settings = ['--requirepass', 's3cret/word']

    test('[N7d] [N7e] starts without Redis, is ready and degraded, and reports the failure and the return once', async () => {
      await using redis = await RedisServer.missing({ settings })
      await using server = await serve({ BOARDCAST_DOORBELL: redis.url.replace('//', `//:${SECRET}@`) })
      const degraded = { status: 'ready', doorbell: { kind: 'redis', status: 'degraded' } }
      expect(await readyOf(server.url)).toEqual([200, degraded])
      expect(await upOf(server.url)).toBe('0')
      await redis.begin()
      const ok = { status: 'ready', doorbell: { kind: 'redis', status: 'ok' } }
      await expect.poll(() => readyOf(server.url), SOON).toEqual([200, ok])
      expect(await upOf(server.url)).toBe('1')
      redis.signal('SIGSTOP')
      await expect.poll(() => readyOf(server.url), SOON).toEqual([200, degraded])
      await redis.end()
      await redis.begin()
      await expect.poll(() => readyOf(server.url), SOON).toEqual([200, ok])
      const once = ['doorbell unavailable', 'doorbell available again']
      expect(doorbellLines(server)).toEqual([...once, ...once])
      await stop(server)
      expect(server.stderr + server.stdout).not.toContain('s3cret')
    })

    test('[N7d] [N7f] a wrong password does not hinder the start, and shows nowhere', async () => {
      await using redis = await RedisServer.start({ settings })
      await using server = await serve({ BOARDCAST_DOORBELL: redis.url.replace('//', '//someone:wr0ng@') })
      expect(await readyOf(server.url)).toEqual([
        200,
        { status: 'ready', doorbell: { kind: 'redis', status: 'degraded' } },
      ])
      expect(doorbellLines(server)).toEqual(['doorbell unavailable'])
      await stop(server)
      expect(server.stderr + server.stdout).not.toContain('wr0ng')
    })
  })
})

async function stop(server: Program): Promise<void> {
  server.kill('SIGTERM')
  expect(await server.ended).toBe(0)
}

async function readyOf(url: string): Promise<[number, unknown]> {
  const response = await fetch(`${url}/health/ready`)
  return [response.status, await response.json()]
}

async function upOf(url: string): Promise<string | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return /^boardcast_doorbell_up (\S+)$/m.exec(text)?.[1]
}

function logOf(program: Program): string {
  return program.stdout + program.stderr
}

function doorbellLines(program: Program): string[] {
  return [...logOf(program).matchAll(/doorbell (?:unavailable|available again)/g)].map(([found]) => found)
}
