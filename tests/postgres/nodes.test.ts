/** Several nodes on one database: who is there, who leads, who is dead, and whose agents are there. Rules N9 to N13. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openNodeSession } from '../../src/db/postgres/node-session.ts'
import type { ChildServer } from '../support/child-server.ts'
import {
  agentOn,
  attemptOn,
  eventually,
  interruptionsAt,
  leaderAt,
  logAt,
  messageOn,
  nodesAt,
  presenceAt,
  TestCluster,
} from '../support/cluster.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { runProgram } from '../support/program.ts'
import { type Listener, listen } from '../support/stream.ts'

let postgres: PostgresServer

const LOGGING = { LOG_LEVEL: 'info' }

/** What a node has logged. */
function linesOf({
  errors,
}: ChildServer): Array<{ readonly msg: string; readonly node?: string; readonly dead?: string }> {
  return errors.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

const namesAt = async (server: ChildServer) => (await nodesAt(server)).map(({ node }) => node)

describe.skipIf(!hasPostgres())('several nodes', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  test('[N9a] [N13b] every node knows all of them, and the one that leads', async () => {
    const cluster = await TestCluster.create(postgres)
    const nodes = await cluster.startAll(['a', 'b', 'c'])
    for (const node of nodes) {
      expect(await namesAt(node)).toEqual(['a', 'b', 'c'])
      expect((await nodesAt(node)).filter(({ leader }) => leader)).toHaveLength(1)
    }
    const [a, b, c] = nodes as [ChildServer, ChildServer, ChildServer]
    await using _socket = await agentOn(b, 'smith')
    await eventually('the count of streams', async () => {
      const streams = (await nodesAt(c)).map((node) => node.streams)
      return streams.join() === '0,1,0'
    })
    const before = (await nodesAt(a)).map(({ seenAt }) => seenAt)
    await eventually('new leases', async () => (await nodesAt(a)).every(({ seenAt }, i) => seenAt > (before[i] ?? '')))
    const health = (await (await fetch(`${a.url}/health`)).json()) as { node: string }
    expect(health.node).toBe('a')
    const metrics = await Promise.all(nodes.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()))
    await eventually('the metrics', async () => {
      const texts = await Promise.all(nodes.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()))
      return texts.every((text) => /^boardcast_nodes 3$/m.test(text))
    })
    expect(metrics.filter((text) => /^boardcast_leader 1$/m.test(text))).toHaveLength(1)
  })

  test('[N1a] the name of a live node is refused; that of a killed one can be used at once', async () => {
    const cluster = await TestCluster.create(postgres)
    const a = await cluster.start('a')
    await using second = runProgram(['serve', '--port', '0'], {
      BOARDCAST_DATABASE_URL: cluster.databaseUrl,
      BOARDCAST_NODE: 'a',
    })
    expect([await second.ended, second.stderr]).toEqual([
      2,
      expect.stringContaining('BOARDCAST_NODE=a is the name of another node'),
    ])
    await a.stop('SIGKILL')
    await a.start()
    expect(await namesAt(a)).toEqual(['a'])
  })

  test('[N1b] at most 10 connections, all with the name of the node', async () => {
    const cluster = await TestCluster.create(postgres)
    const node = await cluster.start('count-me')
    await Promise.all(Array.from({ length: 60 }, () => fetch(`${node.url}/api/v1/boards`)))
    const name = new URL(cluster.databaseUrl).pathname.slice(1)
    const { rows } = await postgres.query(
      `SELECT application_name AS name FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`,
    )
    expect(new Set(rows.map((row) => row.name))).toEqual(new Set(['boardcast/count-me']))
    expect(rows.length).toBeLessThanOrEqual(10)
  })

  test('[N10b] [N10d] [N9d] [N9f] a node that is killed: its agents are told as disconnected, once, and another leads', async () => {
    const cluster = await TestCluster.create(postgres)
    const a = await cluster.start('a')
    const [b, c] = [await cluster.start('b', LOGGING), await cluster.start('c', LOGGING)]
    expect(await leaderAt(b)).toBe('a')
    await register(cluster, b, ['one', 'two'])
    await agentOn(a, 'one')
    await agentOn(a, 'two')
    await agentOn(b, 'two')
    await agentOn(b, 'three')
    const before = await presenceAt(b)
    await a.stop('SIGKILL')
    await eventually('the others notice', async () => (await namesAt(b)).join() === 'b,c', 15_000)
    expect(['b', 'c']).toContain(await leaderAt(c))
    const told = (await presenceAt(c)).slice(before.length)
    expect(told.sort()).toEqual(['agent.disconnected one', 'agent.disconnected two'])
    expect(await statusesAt(c)).toEqual({ one: 'offline', two: 'online' })
    // There are two more looks of each.
    await eventually('new leases', leasesOf(b, 2))
    expect(await presenceAt(b)).toHaveLength(before.length + 2)
    const logged = [...linesOf(b), ...linesOf(c)]
    expect(logged.filter(({ msg }) => msg === 'listening').map(({ node }) => node)).toEqual(['b', 'c'])
    expect(logged.filter(({ msg }) => msg.startsWith('another node is dead')).map(({ dead }) => dead)).toEqual(['a'])
    expect(logged.filter(({ msg }) => msg === 'this node leads')).toHaveLength(1)
  })

  test('[N10a] [N9e] a clean stop: its own agents are told as disconnected, and another leads within 5 s', async () => {
    const cluster = await TestCluster.create(postgres)
    const a = await cluster.start('a')
    const b = await cluster.start('b')
    await agentOn(a, 'one')
    await agentOn(b, 'two')
    expect(await a.stop('SIGTERM')).toBe(0)
    expect(await namesAt(b)).toEqual(['b'])
    await eventually('b leads', async () => (await leaderAt(b)) === 'b', 5_000)
    expect(await presenceAt(b)).toEqual(['agent.connected one', 'agent.connected two', 'agent.disconnected one'])
  })

  test('[N10c] [N9d] [N9f] a node that is paused: dead for the others, and its agents are there again when it comes back', async () => {
    const cluster = await TestCluster.create(postgres)
    const a = await cluster.start('a', LOGGING)
    const b = await cluster.start('b')
    await agentOn(a, 'one')
    await agentOn(b, 'two')
    const before = await presenceAt(b)
    process.kill(a.pid, 'SIGSTOP')
    try {
      await eventually('a is dead', async () => (await namesAt(b)).join() === 'b', 15_000)
      expect(await leaderAt(b)).toBe('b')
      expect((await presenceAt(b)).slice(before.length)).toEqual(['agent.disconnected one'])
    } finally {
      process.kill(a.pid, 'SIGCONT')
    }
    await eventually('a is back', async () => (await presenceAt(b)).length >= before.length + 2, 5_000)
    await eventually('new leases', leasesOf(b, 2))
    expect((await presenceAt(b)).slice(before.length)).toEqual(['agent.disconnected one', 'agent.connected one'])
    expect(await namesAt(a)).toEqual(['a', 'b'])
    expect(await leaderAt(a)).toBe('b')
    const leads = linesOf(a).flatMap(({ msg }) => (/ leads/.test(msg) ? [msg] : []))
    expect(leads).toEqual(['this node leads', 'this node leads no more'])
  })

  test('[N9c] [N10e] [N12b] a restart of the database counts against nobody; who left meanwhile is told then', async () => {
    await using own = await PostgresServer.start()
    const cluster = await TestCluster.create(own)
    const a = await cluster.start('a')
    const b = await cluster.start('b')
    await agentOn(a, 'one')
    const two = await agentOn(b, 'two')
    await attemptOn(a)
    const before = await presenceAt(b)
    await own.end('SIGQUIT')
    two.websocket.terminate()
    // Longer than it takes to find a node dead.
    await new Promise((resolve) => setTimeout(resolve, 4_000))
    await own.begin()
    await eventually('both are back', async () => {
      try {
        return (await namesAt(a)).join() === 'a,b'
      } catch {
        return false
      }
    })
    await eventually('new leases', leasesOf(b, 3))
    expect(await presenceAt(b)).toEqual([...before, 'agent.disconnected two'])
    expect(await interruptionsAt(b)).toEqual([])
    expect(await leaderAt(b)).toBe('a')
  })

  test('[N9b] a node whose connection is cut takes its lock again, and nothing happens', async () => {
    const cluster = await TestCluster.create(postgres)
    const a = await cluster.start('a')
    const b = await cluster.start('b')
    await agentOn(a, 'one')
    const client = new pg.Client({ connectionString: cluster.databaseUrl })
    await client.connect()
    for (let cut = 0; cut < 3; cut++) {
      await client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'boardcast/a'`,
      )
      await eventually('a new lease', leasesOf(b, 1))
    }
    await client.end()
    expect(await namesAt(b)).toEqual(['a', 'b'])
    expect(await presenceAt(b)).toEqual(['agent.connected one'])
  })

  test('[N10f] a node that is paused while it renews its lease holds nobody up', async () => {
    const cluster = await TestCluster.create(postgres)
    await cluster.start('a')
    const session = await openNodeSession(cluster.databaseUrl, 'b')
    await new Promise<void>((hasRow) => {
      const paused = session?.look(async (sql) => {
        await sql.run("UPDATE nodes SET streams = 7 WHERE node = 'a'")
        await sql.get('SELECT 1 FROM nodes')
        hasRow()
        return new Promise(() => {})
      })
      paused?.catch(() => {})
    })
    // Waits until the row is free.
    await postgres.query(
      `UPDATE nodes SET streams = 8 WHERE node = 'a'`,
      new URL(cluster.databaseUrl).pathname.slice(1),
    )
    await session?.close()
  })

  test('[N11a] messages expire once, by the node that leads, also by the one that leads next', async () => {
    const cluster = await TestCluster.create(postgres)
    const a = await cluster.start('a')
    const [b, c] = (await cluster.startAll(['b', 'c'])) as [ChildServer, ChildServer]
    const expiries = async () => (await logAt(b)).filter(({ event }) => event === 'message.expired').length
    await messageOn(c, 1)
    await eventually('the leader expires it', async () => (await expiries()) === 1)
    await messageOn(c, 1)
    await messageOn(c, 1)
    await a.stop('SIGKILL')
    await eventually('the next leader expires them', async () => (await expiries()) === 3)
    await eventually('new leases', leasesOf(b, 2))
    expect(await expiries()).toBe(3)
  })

  test('[N11b] metrics are computed once, and every node sends the same', async () => {
    const cluster = await TestCluster.create(postgres)
    const nodes = await cluster.startAll(['a', 'b', 'c'])
    const [a, b, c] = nodes as [ChildServer, ChildServer, ChildServer]
    const leader = await leaderAt(a)
    const others = [a, b, c].filter((_, i) => ['a', 'b', 'c'][i] !== leader)
    // Nobody listens on the node that leads.
    const listeners = await Promise.all([...others, ...others].map(({ url }) => listen(url, '/sse?channels=metrics')))
    try {
      const timesOf = (listener: Listener) =>
        listener.named('metric.update').map(({ data }) => data.data.timestamp as number)
      await Promise.all(
        listeners.map((listener) => listener.until('three of them', () => timesOf(listener)[3], 30_000)),
      )
      // The first was computed for the newcomer.
      const times = listeners.map((listener) => timesOf(listener).slice(1, 4))
      for (const one of times) expect(one).toEqual(times[0])
    } finally {
      for (const listener of listeners) listener.close()
    }
  })

  test('[N12a] all nodes are killed, and start together: attempts are settled once', async () => {
    const cluster = await TestCluster.create(postgres)
    const nodes = await cluster.startAll(['a', 'b', 'c'])
    const [a, b] = nodes as [ChildServer, ChildServer]
    await attemptOn(a)
    await attemptOn(b)
    await agentOn(a, 'one')
    await agentOn(b, 'two')
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')))
    // Two under their old names, two under new ones.
    const [d] = await Promise.all([cluster.start('d'), a.start(), cluster.start('e'), b.start()])
    expect(await interruptionsAt(d)).toHaveLength(2)
    expect((await presenceAt(d)).sort()).toEqual([
      'agent.connected one',
      'agent.connected two',
      'agent.disconnected one',
      'agent.disconnected two',
    ])
    expect(await namesAt(d)).toEqual(['a', 'b', 'd', 'e'])
    expect((await nodesAt(d)).filter(({ leader }) => leader)).toHaveLength(1)
  })

  test('[N12a] [N12b] one node that dies settles nothing; the last one decides', async () => {
    const cluster = await TestCluster.create(postgres)
    const a = await cluster.start('a')
    const b = await cluster.start('b')
    await attemptOn(a)
    await a.stop('SIGKILL')
    await a.start()
    expect(await interruptionsAt(a)).toEqual([])
    await a.stop('SIGKILL')
    expect(await b.stop('SIGTERM')).toBe(0)
    await a.start()
    expect(await interruptionsAt(a)).toEqual([])
    await b.start()
    expect(await a.stop('SIGTERM')).toBe(0)
    await b.stop('SIGKILL')
    await b.start()
    expect(await interruptionsAt(b)).toHaveLength(1)
  })
})

async function statusesAt({ url }: ChildServer): Promise<Record<string, string>> {
  const { agents } = (await (await fetch(`${url}/api/v1/agents`)).json()) as {
    agents: Array<{ id: string; status: string }>
  }
  return Object.fromEntries(agents.map(({ id, status }) => [id, status]))
}

/** Agents that showed their last sign of life long ago. */
async function register(cluster: TestCluster, { url }: ChildServer, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const response = await fetch(`${url}/api/v1/agents`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id }),
    })
    expect(response.status).toBe(201)
  }
  await postgres.query(
    "UPDATE agents SET last_seen_at = '2020-01-01T00:00:00.000Z'",
    new URL(cluster.databaseUrl).pathname.slice(1),
  )
}

/** Whether all nodes have renewed their leases so often since the first call. */
function leasesOf(server: ChildServer, times: number): () => Promise<boolean> {
  const seen = new Map<string, Set<string>>()
  return async () => {
    for (const { node, seenAt } of await nodesAt(server)) {
      seen.set(node, (seen.get(node) ?? new Set()).add(seenAt))
    }
    return [...seen.values()].every(({ size }) => size > times)
  }
}
