/** The program as users run it, in a separate process that can be killed. Every start uses the same port and file. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'
import { gate } from './gate.ts'
import { dropDatabaseAt, storeEnv } from './stores.ts'

interface Running {
  readonly child: ChildProcess
  readonly exit: Promise<void>
}

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export class ChildServer implements AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly dbPath: string
  /** Output on stderr since the last start. */
  errors = ''
  readonly #folder: string
  readonly #env: Readonly<Record<string, string>>
  #running: Running | null = null
  #up = gate()

  private constructor(port: number, env: Readonly<Record<string, string>>) {
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.#folder = mkdtempSync(join(tmpdir(), 'boardcast-child-'))
    this.dbPath = join(this.#folder, 'boardcast.db')
    this.#env = env
  }

  /** Starts the program on a port that was free a moment ago. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<ChildServer> {
    const server = new ChildServer(await freePort(), env)
    // The process must end with the test, even if the test fails or times out.
    onTestFinished(() => server[Symbol.asyncDispose]())
    await server.start()
    return server
  }

  get pid(): number {
    const pid = this.#running?.child.pid
    if (pid === undefined) throw new Error('the server is not running')
    return pid
  }

  /** Resolves when the server is up; at once while it is. */
  get up(): Promise<void> {
    return this.#up.promise
  }

  /** Resolves when the program prints that it listens. */
  async start(): Promise<void> {
    this.errors = ''
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(BOARDCAST_|PORT$|HOST$|NODE_OPTIONS$)/.test(name),
    )
    const child = spawn(process.execPath, [CLI, 'serve'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries(inherited),
        PORT: String(this.port),
        ...(await storeEnv(this.#env.BOARDCAST_DB ?? this.dbPath)),
        BOARDCAST_DRAIN_MS: '50',
        LOG_LEVEL: 'error',
        ...this.#env,
      },
    })
    const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    this.#running = { child, exit }
    child.stderr.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString()
    })
    const listening = new Promise<void>((resolve) => {
      let printed = ''
      child.stdout.on('data', (chunk: Buffer) => {
        printed += chunk.toString()
        if (printed.includes('boardcast listening on ')) resolve()
      })
    })
    await Promise.race([listening, exit])
    if (hasEnded(child)) {
      this.#running = null
      throw this.#unexpectedEnd(child)
    }
    this.#up.resolve()
  }

  /**
   * Sends the signal and resolves to the exit code (null: it was killed) when the process has ended. Throws when the
   * process ended for another reason.
   */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    if (!this.#running) return null
    const { child, exit } = this.#running
    this.#running = null
    this.#up = gate()
    const endedBefore = hasEnded(child)
    child.kill(signal)
    await exit
    const { exitCode, signalCode } = child
    if (endedBefore || (signalCode !== null && signalCode !== signal)) throw this.#unexpectedEnd(child)
    return exitCode
  }

  #unexpectedEnd({ exitCode, signalCode }: ChildProcess): Error {
    return new Error(`the server ended by itself (${exitCode ?? signalCode}): ${this.errors}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop('SIGKILL')
    } finally {
      await dropDatabaseAt(this.dbPath)
      rmSync(this.#folder, { recursive: true, force: true })
    }
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}
