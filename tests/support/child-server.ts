/** The program as users run it, in a process of its own that can be killed: same port and same file at every start. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { gate } from './gate.ts'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export class ChildServer implements AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly dbPath: string
  /** What the program wrote on stderr since the last start. */
  errors = ''
  readonly #folder: string
  readonly #env: Readonly<Record<string, string>>
  #child: ChildProcess | null = null
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
    // For a test that fails or runs out of time: what it started must not outlive it.
    onTestFinished(() => server[Symbol.asyncDispose]())
    await server.start()
    return server
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('the server does not run')
    return pid
  }

  /** Resolves while the server is up, and else when it is up again. */
  get up(): Promise<void> {
    return this.#up.promise
  }

  /** Resolves when the program says that it listens. */
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
        BOARDCAST_DB: this.dbPath,
        BOARDCAST_DRAIN_MS: '50',
        LOG_LEVEL: 'error',
        ...this.#env,
      },
    })
    this.#child = child
    child.stderr.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString()
    })
    await new Promise<void>((resolve, reject) => {
      let said = ''
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes('boardcast listening on ')) resolve()
      })
      child.once('exit', (code, signal) =>
        reject(new Error(`the server ended at its start (${code ?? signal}): ${this.errors}`)),
      )
    })
    this.#up.resolve()
  }

  /** Sends the signal and resolves to the exit code (null: it was killed) when the process is gone. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.#child
    if (!child) return null
    this.#child = null
    this.#up = gate()
    return new Promise((resolve) => {
      child.once('exit', (code) => resolve(code))
      child.kill(signal)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = address !== null && typeof address === 'object' ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
