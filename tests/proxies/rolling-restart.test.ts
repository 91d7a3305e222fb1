/**
 * Three nodes behind nginx, with the file that the documents show: each is stopped and started again under load, and some
 * are killed. Rules N18a to N18d of docs/nodes.md. `BOARDCAST_TEST_ROUNDS=50` kills that often.
 */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createApiClient } from '../support/api.ts'
import type { ChildServer } from '../support/child-server.ts'
import { type ClusterNode, eventually, nodesAt, TestCluster } from '../support/cluster.ts'
import { readLog } from '../support/log-reader.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import type { RunningProxy } from '../support/proxy-process.ts'
import { type Follower, LibraryFollower, NativeFollower, SocketIoFollower } from '../support/rolling/followers.ts'
import { Posts } from '../support/rolling/posts.ts'
import { isInstalled, NGINX, startClusterProxy } from './programs.ts'

const ENV = { BOARDCAST_DRAIN_MS: '1000', BOARDCAST_SOCKETIO: '1' }
const KILLS = Number(process.env.BOARDCAST_TEST_ROUNDS ?? 2)
/** What the followers are shown. */
const SHOWN = 'shown'
/** What nobody listens to, so that much more of it can be posted. */
const QUIET = 'quiet'

const canRun = [isInstalled(NGINX), hasPostgres()].every(Boolean)

describe.skipIf(!canRun)('three nodes behind nginx', () => {
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  test('[N18a] [N18b] [N18c] [N18d] a rolling restart under load, and nodes that are killed: every client has every event once', {
    timeout: 150_000 + KILLS * 15_000,
  }, async () => {
    const cluster = await TestCluster.create(postgres)
    const nodes = await Promise.all(['a', 'b', 'c'].map((node) => cluster.start(node, ENV)))
    await using proxy = await startClusterProxy(nodes.map(({ port }) => port))
    const followers = await follow(proxy)
    const shown = new Posts({ url: proxy.url, topic: SHOWN, lanes: 4, pauseMs: 80, isRepeated: true })
    const quiet = new Posts({ url: proxy.url, topic: QUIET, lanes: 12, pauseMs: 0, isRepeated: false })

    for (const node of nodes) {
      expect(await node.stop('SIGTERM')).toBe(0)
      await node.start()
      expect((await fetch(`${node.url}/health/ready`)).status).toBe(200)
    }
    for (let round = 0; round < KILLS; round++) {
      const [victim, other] = await byStreams(nodes)
      // Every other time a second one is stopped meanwhile, so that one is left.
      await Promise.all([victim.stop('SIGKILL'), round % 2 === 1 && other.stop('SIGTERM')])
      await accepted(shown, 20)
      await Promise.all([victim.start(), round % 2 === 1 && other.start()])
    }
    await accepted(shown, 20)

    await Promise.all([shown.stop(), quiet.stop()])
    const log = await logThrough(proxy)
    const ids = log.flatMap(({ topic, id }) => (topic === SHOWN ? [id] : []))
    const isDone = ({ ids: seen, faults }: Follower) => faults.length > 0 || seen.at(-1) === ids.at(-1)
    await eventually('all have the last event', async () => followers.every(isDone))

    // Nobody saw an error from which it does not come back, and everybody came back.
    expect(followers.flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`))).toEqual([])
    expect(followers.filter(({ connections }) => connections === 1)).toEqual([])
    for (const follower of followers) expect(follower.ids, follower.name).toEqual(ids)

    const numbersOf = (wanted: string) => log.flatMap(({ topic, n }) => (topic === wanted ? [n] : []))
    // What is repeated under its key until it is accepted is there once, with the id of the answer.
    expect(numbersOf(SHOWN).toSorted(byNumber)).toEqual(shown.posted.map(({ n }) => n).toSorted(byNumber))
    expect(shown.posted.map(({ eventId }) => eventId).filter((id) => !ids.includes(id))).toEqual([])
    // What is not repeated is there once after a 2xx, not there after a 503, and either after a 502 or no answer.
    const stored = numbersOf(QUIET)
    expect(new Set(stored).size).toBe(stored.length)
    const withStatus = (...wanted: Array<number | undefined>) =>
      quiet.posted.filter(({ statuses }) => wanted.includes(statuses[0])).map(({ n }) => n)
    expect(withStatus(202).filter((n) => !stored.includes(n))).toEqual([])
    expect(withStatus(503).filter((n) => stored.includes(n))).toEqual([])
    expect(withStatus(202, 502, 503, undefined)).toHaveLength(quiet.posted.length)
    // The load went to all of them.
    expect(quiet.nodes).toEqual(new Set(['a', 'b', 'c']))
  })
})

/** A hundred clients over SSE and WebSocket, and some of Socket.IO. Resolves when all are connected. */
async function follow({ url }: RunningProxy): Promise<readonly Follower[]> {
  const followed = { url, channel: `topic:${SHOWN}`, event: 'said' }
  const many = (count: number, make: () => Follower) => Array.from({ length: count }, make)
  const followers = [
    ...many(50, () => new NativeFollower(followed)),
    ...many(20, () => new LibraryFollower(followed, 'fetch')),
    ...many(10, () => new LibraryFollower(followed, 'eventsource')),
    ...many(20, () => new LibraryFollower(followed, 'ws')),
    ...many(8, () => new SocketIoFollower(followed)),
  ]
  onTestFinished(() => {
    for (const follower of followers) follower.close()
  })
  await eventually('all are connected', async () => followers.every(({ connections }) => connections > 0))
  return followers
}

/** The nodes, those with the most streams first, when clients are on one. Nodes report their streams every 2 s. */
async function byStreams(nodes: readonly ChildServer[]): Promise<[ChildServer, ChildServer, ChildServer]> {
  let reported: readonly ClusterNode[] = []
  await eventually('streams', async () => {
    reported = await nodesAt(nodes[0] as ChildServer)
    return reported.length === nodes.length && reported.some(({ streams }) => streams > 0)
  })
  const streamsOf = (node: ChildServer) => reported[nodes.indexOf(node)]?.streams ?? 0
  return nodes.toSorted((one, other) => streamsOf(other) - streamsOf(one)) as [ChildServer, ChildServer, ChildServer]
}

async function accepted({ posted }: Posts, more: number): Promise<void> {
  const enough = posted.length + more
  await eventually(`${more} that are accepted`, async () => posted.length >= enough)
}

/** Every event of the topics, as the cluster has it at the end. */
async function logThrough({ url }: RunningProxy) {
  using api = createApiClient(url)
  const { cursor } = await api.get('/cursor')
  const events = await readLog(url, 'earliest', cursor)
  return events.flatMap(({ id, type, data }) =>
    type === 'said' ? [{ id, topic: String(data.topic), n: Number(data.n) }] : [],
  )
}

function byNumber(one: number, other: number): number {
  return one - other
}
