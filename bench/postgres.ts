/**
 * A PostgreSQL server with its default settings, so that every COMMIT is fsynced, on a new database on disk. It refuses to run
 * as root, so then it runs as the user that Debian's package makes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { DISK, removeFolder, tempFolder } from './temp.ts'

const DEBIAN = '/usr/lib/postgresql'
const START_WITHIN_MS = 30_000

export interface Postgres {
  /** Makes an empty database, and resolves to its URL. */
  createDatabase(name: string): Promise<string>
  /** Runs a query in a database of the server's own, whose transactions count in no other. */
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly string[]): Promise<Row[]>
  stop(): Promise<void>
}

/** Why PostgreSQL cannot be started; undefined if it can. */
export function postgresMissing(): string | undefined {
  return programs() === undefined ? 'PostgreSQL is not installed (Debian: apt-get install postgresql)' : undefined
}

export async function startPostgres(): Promise<Postgres> {
  const bin = programs()
  if (bin === undefined) throw new Error(postgresMissing())
  const folder = tempFolder('postgres', DISK)
  const owner = process.getuid?.() === 0 ? idsOf('postgres') : undefined
  if (owner) chownSync(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N'],
    { encoding: 'utf8', ...owner },
  )
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${folder}`]
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...owner,
  })
  async function stop(): Promise<void> {
    await end(child)
    removeFolder(folder)
  }
  const url = (name: string) => `postgres://postgres@127.0.0.1:${port}/${name}`
  try {
    const client = await whenReady(child, url('postgres'))
    const query = async <Row extends pg.QueryResultRow>(text: string, values: readonly string[] = []) =>
      (await client.query<Row>(text, [...values])).rows
    return {
      async createDatabase(name) {
        await query(`CREATE DATABASE ${name}`)
        return url(name)
      },
      query,
      async stop() {
        await client.end()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The folder of the programs of the newest version; undefined if PostgreSQL is not installed. */
function programs(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  return [...versions.map((version) => join(DEBIAN, version, 'bin')), ...(process.env.PATH ?? '').split(':')].find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  )
}

function idsOf(user: string): { uid: number; gid: number } {
  const id = (option: string) => Number(spawnSync('id', [option, user], { encoding: 'utf8' }).stdout)
  return { uid: id('-u'), gid: id('-g') }
}

async function whenReady(child: ChildProcess, url: string): Promise<pg.Client> {
  let log = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    log = `${log}${chunk}`.slice(-2_000)
  })
  for (const until = performance.now() + START_WITHIN_MS; ; await delay(20)) {
    const client = new pg.Client({ connectionString: url })
    // Without a listener the process would end with the connection.
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      if (child.exitCode !== null) throw new Error(`PostgreSQL has ended: ${log}`, { cause: error })
      if (performance.now() >= until) throw error
    }
  }
}

/** Ends its connections at once. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGINT')
  await ended
}
