/** A server for tests: the built program as a child process, with a database in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { environmentWith } from '../cli/process/environment.ts'
import { type TestApi, testApi } from './api.ts'
import { endsWithTest } from './lifetime.ts'

export interface ServerOptions {
  /**
   * Settings of the server, such as `BOARDCAST_JWT_SECRET`. The `BOARDCAST_` variables of the test's own environment are
   * not passed on.
   */
  readonly env?: Readonly<Record<string, string>>
}

export interface TestServer {
  /** On loopback, on a port that was free. */
  readonly url: string
  /** With `BOARDCAST_TOKEN` in `env`, it sends that token. */
  readonly api: TestApi
  /** Resolves when the process has ended. */
  stop(): Promise<void>
  /** Stops the server and starts it again, with the same port and database. Resolves when it listens. */
  restart(): Promise<void>
}

const PACKAGE = createRequire(import.meta.url).resolve('boardcast/package.json')
const PROGRAM = join(dirname(PACKAGE), 'dist/cli.js')
const HOST = '127.0.0.1'
/** A server that does not end by itself is killed after this long. */
const KILL_AFTER_MS = 5_000
/** Variables of the test's environment that would change the server. */
const OURS = /^(BOARDCAST_.*|PORT|HOST|LOG_LEVEL|NODE_OPTIONS)$/

/** Starts a server, which ends with the test. Rejects with what the server printed if it does not start. */
export async function startServer({ env = {} }: ServerOptions = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'boardcast-test-'))
  folders.add(folder)
  let running: Promise<Running> | undefined
  // A test that is out of time ends while its server may still be starting.
  const stop = async () => {
    const stopped = await running?.catch(() => undefined)
    running = undefined
    await stopped?.stop()
  }
  await endsWithTest(async () => {
    await stop()
    await rm(folder, { recursive: true, force: true })
    folders.delete(folder)
  })
  const settings = { BOARDCAST_DB: join(folder, 'boardcast.db'), ...env }
  running = start({ PORT: '0', ...settings })
  const { url } = await running
  return {
    url,
    api: testApi(url, env.BOARDCAST_TOKEN),
    stop,
    async restart() {
      await stop()
      running = start({ ...settings, PORT: new URL(url).port })
      await running
    },
  }
}

const children = new Set<ChildProcess>()
const folders = new Set<string>()
// Tests that are aborted do not stop their servers.
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

interface Running {
  readonly url: string
  stop(): Promise<void>
}

async function start(settings: Readonly<Record<string, string>>): Promise<Running> {
  const child = spawn(process.execPath, [PROGRAM, 'serve'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf(settings),
  })
  children.add(child)
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('close', () => {
      children.delete(child)
      resolve()
    })
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-MAX_ERRORS)
  })
  const url = await Promise.race([addressIn(child), ended.then(() => undefined)])
  if (url === undefined) throw new Error(`the server has not started: ${errors.trim() || endOf(child)}`)
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      const killing = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
      await ended
      clearTimeout(killing)
    },
  }
}

const MAX_ERRORS = 10_000

function environmentOf(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(environmentWith({})).filter(([name]) => !OURS.test(name))
  return {
    ...Object.fromEntries(inherited),
    HOST,
    LOG_LEVEL: 'error',
    BOARDCAST_DRAIN_MS: '50',
    // Tests change more in a second than a client usually does.
    BOARDCAST_RATE_MUTATIONS: 'off',
    // A server with this variable ends when the process that started it has died.
    npm_lifecycle_event: 'boardcast/testing',
    ...settings,
  }
}

/** The address in the line that the program prints when it listens. */
function addressIn({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let printed = ''
    stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      const [, url] = /^boardcast listening on (\S+)\n/m.exec(printed) ?? []
      if (url !== undefined) resolve(url)
    })
  })
}

function endOf({ exitCode, signalCode }: ChildProcess): string {
  return `it ended with ${signalCode ?? `exit code ${exitCode}`}`
}
