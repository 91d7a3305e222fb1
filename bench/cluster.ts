/** Nodes of Boardcast on one database of PostgreSQL, each a process as users run it. */
import { type Boardcast, startBoardcast } from './boardcast.ts'
import { type Postgres, startPostgres } from './postgres.ts'
import type { Running } from './side.ts'

export interface Cluster {
  readonly postgres: Postgres
  /** The name of the database. */
  readonly database: string
  /** All of them publish to the board of the first. */
  readonly nodes: readonly [Boardcast, ...Running[]]
  /** Stops the nodes, then the database, and removes all files. */
  stop(): Promise<void>
}

const DATABASE = 'boardcast'

/** Starts PostgreSQL, and that many nodes on it. `env`: settings of every node. */
export async function startCluster(count: number, env: Readonly<Record<string, string>> = {}): Promise<Cluster> {
  const postgres = await startPostgres()
  const started: Running[] = []
  async function stop(): Promise<void> {
    await Promise.all(started.map((node) => node.stop()))
    await postgres.stop()
  }
  try {
    const settings = { ...env, BOARDCAST_DATABASE_URL: await postgres.createDatabase(DATABASE) }
    const first = await startBoardcast({ env: settings })
    started.push(first)
    const others: Running[] = []
    while (others.length < count - 1) {
      const node = await startBoardcast({ env: settings, boards: 0 })
      started.push(node)
      others.push({ ...node, addresses: first.addresses })
    }
    return { postgres, database: DATABASE, nodes: [first, ...others], stop }
  } catch (error) {
    await stop()
    throw error
  }
}
