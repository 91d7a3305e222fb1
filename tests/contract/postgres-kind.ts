/** PostgreSQL as a store that the contract suite is run over: a database for each test, connections of its own for each node. */

import { Log } from '../../src/db/log.ts'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { Connections } from '../../src/db/postgres/connections.ts'
import { startTransactionsOf, transactionsOf } from '../../src/db/postgres/transactions.ts'
import type { StoreOptions, Tx } from '../../src/db/store.ts'
import type { PostgresServer } from '../support/postgres.ts'
import { print, trimAll } from './kinds.ts'
import { createLedger, record } from './ledger.ts'
import { type Cluster, type Other, type StoreKind, TestNode } from './nodes.ts'

export function postgres(server: () => PostgresServer): StoreKind {
  return { name: 'PostgreSQL', open: async () => PostgresCluster.create(await server().database()) }
}

export class PostgresCluster implements Cluster {
  readonly other: Other
  readonly #url: string
  readonly #connections: Connections[] = []

  private constructor(url: string) {
    this.#url = url
    let node: Promise<TestNode> | undefined
    const asOther = async <T>(work: (tx: Tx) => Promise<T>) => {
      node ??= this.node()
      return (await node).store.transact(work)
    }
    this.other = {
      commit: (events) => asOther((tx) => record(tx, 'other', events)),
      print: (lines) => asOther((tx) => print(tx, lines)),
      trim: (maxEvents) => asOther((tx) => trimAll(tx, maxEvents)),
    }
  }

  static async create(url: string): Promise<PostgresCluster> {
    const cluster = new PostgresCluster(url)
    const start = startTransactionsOf(cluster.#connect())
    await migrate(start)
    await Log.open(start)
    const transaction = await start.write()
    await createLedger(transaction.sql)
    await transaction.commit()
    transaction.release()
    return cluster
  }

  node(options?: Partial<StoreOptions>): Promise<TestNode> {
    return TestNode.open(transactionsOf(this.#connect()), options)
  }

  async quiet(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#connections.map((connections) => connections.close()))
  }

  #connect(): Connections {
    const connections = new Connections({ url: this.#url, node: 'test', durability: 'power' })
    this.#connections.push(connections)
    return connections
  }
}
