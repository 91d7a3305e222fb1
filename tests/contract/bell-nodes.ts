/** Nodes with real doorbells, for the contract of docs/nodes.md. */
import type { Doorbell } from '../../src/db/doorbell.ts'
import type { OpenLine } from '../../src/db/line-doorbell.ts'
import { PassedEvents } from '../../src/db/passed-events.ts'
import { type DoorbellKind, Peers } from '../../src/db/peers.ts'
import { openListenLine } from '../../src/db/postgres/listen-doorbell.ts'
import { openRedisLine } from '../../src/db/redis/redis-line.ts'
import type { Store } from '../../src/db/store.ts'
import type { PostgresServer } from '../support/postgres.ts'
import { RedisServer } from '../support/redis.ts'
import { record } from './ledger.ts'
import type { TestNode } from './nodes.ts'
import { PostgresCluster } from './postgres-kind.ts'

/** What a line does to the rings that arrive. */
export type Wire = (open: OpenLine) => OpenLine

export const SOUND: Wire = (open) => open

/** `pass` is called with every text that arrives; probes get through. */
export function tampering(pass: (text: string, hear: (text: string) => void) => void): Wire {
  return (open) => (options) =>
    open({
      ...options,
      onHeard(text) {
        if (text.endsWith(':0')) options.onHeard(text)
        else pass(text, options.onHeard)
      },
    })
}

export class BellNode {
  readonly name: string
  readonly node: TestNode
  /** What was reported: `failure` and `return`. */
  readonly reports: readonly string[]
  /** The first attempt is over. */
  readonly tried: Promise<void>
  readonly #doorbell: Doorbell

  constructor(
    name: string,
    node: TestNode,
    { doorbell, tried, reports }: { doorbell: Doorbell; tried: Promise<void>; reports: string[] },
  ) {
    this.name = name
    this.node = node
    this.tried = tried
    this.reports = reports
    this.#doorbell = doorbell
  }

  get status(): Doorbell['status'] {
    return this.#doorbell.status
  }

  get store(): Store {
    return this.node.store
  }

  commit(events = 1): Promise<number[]> {
    return this.store.transact((tx) => record(tx, this.name, events))
  }

  heartbeat(n: number): Promise<void> {
    return this.store.transact(async (tx) =>
      tx.publishEphemeral({ event: 'agent.heartbeat', channels: ['global'], payload: { n } }),
    )
  }

  /** The heartbeats that listeners here were sent. */
  get heartbeats(): unknown[] {
    return this.node.published.flatMap(({ ephemeral }) => ephemeral.map(({ payload }) => payload))
  }
}

/** One database, and a doorbell of one kind. */
export class BellCluster implements AsyncDisposable {
  readonly url: string
  readonly epoch: string
  readonly kind: DoorbellKind
  readonly redis: RedisServer | null
  readonly #cluster: PostgresCluster
  readonly #peers: Peers[] = []

  private constructor(
    url: string,
    epoch: string,
    kind: DoorbellKind,
    redis: RedisServer | null,
    cluster: PostgresCluster,
  ) {
    this.url = url
    this.epoch = epoch
    this.kind = kind
    this.redis = redis
    this.#cluster = cluster
  }

  /** `redis` may be missing, and is stopped with the cluster. */
  static async open(server: PostgresServer, kind: DoorbellKind, redis?: RedisServer): Promise<BellCluster> {
    const url = await server.database()
    const cluster = await PostgresCluster.create(url)
    const { rows } = await server.query("SELECT value FROM meta WHERE name = 'epoch'", new URL(url).pathname.slice(1))
    const running = kind === 'redis' ? (redis ?? (await RedisServer.start())) : null
    return new BellCluster(url, rows[0].value, kind, running, cluster)
  }

  async node(name: string, wire: Wire = SOUND): Promise<BellNode> {
    const line = this.#lineOf(name)
    const passed = new PassedEvents({ node: name, newest: 0 })
    const peers = new Peers({ kind: this.kind, name: this.kind, line: line && wire(line), passed })
    this.#peers.push(peers)
    const reports: string[] = []
    let node: TestNode | undefined
    const { doorbell, tried } = peers.wake({
      epoch: () => this.epoch,
      store() {
        if (!node) throw new Error('the node is not open yet')
        return node.store
      },
      onFailure: () => reports.push('failure'),
      onReturn: () => reports.push('return'),
    })
    node = await this.#cluster.node({ doorbell, ephemeral: passed })
    return new BellNode(name, node, { doorbell, tried, reports })
  }

  #lineOf(node: string): OpenLine | null {
    if (this.kind === 'poll') return null
    if (this.kind === 'postgres') return (options) => openListenLine({ url: this.url, node }, options)
    const { redis } = this
    return (options) => openRedisLine(redis?.url ?? '', options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peers of this.#peers) peers.stop()
    await this.#cluster[Symbol.asyncDispose]()
    await this.redis?.[Symbol.asyncDispose]()
  }
}
