/** A signal ends the server, however it was started. Rules OPS10 and OPS19. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { missing } from '../support/debian-proxy.ts'
import { listen } from '../support/stream.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CLI = join(ROOT, 'dist/cli.js')
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
/** `npm start` without the build. */
const START = scripts.start?.split('&& ').at(-1)?.replace('dist/cli.js', CLI) ?? ''

/** Clean-up of the tests, in reverse order. */
const undo: Array<() => void> = []
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step()
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-signals-'))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly pid: number
  readonly dbPath: string
}

/** Starts it with a new database in `folder`, and waits for the server's line and its pid. */
async function start(command: string, args: readonly string[], folder: string): Promise<Started> {
  const { PATH, HOME } = process.env
  const dbPath = join(folder, 'signals.db')
  const pidFile = join(folder, 'pid')
  const preload = join(folder, 'pid.cjs')
  // The server is a grandchild of this process, so it prints its own pid.
  writeFileSync(
    preload,
    `if (process.argv[1]?.endsWith('cli.js')) require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid))`,
  )
  const child = spawn(command, args, {
    cwd: folder,
    env: {
      PATH,
      HOME,
      PORT: '0',
      BOARDCAST_DB: dbPath,
      BOARDCAST_DRAIN_MS: '50',
      LOG_LEVEL: 'info',
      NODE_OPTIONS: `--require ${preload}`,
      npm_config_update_notifier: 'false',
    },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk
    })
  }
  undo.push(() => {
    child.kill('SIGKILL')
    if (existsSync(pidFile)) killHard(Number(readFileSync(pidFile, 'utf8')))
  })
  await expect.poll(() => said, { timeout: 150_000 }).toMatch(/boardcast listening on http:\S+\n/)
  const [, url = ''] = /listening on (http:\S+)\n/.exec(said) ?? []
  return { child, url, pid: Number(readFileSync(pidFile, 'utf8')), dbPath }
}

/** A stream gets `draining`, the process ends, and everything is in the database itself. */
async function expectDrain({ url, pid, dbPath }: Started, end: () => void): Promise<void> {
  await using listener = await listen(url, '/sse')
  end()
  await listener.frame('draining')
  await listener.untilClosed()
  await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false)
  expect([existsSync(dbPath), existsSync(`${dbPath}-wal`)]).toEqual([true, false])
}

function npmFolder(script: string): string {
  const folder = newFolder()
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'x', version: '1.0.0', scripts: { start: script } }),
  )
  return folder
}

describe.each(SIGNALS)('%s', (signal) => {
  test('[OPS10] drains', async () => {
    const server = await start(process.execPath, [CLI, 'serve'], newFolder())
    const code = new Promise((resolve) => server.child.once('exit', resolve))
    await expectDrain(server, () => process.kill(server.pid, signal))
    expect(await code).toBe(0)
  })

  test('[OPS19] drains a server that `npm start` started', async () => {
    const server = await start('npm', ['start'], npmFolder(START))
    await expectDrain(server, () => server.child.kill(signal))
  })
})

test('[OPS19] SIGTERM to the shell that npm started does not leave the server behind', async () => {
  const server = await start('npm', ['start'], npmFolder(`node ${CLI} serve; true`))
  await expectDrain(server, () => server.child.kill('SIGTERM'))
})

test('[OPS19] drains when its terminal, and with it stderr, is closed', async () => {
  const server = await start(process.execPath, [CLI, 'serve'], newFolder())
  const code = new Promise((resolve) => server.child.once('exit', resolve))
  await expectDrain(server, () => {
    server.child.stdout?.destroy()
    server.child.stderr?.destroy()
    process.kill(server.pid, 'SIGHUP')
  })
  expect(await code).toBe(0)
})

const noPython = missing('python3').length > 0 ? ' (not installed: python3)' : ''
test.skipIf(noPython !== '')(`[OPS19] exits with 0 when its terminal is closed${noPython}`, async () => {
  const folder = newFolder()
  const dbPath = join(folder, 'terminal.db')
  const terminal = `
import os, pty
pid, fd = pty.fork()
if pid == 0:
    os.execv(${JSON.stringify(process.execPath)}, ['node', ${JSON.stringify(CLI)}, 'serve'])
said = b''
while b'boardcast listening' not in said:
    said += os.read(fd, 4096)
os.close(fd)
print(os.waitpid(pid, 0)[1])
`
  const child = spawn('python3', ['-c', terminal], {
    env: { PATH: process.env.PATH, PORT: '0', BOARDCAST_DB: dbPath, BOARDCAST_DRAIN_MS: '50' },
  })
  let status = ''
  child.stdout.on('data', (chunk) => {
    status += chunk
  })
  await new Promise((resolve) => child.once('close', resolve))
  expect([status, existsSync(`${dbPath}-wal`)]).toEqual(['0\n', false])
})

test('[OPS19] `npm start` builds, serves and drains', async () => {
  const folder = newFolder()
  const sources = ['package.json', 'tsconfig.json', 'src', 'shared', 'web', 'vite.event-names.ts']
  const configs = ['vite.server.config.ts', 'vite.web.config.ts', 'vite.client.config.ts', 'vite.testing.config.ts']
  for (const name of [...sources, ...configs]) cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const server = await start('npm', ['start'], folder)
  expect((await fetch(server.url, { headers: { Accept: 'text/html' } })).status).toBe(200)
  await expectDrain(server, () => server.child.kill('SIGTERM'))
}, 180_000)

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // An ended process that nobody has waited for is still listed.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
