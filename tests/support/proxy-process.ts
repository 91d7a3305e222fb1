/** A proxy in a separate process, on a loopback port, with its files in a temporary folder. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

export interface RunningProxy extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** What it has printed. */
  readonly output: string
}

const PATH = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`

export function isOnPath(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', program], { env: { PATH } }).status === 0
}

/**
 * Starts a program with the arguments that `prepare` gives, having written its files, and resolves when it accepts
 * connections. Throws with what it printed, or wrote into `log`, when it ends instead.
 */
export async function startProxyProcess(
  program: string,
  prepare: (where: { readonly folder: string; readonly port: number }) => readonly string[],
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), `boardcast-${program}-`))
  // Some proxies drop their privileges.
  chmodSync(folder, 0o777)
  const port = await freePort()
  const child = spawn(program, prepare({ folder, port }), {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH },
  })
  let output = ''
  let isOver = false
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      isOver = true
      resolve()
    })
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  }
  while (!(await accepts(port))) {
    if (isOver) throw new Error(`${program} ended at its start: ${output}${readLog(folder)}`)
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get output() {
      return output
    },
    async [Symbol.asyncDispose]() {
      await end(child, ended)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** SIGTERM first, so that a proxy with workers ends them too. */
async function end(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), 3_000)
  await ended
  clearTimeout(patience)
}

function readLog(folder: string): string {
  try {
    return readFileSync(join(folder, 'log'), 'utf8')
  } catch {
    // It has not written a log.
    return ''
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => setTimeout(resolve, 20, false))
  })
}
