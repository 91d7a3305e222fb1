/** The contract of doorbells over LISTEN/NOTIFY, Redis and the poll, and what each does when it fails. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { hasRedis, RedisServer } from '../support/redis.ts'
import { BellCluster } from './bell-nodes.ts'
import { bellsContract, expectSameHead, SOON } from './bells-contract.ts'
import { expectAllPublished } from './expectations.ts'

describe.skipIf(!hasPostgres())('doorbells', () => {
  let started: PostgresServer | undefined
  beforeAll(async () => {
    started = await PostgresServer.start()
  })
  afterAll(() => started?.[Symbol.asyncDispose]())
  function server(): PostgresServer {
    if (!started) throw new Error('PostgreSQL has not been started')
    return started
  }

  bellsContract('poll', server)
  bellsContract('postgres', server)

  /** The process of the connection that listens for a node. */
  async function listenerOf(url: string, node: string): Promise<number> {
    const { rows } = await server().query(
      `SELECT pid FROM pg_stat_activity WHERE datname = '${new URL(url).pathname.slice(1)}'
       AND application_name = 'boardcast/${node}' AND query LIKE '%pg_notify%'`,
    )
    // A signal to process 0 would go to this one and its whole group.
    if (!(rows[0]?.pid > 0)) throw new Error('no connection listens')
    return rows[0].pid
  }

  test('[N7b] what travels through PostgreSQL is the epoch and the head', async () => {
    await using cluster = await BellCluster.open(server(), 'postgres')
    const client = new pg.Client({ connectionString: cluster.url })
    const heard: string[] = []
    client.on('notification', ({ channel, payload }) => heard.push(`${channel} ${payload}`))
    await client.connect()
    await client.query('LISTEN boardcast')
    const node = await cluster.node('a')
    await node.tried
    await node.commit(3)
    const other = await cluster.node('b')
    await other.tried
    const [head] = await other.commit(1)
    await expect.poll(() => heard, SOON).toContain(`boardcast ${cluster.epoch}:${head}`)
    await client.end()
    const parts = heard.map((text) => text.split(':'))
    expect(new Set(parts.map(([first]) => first))).toEqual(new Set([`boardcast ${cluster.epoch}`]))
    expect(new Set(parts.map(([, position]) => position))).toEqual(new Set(['0', '3', '4']))
  })

  test('[N7d] a connection that listens and was ended is replaced: one report of the failure, one of the return', async () => {
    await using cluster = await BellCluster.open(server(), 'postgres')
    const [a, b] = [await cluster.node('a'), await cluster.node('b')]
    await Promise.all([a.tried, b.tried])
    const pid = await listenerOf(cluster.url, 'b')
    await server().query(`SELECT pg_terminate_backend(${pid})`)
    await expect.poll(() => b.reports, SOON).toContain('failure')
    await a.commit(2)
    await expect.poll(() => [b.status, b.reports], SOON).toEqual(['ok', ['failure', 'return']])
    expect(await listenerOf(cluster.url, 'b')).not.toBe(pid)
    await a.commit(1)
    await expectSameHead([a, b])
    await expectAllPublished(b.node)
    expect(a.reports).toEqual([])
  })

  test('[N7d] a connection that listens and does not answer any more is replaced', async () => {
    await using cluster = await BellCluster.open(server(), 'postgres')
    const [a, b] = [await cluster.node('a'), await cluster.node('b')]
    await Promise.all([a.tried, b.tried])
    const pid = await listenerOf(cluster.url, 'b')
    process.kill(pid, 'SIGSTOP')
    try {
      await expect.poll(() => b.reports, SOON).toContain('failure')
      await a.commit(2)
      await b.commit(2)
      await expect.poll(() => [b.status, b.reports], SOON).toEqual(['ok', ['failure', 'return']])
      await expectSameHead([a, b])
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  })

  describe.skipIf(!hasRedis())('with Redis', () => {
    bellsContract('redis', server)

    test('[N7b] what travels through Redis is the epoch and the head', async () => {
      await using cluster = await BellCluster.open(server(), 'redis')
      using monitor = (await cluster.redis?.monitor()) ?? null!
      const [a, b] = [await cluster.node('a'), await cluster.node('b')]
      await Promise.all([a.tried, b.tried])
      const [, head] = await a.commit(2)
      await a.heartbeat(1)
      await expectSameHead([a, b])
      await expect.poll(() => monitor.text, SOON).toContain(`"boardcast:${cluster.epoch}" "${cluster.epoch}:${head}"`)
      const commands = [...monitor.text.matchAll(/\] "(\w+)" ?(.*)\r/g)].map(([, command, rest]) => [
        command?.toLowerCase(),
        rest,
      ])
      const channel = `"boardcast:${cluster.epoch}"`
      const sent = commands.filter(([command]) => command !== 'client')
      for (const [command, rest] of sent) {
        if (command === 'subscribe') expect(rest).toBe(channel)
        else expect([command, rest]).toEqual(['publish', expect.stringMatching(/^"boardcast:\w+" "\w+:[02]"$/)])
      }
      expect(sent.length).toBeGreaterThan(4)
    })

    test('[N7d] a Redis that is missing hinders nothing, and is used when it is there', async () => {
      const redis = await RedisServer.missing()
      await using cluster = await BellCluster.open(server(), 'redis', redis)
      const [a, b] = [await cluster.node('a'), await cluster.node('b')]
      await Promise.all([a.tried, b.tried])
      expect([a.status, a.reports]).toEqual(['degraded', ['failure']])
      await a.commit(2)
      await b.commit(1)
      await expectSameHead([a, b])
      await redis.begin()
      await expectReturn(a, b)
    })

    test('[N7d] a Redis that was killed delays no mutation, and is used again', async () => {
      await using cluster = await BellCluster.open(server(), 'redis')
      const [a, b] = [await cluster.node('a'), await cluster.node('b')]
      await Promise.all([a.tried, b.tried])
      for (let round = 1; round <= 2; round++) {
        await cluster.redis?.end()
        await expect.poll(() => [a.status, b.status], SOON).toEqual(['degraded', 'degraded'])
        await a.commit(2)
        await expectSameHead([a, b])
        await cluster.redis?.begin()
        await expectReturn(a, b, round)
      }
      await expectAllPublished(b.node)
    })

    test('[N7d] a Redis that is frozen delays no mutation, and is used again', async () => {
      await using cluster = await BellCluster.open(server(), 'redis')
      const [a, b] = [await cluster.node('a'), await cluster.node('b')]
      await Promise.all([a.tried, b.tried])
      cluster.redis?.signal('SIGSTOP')
      // Both before the silence is noticed and after it.
      for (let n = 0; n < 5; n++) await a.commit(1)
      await expectSameHead([a, b])
      await expect.poll(() => [a.status, b.status], SOON).toEqual(['degraded', 'degraded'])
      await a.commit(2)
      await expectSameHead([a, b])
      // A node that starts meanwhile.
      const c = await cluster.node('c')
      await c.commit(1)
      await expectSameHead([a, b, c])
      expect(c.status).toBe('degraded')
      cluster.redis?.signal('SIGCONT')
      await expectReturn(a, b)
      await expect.poll(() => c.status, SOON).toBe('ok')
    })

    test('[N7d] a Redis that refuses the login is tried until it lets the node in', async () => {
      const redis = await RedisServer.start({ settings: ['--requirepass', 's3cret'] })
      await using cluster = await BellCluster.open(server(), 'redis', redis)
      const a = await cluster.node('a')
      await a.tried
      expect([a.status, a.reports]).toEqual(['degraded', ['failure']])
      await a.commit(1)
    })

    async function expectReturn(a: { status: string; reports: readonly string[] }, b: typeof a, times = 1) {
      const reports = Array.from({ length: times }, () => ['failure', 'return']).flat()
      await expect.poll(() => [a.status, a.reports, b.status, b.reports], SOON).toEqual(['ok', reports, 'ok', reports])
    }
  })
})
