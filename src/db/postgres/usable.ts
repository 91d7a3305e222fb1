/** Whether a database of PostgreSQL can hold a board: clauses that follow its name in a sentence. */
import pg from 'pg'
import { withoutConnectionName } from '../../base/database-url.ts'
import { StorageUnavailable } from '../storage-fault.ts'

/** The first version with everything that is used. */
const OLDEST_VERSION = 150_000

/** What is wrong with the URL or its user, by SQLSTATE. */
const FAULTS: Readonly<Record<string, string>> = {
  '3D000': 'names a database that does not exist. Create it, with the encoding UTF8',
  '28000': 'does not let this user log in. Check the user, and pg_hba.conf of the server',
  '28P01': 'has a wrong user or password',
  '42501': 'has a user who may not create tables. Let the user own the database',
}

/** The same, of errors of the driver, which have no code. */
const FAULTS_OF_DRIVER: ReadonlyArray<readonly [message: RegExp, fault: string]> = [
  [/client password must be a/, 'asks for a password. Set PGPASSWORD, or write a ~/.pgpass or a password in the URL'],
  [/does not support SSL/, 'has an sslmode, but the server has no TLS. Take sslmode out of the URL'],
]
/** The server has understood what the URL asks for, and refuses it: syntax, names and values of `options`. */
const REFUSED = /^(42|22)/

class UnusableUrl extends Error {}

/** A client that is not connected yet. Throws what `faultOfUrl` explains if the URL has parts that the driver cannot use. */
export function clientFor(url: string, config: pg.ClientConfig): pg.Client {
  let client: pg.Client
  try {
    client = new pg.Client({ connectionString: withoutConnectionName(url), ...config })
  } catch (cause) {
    throw new UnusableUrl(`cannot be used: ${messageOf(cause)}`, { cause })
  }
  // With such a port the driver waits for ever.
  if (client.port >= 1 && client.port <= 65_535) return client
  throw new UnusableUrl('has a port that is not a number from 1 to 65535')
}

/** Why the server or the database cannot be used; undefined if it can. */
export async function whyUnusable(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<{ version: string; encoding: string; shown: string }>(
    `SELECT current_setting('server_version_num') AS version, current_setting('server_version') AS shown,
      pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = current_database()`,
  )
  const [row] = rows
  if (Number(row?.version) < OLDEST_VERSION) return `is PostgreSQL ${row?.shown}. Boardcast needs 15 or newer`
  if (row?.encoding !== 'UTF8') return `has the encoding ${row?.encoding}. Create a database with ENCODING 'UTF8'`
  return undefined
}

/** What an error tells about the URL or its user; undefined if it has another cause. */
export function faultOfUrl(error: unknown): string | undefined {
  const cause = error instanceof StorageUnavailable ? error.cause : error
  if (cause instanceof UnusableUrl) return cause.message
  if (cause instanceof pg.DatabaseError) return FAULTS[cause.code ?? '']
  return FAULTS_OF_DRIVER.find(([message]) => message.test(messageOf(cause)))?.[1]
}

/** As `faultOfUrl`, of an error while connecting: nothing of this program was asked yet. */
export function faultOfConnecting(error: unknown): string | undefined {
  const fault = faultOfUrl(error)
  if (fault !== undefined) return fault
  const isRefused = error instanceof pg.DatabaseError && REFUSED.test(error.code ?? '')
  return isRefused ? `cannot be used: ${messageOf(error)}` : undefined
}

/** The message of an error on the way to a database. */
export function messageOf(error: unknown): string {
  // Of several addresses that were tried, the outer error has no message.
  if (error instanceof AggregateError) return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
