/** Proxies as Debian packages them, each in a process of its own, on a port of loopback and with files in a folder of its own. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type ProxyName = 'nginx' | 'haproxy'

export interface RunningProxy extends AsyncDisposable {
  readonly url: string
  readonly port: number
}

const PATH = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`

/** The programs that are not installed here; tests that need them are skipped, and say which. */
export function missing(...names: readonly string[]): readonly string[] {
  return names.filter((name) => spawnSync('which', [name], { env: { PATH } }).status !== 0)
}

/** `server` is the inside of nginx's `server { … }`, `http` stands beside it. */
export function startNginx(config: (folder: string) => { server: string; http?: string }): Promise<RunningProxy> {
  return start('nginx', (port, folder) => {
    const { server, http = '' } = config(folder)
    const file = join(folder, 'nginx.conf')
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${folder}/${n};`)
    writeFileSync(
      file,
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events {}
http { access_log off; ${temp.join(' ')} ${http} server { listen 127.0.0.1:${port}; ${server} } }`,
    )
    return ['-p', folder, '-c', file, '-e', 'stderr']
  })
}

/** `frontend` is what HAProxy does with a request before it goes to `target`, a port of loopback. */
export function startHaproxy(target: number, frontend: string): Promise<RunningProxy> {
  return start('haproxy', (port, folder) => {
    const file = join(folder, 'haproxy.cfg')
    const times = ['connect 5s', 'client 1h', 'server 1h', 'tunnel 1h'].map((each) => `timeout ${each}`)
    const defaults = ['defaults', 'mode http', 'option http-no-delay', ...times].join('\n  ')
    const front = ['frontend front', `bind 127.0.0.1:${port}`, ...frontend.trim().split('\n'), 'default_backend hub']
    const back = ['backend hub', `server hub 127.0.0.1:${target}`].join('\n  ')
    writeFileSync(file, `${defaults}\n${front.map((line) => line.trim()).join('\n  ')}\n${back}\n`)
    return ['-db', '-f', file]
  })
}

async function start(
  name: ProxyName,
  argumentsFor: (port: number, folder: string) => readonly string[],
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), `boardcast-${name}-`))
  const port = await freePort()
  const child = spawn(name, argumentsFor(port, folder), { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH } })
  let said = ''
  let isOver = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk
    })
  }
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      isOver = true
      resolve()
    }),
  )
  while (!(await accepts(port))) {
    if (isOver) throw new Error(`${name} ended at its start: ${said}`)
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
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

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
