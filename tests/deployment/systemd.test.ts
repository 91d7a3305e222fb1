/** deploy/boardcast.service, as far as it can be tried where systemd does not run. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { cleanEnv, ROOT } from '../support/package.ts'
import { hasProgram } from '../support/programs.ts'

const PROGRAM = '/opt/boardcast/bin/boardcast'
/** What no user has. */
const SOME_ID = '61234'

const unit = readFileSync(join(ROOT, 'deploy/boardcast.service'), 'utf8')
const hasSystemd = hasProgram('systemd-analyze')

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  return folder
}

/** All values of a setting, in order. */
function values(setting: string): string[] {
  return [...unit.matchAll(new RegExp(`^${setting}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

test.skipIf(!hasSystemd)('[OPS22] systemd accepts the unit, and its score is the one in the document', () => {
  const file = join(temporaryFolder(), 'boardcast.service')
  writeFileSync(file, unit.replace(PROGRAM, process.execPath))
  const verified = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
  expect([verified.status, verified.stderr]).toEqual([0, ''])
  const security = execFileSync('systemd-analyze', ['security', '--offline=yes', '--no-pager', file], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
  const score = Number(/Overall exposure level for boardcast\.service: ([\d.]+)/.exec(security)?.[1])
  const operations = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
  const documented = Number(/`systemd-analyze security` gives the unit ([\d.]+),/.exec(operations)?.[1])
  expect(score).toBeGreaterThan(0)
  expect(score).toBeLessThanOrEqual(documented)
})

/** Makes everything read-only but the folder of the state, in a mount namespace, as ProtectSystem=strict does. */
const READ_ONLY = 'mount --bind "$STATE" "$STATE" && mount -o remount,bind,ro / && exec "$@"'
const UNPRIVILEGED = ['setpriv', '--reuid', SOME_ID, '--regid', SOME_ID, '--clear-groups', '--no-new-privs'].concat([
  '--bounding-set=-all',
  '--inh-caps=-all',
])
const CONFINED = ['unshare', '--mount', 'sh', '-c', READ_ONLY, 'sh', ...UNPRIVILEGED]

/** Whether a program can be run in this way, and can read this repository. */
function canRun(before: readonly string[], state: string): boolean {
  const [command = '', ...args] = [...before, 'test', '-r', join(ROOT, 'dist/cli.js')]
  const { status } = spawnSync(command, args, { env: { ...process.env, STATE: state } })
  if (status !== 0) process.stderr.write('skipped: root only, and where other users can read this repository\n')
  return status === 0
}

/** Starts the server with the unit's environment and these words before it, posts to it, and stops it. */
async function serveOnce(before: readonly string[], state: string): Promise<{ code: number | null; stderr: string }> {
  const port = await freePort()
  const environment = Object.fromEntries(values('Environment').map((pair) => pair.split('=', 2)))
  const words = ['sh', '-c', 'echo $$ >"$STATE/pid" && exec "$@"', 'sh', process.execPath]
  const [command = '', ...args] = [...before, ...words, join(ROOT, 'dist/cli.js'), 'serve']
  const child = spawn(command, args, {
    cwd: '/',
    env: {
      ...cleanEnv(),
      ...environment,
      BOARDCAST_DB: join(state, 'boardcast.db'),
      PORT: String(port),
      HOME: '/',
      STATE: state,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.on('data', (text) => {
    stderr += String(text)
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended])
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/boards`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"id":"demo","name":"Demo"}',
  })
  expect(response.status, stderr).toBe(201)
  const page = await fetch(`http://127.0.0.1:${port}/`, { headers: { Accept: 'text/html' } })
  expect(page.status).toBe(200)
  process.kill(Number(readFileSync(join(state, 'pid'), 'utf8')), 'SIGTERM')
  return { code: await ended, stderr }
}

test('[OPS22] it runs as a user without rights that can write nothing but the folder of the state', async ({
  skip,
}) => {
  const state = temporaryFolder()
  chmodSync(state, 0o777)
  if (!canRun(CONFINED, state)) return skip('this user cannot make a namespace with read-only mounts')
  const { code, stderr } = await serveOnce(CONFINED, state)
  expect([code, stderr]).toEqual([0, expect.not.stringMatching(/"level":[45]0/)])
})

const hasStrace = hasProgram('strace') && spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

test.skipIf(!hasSystemd || !hasStrace)('[OPS22] it makes no system call that the unit refuses', async ({ skip }) => {
  const state = temporaryFolder()
  chmodSync(state, 0o777)
  if (!canRun(UNPRIVILEGED, state)) return skip('this user cannot become another one')
  const trace = join(state, 'trace')
  const { code } = await serveOnce(['strace', '-f', '-qq', '-o', trace, ...UNPRIVILEGED], state)
  expect(code).toBe(0)
  const text = readFileSync(trace, 'utf8')
  const ofServer = text.slice(text.lastIndexOf('execve('))
  const made = new Set([...ofServer.matchAll(/^\d+ +(\w+)\(/gm)].map(([, name]) => name as string))
  expect(made.size).toBeGreaterThan(30)
  const allowed = allowedCalls()
  expect([...made].filter((name) => !allowed.has(name) && !TOLERATED.has(name)).sort()).toEqual([])
})

/** Answered with EPERM, which changes nothing: the limit of open files is already as high as it may be (LimitNOFILE=). */
const TOLERATED: ReadonlySet<string> = new Set(['setrlimit'])

function allowedCalls(): ReadonlySet<string> {
  const allowed = new Set<string>()
  for (const value of values('SystemCallFilter')) {
    const isDenied = value.startsWith('~')
    for (const group of value.replace('~', '').split(' ')) {
      for (const call of callsOf(group)) {
        if (isDenied) allowed.delete(call)
        else allowed.add(call)
      }
    }
  }
  return allowed
}

/** The calls of a group, which may have groups in it. */
function callsOf(group: string): string[] {
  if (!group.startsWith('@')) return [group]
  const text = execFileSync('systemd-analyze', ['syscall-filter', group], { encoding: 'utf8' })
  const lines = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
  return lines.filter((line) => /^@?\w/.test(line)).flatMap((line) => callsOf(line.replace(/\s.*/, '')))
}
