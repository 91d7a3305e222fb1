/**
 * A PostgreSQL server of the tests' own, on a free port of loopback, and databases on it. It refuses to run as root, so
 * then it runs as the user that Debian's package makes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from './free-port.ts'

const DEBIAN = '/usr/lib/postgresql'

/** The folder of the programs; undefined: PostgreSQL is not installed. */
function programs(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  return [...versions.map((version) => join(DEBIAN, version, 'bin')), ...(process.env.PATH ?? '').split(':')].find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  )
}

/** Whether PostgreSQL is installed. If not, says so: the tests that need it are skipped. */
export function hasPostgres(): boolean {
  const found = programs() !== undefined
  if (!found) process.stderr.write('skipped: PostgreSQL is not installed\n')
  return found
}

export class PostgresServer implements AsyncDisposable {
  readonly port: number
  readonly #bin: string
  readonly #folder: string
  readonly #owner: { readonly uid: number; readonly gid: number } | undefined
  readonly #settings: readonly string[]
  #process: ChildProcess | undefined

  private constructor(bin: string, folder: string, port: number, settings: readonly string[]) {
    this.#bin = bin
    this.#folder = folder
    this.port = port
    this.#owner = process.getuid?.() === 0 ? idsOf('postgres') : undefined
    this.#settings = settings
  }

  /** `settings` such as `fsync=on`. Without any it is fast and loses data with the machine. */
  static async start(settings: readonly string[] = ['fsync=off', 'full_page_writes=off']): Promise<PostgresServer> {
    const bin = programs()
    if (bin === undefined) throw new Error('PostgreSQL is not installed')
    const folder = mkdtempSync(join(tmpdir(), 'boardcast-postgres-'))
    const server = new PostgresServer(bin, folder, await freePort(), settings)
    server.#create()
    await server.begin()
    return server
  }

  /** A new, empty database. `options` follow `CREATE DATABASE name`. */
  async database(options = ''): Promise<string> {
    const name = `t${randomBytes(6).toString('hex')}`
    await this.query(`CREATE DATABASE ${name} ${options}`)
    return this.url(name)
  }

  url(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`
  }

  async query(text: string, database = 'postgres'): Promise<pg.QueryResult> {
    const client = new pg.Client({ connectionString: this.url(database) })
    await client.connect()
    try {
      return await client.query(text)
    } finally {
      await client.end()
    }
  }

  /** Starts the process, after `end` as well. Resolves when it takes connections. */
  async begin(): Promise<void> {
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${this.port}`,
      `unix_socket_directories=${this.#folder}`,
      'max_connections=400',
      ...this.#settings,
    ]
    const child = spawn(
      join(this.#bin, 'postgres'),
      ['-D', join(this.#folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])],
      { stdio: ['ignore', 'ignore', 'pipe'], ...this.#owner },
    )
    this.#process = child
    let log = ''
    child.stderr.on('data', (chunk) => {
      log = `${log}${chunk}`.slice(-4_000)
    })
    for (;;) {
      if (child.exitCode !== null) throw new Error(`PostgreSQL has ended: ${log}`)
      try {
        await this.query('SELECT 1')
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  /** From now on nothing of it answers, and connections stay open. */
  freeze(): void {
    this.#signalAll('SIGSTOP')
  }

  thaw(): void {
    this.#signalAll('SIGCONT')
  }

  /** The first process and those of the connections. */
  #signalAll(signal: NodeJS.Signals): readonly number[] {
    const first = this.#process?.pid
    if (first === undefined) return []
    // First the one that could make others. It is only stopped, so that they are still its children.
    process.kill(first, signal === 'SIGKILL' ? 'SIGSTOP' : signal)
    const children = childrenOf(first).filter((pid) => reached(pid, signal))
    if (signal === 'SIGKILL') process.kill(first, signal)
    return children
  }

  /** SIGINT stops it at once and properly, SIGQUIT as in a crash; SIGKILL kills all of its processes. */
  async end(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const children = signal === 'SIGKILL' ? this.#signalAll(signal) : []
    if (signal !== 'SIGKILL') child.kill(signal)
    await ended
    // They hold the shared memory, without which the next process does not start.
    while (children.some((pid) => reached(pid, 0))) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGQUIT')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #create(): void {
    const data = join(this.#folder, 'data')
    if (this.#owner) chownSync(this.#folder, this.#owner.uid, this.#owner.gid)
    const made = spawnSync(
      join(this.#bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N'],
      { encoding: 'utf8', ...this.#owner },
    )
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  }
}

/** Whether the process is there. */
function reached(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return stdout.split('\n').flatMap((line) => (line.trim() === '' ? [] : [Number(line)]))
}

function idsOf(user: string): { uid: number; gid: number } {
  const id = (option: string) => Number(spawnSync('id', [option, user], { encoding: 'utf8' }).stdout)
  return { uid: id('-u'), gid: id('-g') }
}
