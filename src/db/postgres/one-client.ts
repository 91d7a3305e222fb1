/** A connection of a command's own, with errors as sentences that name the database and hold no password. */
import type pg from 'pg'
import { shownUrl } from '../../base/database-url.ts'
import { DatabaseRefused } from '../copying.ts'
import { clientFor, faultOfUrl, messageOf, whyUnusable } from './usable.ts'

const CONNECT_WITHIN_MS = 10_000

export interface OneClient {
  readonly client: pg.Client
  /** As messages begin: what the command calls the database, and its URL without the password. */
  readonly name: string
  /** `failure` completes the sentence, such as `cannot be read`. */
  refuse(failure: string, error: unknown): DatabaseRefused
  close(): Promise<void>
}

/**
 * `label`: what the command calls the database, such as SOURCE; '' for nothing. `connection`: what the
 * database calls the connection. Rejects with DatabaseRefused.
 */
export async function connectOnce(url: string, label: string, connection: string): Promise<OneClient> {
  const name = label === '' ? shownUrl(url) : `${label} ${shownUrl(url)}`
  let client: pg.Client
  try {
    client = clientFor(url, {
      application_name: connection,
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      keepAlive: true,
      pipeline: true,
    } as pg.ClientConfig)
  } catch (error) {
    throw refuse('cannot be used', error)
  }
  // The query that is under way rejects as well.
  client.on('error', () => {})

  async function close(): Promise<void> {
    await client.end().catch(() => {})
  }
  function refuse(failure: string, error: unknown): DatabaseRefused {
    if (error instanceof DatabaseRefused) return error
    const fault = faultOfUrl(error)
    if (fault !== undefined) return new DatabaseRefused(`${name} ${fault}.`, { isUsage: true, cause: error })
    return new DatabaseRefused(`${name} ${failure}: ${messageOf(causeOf(error)).replace(/\.?$/, '.')}`, {
      cause: error,
    })
  }

  try {
    await client.connect()
  } catch (error) {
    await close()
    throw refuse('does not answer', error)
  }
  try {
    const why = await whyUnusable(client)
    if (why !== undefined) throw new DatabaseRefused(`${name} ${why}.`, { isUsage: true })
    // Between two queries the other database of the command may take its time.
    await client.query('SET idle_in_transaction_session_timeout = 0')
    await client.query('SET statement_timeout = 0')
    return { client, name, refuse, close }
  } catch (error) {
    await close()
    throw refuse('cannot be used', error)
  }
}

/** What tells one database from every other that could be reached at the same time. */
export async function identityOf({ client }: OneClient): Promise<string> {
  const { rows } = await client.query<{ identity: string }>(
    `SELECT oid || ' ' || pg_postmaster_start_time() AS identity FROM pg_database WHERE datname = current_database()`,
  )
  return String(rows[0]?.identity)
}

/** Whether there is a table of this name where tables are made and looked for without a schema. */
export async function hasTable({ client }: OneClient, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [name])
  return rows[0]?.there === true
}

function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? causeOf(error.cause) : error
}
