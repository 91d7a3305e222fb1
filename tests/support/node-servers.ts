/** Several nodes on one new database, in this process. */
import type { Config } from '../../src/main.ts'
import type { PostgresServer } from './postgres.ts'
import { startTestServer, type TestServer } from './server.ts'

export interface NodeServers extends AsyncDisposable {
  readonly servers: readonly [TestServer, TestServer, ...TestServer[]]
  /** The name of the database. */
  readonly database: string
}

/** They are called node0, node1, ... With the doorbell `poll` a node hears of others once a second only. */
export async function startNodes(
  postgres: PostgresServer,
  count: 2 | 3,
  config: Partial<Config> = {},
): Promise<NodeServers> {
  const databaseUrl = await postgres.database()
  const names = Array.from({ length: count }, (_, n) => `node${n}`)
  const [first, second, ...others] = await Promise.all(
    names.map((node) =>
      startTestServer({ databaseUrl, node, doorbell: { kind: 'poll' }, heartbeatMs: 100, ...config }),
    ),
  )
  if (!first || !second) throw new Error('several nodes are at least two')
  const servers = [first, second, ...others] as const
  return {
    servers,
    database: new URL(databaseUrl).pathname.slice(1),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
    },
  }
}
