/** A Redis server of the tests' own, on a free port of loopback. It keeps nothing on disk. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

const PROGRAM = 'redis-server'

/** Whether Redis is installed. If not, says so: the tests that need it are skipped. */
export function hasRedis(): boolean {
  const found = spawnSync(PROGRAM, ['--version']).status === 0
  if (!found) process.stderr.write('skipped: redis-server is not installed\n')
  return found
}

export interface RedisOptions {
  /** Settings such as `--requirepass secret`. */
  readonly settings?: readonly string[]
}

export class RedisServer implements AsyncDisposable {
  readonly port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'boardcast-redis-'))
  readonly #settings: readonly string[]
  #process: ChildProcess | undefined

  constructor(port: number, { settings = [] }: RedisOptions = {}) {
    this.port = port
    this.#settings = settings
  }

  static async start(options?: RedisOptions): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options)
    await server.begin()
    return server
  }

  /** One that is not running yet. */
  static async missing(options?: RedisOptions): Promise<RedisServer> {
    return new RedisServer(await freePort(), options)
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts the process, after `end` as well. Resolves when it takes connections. */
  async begin(): Promise<void> {
    const settings = ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.#folder, '--save', '']
    const child = spawn(PROGRAM, [...settings, ...this.#settings], { stdio: 'ignore' })
    this.#process = child
    while (!(await this.#answers())) {
      if (child.exitCode !== null) throw new Error('Redis has ended')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** SIGSTOP and SIGCONT freeze and thaw it. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  /** As a crash does. */
  async end(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  /** Everything that clients send from now on, as the command MONITOR shows it. */
  async monitor(): Promise<{ readonly text: string } & Disposable> {
    const socket = connect(this.port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    socket.write('MONITOR\r\n')
    await until(socket, () => text.startsWith('+OK'))
    return {
      get text() {
        return text
      },
      [Symbol.dispose]: () => socket.destroy(),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1')
      socket.once('error', () => resolve(false))
      socket.once('data', () => {
        socket.destroy()
        resolve(true)
      })
      // The answer may be that a password is needed.
      socket.once('connect', () => socket.write('PING\r\n'))
    })
  }
}

function until(socket: Socket, condition: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.on('data', () => {
      if (condition()) resolve()
    })
  })
}
