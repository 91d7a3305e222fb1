/** A Redis server on a free port of loopback. It keeps nothing on disk. */
import { spawn, spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { end } from './side.ts'
import { removeFolder, tempFolder } from './temp.ts'

const PROGRAM = 'redis-server'

export interface Redis {
  readonly url: string
  stop(): Promise<void>
}

/** Why Redis cannot be started; undefined if it can. */
export function redisMissing(): string | undefined {
  const found = spawnSync(PROGRAM, ['--version']).status === 0
  return found ? undefined : 'Redis is not installed (Debian: apt-get install redis-server)'
}

export async function startRedis(): Promise<Redis> {
  const folder = tempFolder('redis')
  const port = await freePort()
  const options = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '']
  const child = spawn(PROGRAM, options, { stdio: 'ignore' })
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`Redis ended with code ${child.exitCode}`)
    await delay(10)
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      await end(child)
      removeFolder(folder)
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
