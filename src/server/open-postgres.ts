/** Connects to a database of PostgreSQL, migrates it and opens its log. Every fault of the setting is a ConfigError. */
import { setTimeout as delay } from 'node:timers/promises'
import { type Config, ConfigError } from '../base/config.ts'
import { shownUrl } from '../base/database-url.ts'
import { type DoorbellSetting, shownDoorbell } from '../base/doorbell-setting.ts'
import { createLogger } from '../base/logger.ts'
import { StartError } from '../base/start-error.ts'
import type { OpenLine } from '../db/line-doorbell.ts'
import { Log } from '../db/log.ts'
import { migrateAmongNodes } from '../db/migrations/among-nodes.ts'
import { NewerSchema } from '../db/migrations/migrate.ts'
import { PassedEvents } from '../db/passed-events.ts'
import { Peers } from '../db/peers.ts'
import { Connections } from '../db/postgres/connections.ts'
import { DatabaseWatch } from '../db/postgres/database-watch.ts'
import { isBeingCopied } from '../db/postgres/in-use.ts'
import { openListenLine } from '../db/postgres/listen-doorbell.ts'
import { openNodeSession } from '../db/postgres/node-session.ts'
import { startTransactionsOf, transactionsOf } from '../db/postgres/transactions.ts'
import { clientFor, faultOfConnecting, faultOfUrl, messageOf, whyUnusable } from '../db/postgres/usable.ts'
import { StorageUnavailable, WENT_BACK } from '../db/storage-fault.ts'
import type { Transactions } from '../db/transactions.ts'
import type { OpenedStore } from './opened-store.ts'

/** Servers of a cluster and their database are often started together. */
const PATIENCE_MS = 30_000
const TRY_EVERY_MS = 250

const SETTING = 'BOARDCAST_DATABASE_URL'

/** Rejects with ConfigError for a setting that cannot be used, with StartError if the database does not answer for 30 s. */
export async function openPostgresStore(url: string, config: Config): Promise<OpenedStore> {
  const name = shownUrl(url)
  await whenItAnswers(url, name, config)
  const connections = new Connections({ url, node: config.node, durability: config.durability })
  const explain = (error: unknown) => faultOfSetting(name, error)
  try {
    const session = await openNodeSession(url, config.node)
    if (!session) {
      throw new ConfigError(
        `BOARDCAST_NODE=${config.node} is the name of another node on ${name}. Stop that one, or choose another name.`,
      )
    }
    try {
      const log = await prepare(url, config, name)
      const transactions = transactionsOf(connections)
      const peers = await openPeers(url, config, transactions)
      return {
        transactions,
        log,
        peers,
        session,
        explain,
        storage: {
          name,
          watch: (reports) => new DatabaseWatch(reports),
          stopMark: () => null,
          async settle() {},
          async close() {
            peers.stop()
            await connections.close()
            await session.close()
          },
        },
      }
    } catch (error) {
      await session.close()
      throw error
    }
  } catch (error) {
    await connections.close().catch(() => {})
    throw explain(error) ?? error
  }
}

/** Brings the schema up to date, by one node at a time, and opens the log. Takes as long as a large database needs. */
async function prepare(url: string, { node, durability }: Config, name: string): Promise<Log> {
  const connections = new Connections({ url, node, durability, isPatient: true })
  try {
    const start = startTransactionsOf(connections)
    await migrateAmongNodes(start)
    return await Log.open(start)
  } catch (error) {
    if (!(error instanceof StorageUnavailable && error.fault.kind === 'busy')) throw error
    throw new StartError(
      `${SETTING}: ${name} cannot be brought up to date while another program holds its tables locked, such as a backup. Start again when that has ended.`,
      { cause: error },
    )
  } finally {
    await connections.close()
  }
}

async function openPeers(url: string, { doorbell, node }: Config, transactions: Transactions): Promise<Peers> {
  const transaction = await transactions.read()
  try {
    const passed = await PassedEvents.after(transaction.sql, node)
    return new Peers({ kind: doorbell.kind, name: shownDoorbell(doorbell), line: lineOf(doorbell, url, node), passed })
  } finally {
    await transaction.end()
  }
}

function lineOf(doorbell: DoorbellSetting, url: string, node: string): OpenLine | null {
  switch (doorbell.kind) {
    case 'postgres':
      return (options) => openListenLine({ url, node }, options)
    case 'redis':
      // Who has no Redis does not load its library.
      return async (options) => (await import('../db/redis/redis-line.ts')).openRedisLine(doorbell.url, options)
    case 'poll':
      return null
  }
}

/** Waits until the server takes connections, and checks that it can be used. */
async function whenItAnswers(url: string, name: string, { logLevel }: Config): Promise<void> {
  let isReported = false
  for (const end = performance.now() + PATIENCE_MS; ; await delay(TRY_EVERY_MS)) {
    try {
      return await check(url, name)
    } catch (error) {
      const fault = error instanceof ConfigError ? error : faultOfSetting(name, error)
      if (fault) throw fault
      const reason = messageOf(error)
      if (performance.now() >= end) {
        throw new StartError(
          `${SETTING}: ${name} has not answered for ${PATIENCE_MS / 1_000} s: ${reason}. Start PostgreSQL, or correct the URL.`,
          { cause: error },
        )
      }
      if (!isReported) createLogger(logLevel).warn({ db: name }, `waiting for the database: ${reason}`)
      isReported = true
    }
  }
}

async function check(url: string, name: string): Promise<void> {
  const client = clientFor(url, { connectionTimeoutMillis: 5_000, query_timeout: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect().catch((error: unknown) => {
      const why = faultOfConnecting(error)
      throw why === undefined ? error : new ConfigError(`${SETTING}: ${name} ${why}.`, { cause: error })
    })
    const why = await whyUnusable(client)
    if (why !== undefined) throw new ConfigError(`${SETTING}: ${name} ${why}.`)
    if (await isBeingCopied(client)) {
      throw new ConfigError(`${SETTING}: ${name} is being copied. Start again when "boardcast copy" has ended.`)
    }
  } finally {
    await client.end().catch(() => {})
  }
}

function faultOfSetting(name: string, error: unknown): ConfigError | undefined {
  if (error instanceof NewerSchema) {
    return new ConfigError(
      `${SETTING}: ${name} was written by a newer Boardcast (schema ${error.schema}; this version knows ${error.known}). Install that version, or choose another database.`,
      { cause: error },
    )
  }
  if (error instanceof StorageUnavailable && error.fault === WENT_BACK) {
    return new ConfigError(`${SETTING}: ${name}: ${WENT_BACK.reason}`, { cause: error })
  }
  const why = faultOfUrl(error)
  return why === undefined ? undefined : new ConfigError(`${SETTING}: ${name} ${why}.`, { cause: error })
}
