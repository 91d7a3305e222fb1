// The rules of `boardcast run`, against a real server and the built program. (R1 to R8 are in the files beside this one.)
//
// RUN9   The program's output passes through byte for byte, and its lines are the attempt's log while it runs.
// RUN10  `run` exits with the program's exit code; 0 is `succeeded`, anything else `failed` with code and reason.
// RUN11  A program that cannot be started is a failed attempt: exit 127, or 126 when it is not executable.
// RUN12  A signal reaches the program and its children; the attempt is `stopped`; exit 128+n.
// RUN13  A stop from the board ends the program.
// RUN14  --board and --title create the card, and the board if necessary; --card creates neither.
// RUN15  An outage of the server loses nothing: the program keeps running, the lines follow.
// RUN16  Usage errors exit 2 with a sentence that names the fix; without a server it exits 5.
// RUN17  `run` loads neither the server nor SQLite.

import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGate } from './support/gate.ts'
import { boardcast } from './support/program.ts'
import { startHub } from './support/server.ts'

let hub: Awaited<ReturnType<typeof startHub>>
beforeAll(async () => {
  hub = await startHub()
})
afterAll(() => hub[Symbol.asyncDispose]())

const node = process.execPath
let boards = 0

/** A run on a new board, with what the board shows of it. */
function runOnNewBoard(cmd: readonly string[], { url = hub.url, options = [] as string[] } = {}) {
  boards += 1
  const board = `run-${boards}`
  const program = boardcast(['run', '--url', url, '--board', board, '--title', 'the title', ...options, '--', ...cmd])
  const card = async () => (await hub.cards(board))[0]!
  const attempt = async () => hub.attempt((await card()).attempt!.id)
  const log = async () => hub.log((await card()).attempt!.id)
  return { board, program, card, attempt, log }
}

test('[RUN9] [RUN10] [RUN14] on an empty server: creates board, card and attempt, passes output through and logs it', async () => {
  const run = runOnNewBoard(['sh', '-c', 'echo out; echo err >&2; printf "no newline"'])
  expect(await run.program.ended).toBe(0)

  expect(run.program.stdout().toString()).toBe('out\nno newline')
  const [first, second, last] = run.program.stderr().split(/(?<=\n)/)
  expect(first).toMatch(new RegExp(`^boardcast: [A-Z0-9]+-1 ${hub.url}/\\?board=${run.board}\n$`))
  expect(second).toBe('err\n')
  expect(last).toMatch(/^boardcast: [A-Z0-9]+-1 succeeded, 3 lines, \d+\.\d s\n$/)

  expect(await run.card()).toMatchObject({ title: 'the title', column: 'review' })
  expect(await run.attempt()).toMatchObject({
    status: 'succeeded',
    exitCode: 0,
    error: null,
    agent: userInfo().username,
  })
  const log = await run.log()
  expect(log.filter(({ stream }) => stream === 'stdout').map(({ message }) => message)).toEqual(['out', 'no newline'])
  expect(log.filter(({ stream }) => stream === 'stderr')).toMatchObject([{ message: 'err', level: 'info' }])
})

test('[RUN9] binary output passes through unchanged, and 50,000 lines arrive in order', async () => {
  const script = `
    process.stdout.write(Buffer.from([0xff, 0x00, 0xc3, 0x0a]))
    for (let i = 0; i < 50000; i += 1) process.stdout.write(i + ' \\u00e9\\u{1f469}\\n')`
  const run = runOnNewBoard([node, '-e', script], { options: ['--quiet'] })
  expect(await run.program.ended).toBe(0)

  const numbered = Array.from({ length: 50_000 }, (_, at) => `${at} é👩`)
  const whole = Buffer.concat([Buffer.from([0xff, 0x00, 0xc3, 0x0a]), Buffer.from(`${numbered.join('\n')}\n`)])
  expect(hash(run.program.stdout())).toBe(hash(whole))
  expect(run.program.stderr()).toBe('')
  expect((await run.log()).map(({ message }) => message)).toEqual(['\ufffd\u0000\ufffd', ...numbered])
})

test('[RUN9] lines are on the board while the program still runs', async () => {
  const run = runOnNewBoard([node, '-e', 'console.log("early"); setInterval(() => {}, 1000)'])
  await run.program.until(() => run.program.stdout().includes('early'))
  await expect.poll(() => run.log(), { timeout: 20_000 }).toMatchObject([{ message: 'early' }])
  expect(await run.attempt()).toMatchObject({ status: 'running' })
  run.program.kill('SIGTERM')
  await run.program.ended
})

test('[RUN10] passes the exit code on, and the attempt records why it failed', async () => {
  const failed = runOnNewBoard(['sh', '-c', 'exit 3'])
  const killed = runOnNewBoard(['sh', '-c', 'kill -KILL $$'])
  expect(await failed.program.ended).toBe(3)
  expect(await killed.program.ended).toBe(137)
  expect(await failed.attempt()).toMatchObject({ status: 'failed', exitCode: 3, error: 'exit code 3' })
  expect(await killed.attempt()).toMatchObject({ status: 'failed', exitCode: 137, error: 'killed by SIGKILL' })
})

test('[RUN10] a background process that keeps the pipes open does not keep the run from ending', async () => {
  const run = runOnNewBoard(['sh', '-c', 'echo here; sleep 20 & exit 4'])
  expect(await run.program.ended).toBe(4)
  expect(await run.log()).toMatchObject([{ message: 'here' }])
})

test('[RUN11] a program that cannot be started is a failed attempt', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'boardcast-cli-test-')), 'not-executable')
  writeFileSync(file, '')
  const missing = runOnNewBoard(['there-is-no-such-program'])
  const locked = runOnNewBoard([file])
  expect(await missing.program.ended).toBe(127)
  expect(await locked.program.ended).toBe(126)
  expect(missing.program.stderr()).toContain(
    'cannot start "there-is-no-such-program": not found. Check its name and the PATH.',
  )
  expect(await missing.attempt()).toMatchObject({
    status: 'failed',
    exitCode: 127,
    error: expect.stringContaining('not found'),
  })
  expect(await locked.attempt()).toMatchObject({
    status: 'failed',
    exitCode: 126,
    error: expect.stringContaining('chmod'),
  })
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  '[RUN12] %s ends the program and what it started, the attempt is stopped, exit %i',
  async (signal, code) => {
    const inner = `process.on('${signal}', () => { console.log('heard'); process.exit() }); setInterval(() => {}, 1000); console.log('ready')`
    const run = runOnNewBoard(['sh', '-c', '"$0" -e "$1"; echo never', node, inner])
    await run.program.until(() => run.program.stdout().includes('ready'))
    run.program.kill(signal)
    expect(await run.program.ended).toBe(code)
    expect(run.program.stdout().toString()).toBe('ready\nheard\n')
    expect(await run.attempt()).toMatchObject({ status: 'stopped', exitCode: code })
    expect(run.program.stderr()).toContain('stopped, 2 lines')
  },
)

test('[RUN12] a program that cleans up chooses its exit code, and its last lines are logged', async () => {
  const script = `process.on('SIGINT', () => { console.log('tidy'); process.exit(9) }); setInterval(() => {}, 1000); console.log('ready')`
  const run = runOnNewBoard([node, '-e', script])
  await run.program.until(() => run.program.stdout().includes('ready'))
  run.program.kill('SIGINT')
  expect(await run.program.ended).toBe(9)
  expect(await run.attempt()).toMatchObject({ status: 'stopped', exitCode: 9 })
  expect((await run.log()).map(({ message }) => message)).toEqual(['ready', 'tidy'])
})

test('[RUN13] a stop from the board ends the program', async () => {
  const run = runOnNewBoard([node, '-e', 'console.log("ready"); setInterval(() => {}, 1000)'])
  await run.program.until(() => run.program.stdout().includes('ready'))
  await hub.ask('POST', `/attempts/${(await run.attempt()).id}/stop`, {})
  expect(await run.program.ended).toBe(143)
  expect(await run.attempt()).toMatchObject({ status: 'stopped', exitCode: 143 })
  expect(run.program.stderr()).toContain('stopped from the board')
})

test('[RUN13] a stop during an interruption of the stream takes effect when the stream is back', async () => {
  await using gate = await openGate(hub.url)
  const run = runOnNewBoard([node, '-e', 'console.log("ready"); setInterval(() => {}, 1000)'], { url: gate.url })
  await run.program.until(() => run.program.stdout().includes('ready'))
  await expect.poll(() => run.log(), { timeout: 20_000 }).toMatchObject([{ message: 'ready' }])
  await gate.shut()
  await hub.ask('POST', `/attempts/${(await run.attempt()).id}/stop`, {})
  await gate.reopen()
  expect(await run.program.ended).toBe(143)
  expect(await run.attempt()).toMatchObject({ status: 'stopped', exitCode: 143 })
})

test('[RUN14] --card uses an existing card, --agent names the agent', async () => {
  await hub.ask('POST', '/boards', { id: 'given', name: 'Given' })
  const { id } = await hub.ask('POST', '/boards/given/cards', { title: 'there already' })
  const program = boardcast(['run', '--card', id, '--agent', 'ada', '--', 'true'], { BOARDCAST_URL: hub.url })
  expect(await program.ended).toBe(0)
  const cards = await hub.cards('given')
  expect(cards).toMatchObject([{ title: 'there already', attempt: { status: 'succeeded' } }])
  expect(await hub.attempt(cards[0]!.attempt!.id)).toMatchObject({ agent: 'ada' })
})

test('[RUN14] an unknown card: exit 1, and the program is not started', async () => {
  const program = boardcast(['run', '--url', hub.url, '--card', 'crd_none', '--', 'echo', 'started'])
  expect(await program.ended).toBe(1)
  expect(program.stdout().toString()).toBe('')
  expect(program.stderr()).toMatch(/^boardcast: POST \/cards\/crd_none\/attempts was refused \(404\): .+\n$/)
})

test('[RUN15] during an outage of the server the program keeps running, and every line arrives once', async () => {
  await using gate = await openGate(hub.url)
  const script = `
    const { existsSync } = require('node:fs')
    let n = 0
    const timer = setInterval(() => {
      console.log('line ' + (n += 1))
      if (existsSync(process.argv[1])) clearInterval(timer)
    }, 5)`
  const flag = join(mkdtempSync(join(tmpdir(), 'boardcast-cli-test-')), 'enough')
  const run = runOnNewBoard([node, '-e', script, flag], { url: gate.url })
  await run.program.until(() => run.program.stdout().includes('line 20\n'))
  await gate.shut()
  const seen = run.program.stdout().length
  await run.program.until(() => run.program.stderr().includes('is unreachable'))
  await run.program.until(() => run.program.stdout().length > seen + 500)
  await gate.reopen()
  writeFileSync(flag, '')
  expect(await run.program.ended).toBe(0)

  const written = run.program.stdout().toString().trimEnd().split('\n')
  expect((await run.log()).map(({ message }) => message)).toEqual(written)
  expect(await run.attempt()).toMatchObject({ status: 'succeeded' })
  expect(run.program.stderr().match(/is unreachable/g)).toHaveLength(1)
  expect(run.program.stderr()).not.toContain('LOST')
})

test('[RUN15] a server that stays down: the exit code is the program’s, and the loss is reported', async () => {
  const gate = await openGate(hub.url)
  const run = runOnNewBoard(
    [
      node,
      '-e',
      'process.stdin.resume(); console.log("one"); process.on("SIGTERM", () => { console.log("two"); process.exit(6) }); setInterval(() => {}, 1000)',
    ],
    { url: gate.url },
  )
  await run.program.until(() => run.program.stdout().includes('one'))
  await expect.poll(() => run.log(), { timeout: 20_000 }).toMatchObject([{ message: 'one' }])
  await gate.shut()
  run.program.kill('SIGTERM')
  await run.program.until(() => run.program.stdout().includes('two'))
  await run.program.until(() => run.program.stderr().includes('is unreachable'))
  // Once the program has ended, another signal only means "do not wait for the server any longer".
  const again = setInterval(() => run.program.kill('SIGTERM'), 100)
  expect(await run.program.ended).toBe(6)
  clearInterval(again)
  expect(run.program.stderr()).toContain('LOST: 1 line of output did not reach')
  expect(run.program.stderr()).toContain('LOST: the status stopped was not recorded')
})

test.each([
  [['run', '--', 'true'], 'error: no card to work on: use --card ID, or --board ID --title T for a new card'],
  [['run', '--board', 'b', '--', 'true'], 'error: a new card needs a title: add --title T'],
  [['run', '--board', 'b', '--card', 'c', '--', 'true'], 'cannot be used with'],
  [['run', '--board', 'b', '--title', 't'], 'error: no program to run: put it after --'],
  [['run', '--colour', '--', 'true'], "unknown option '--colour'"],
  [['run', '--url', 'nowhere', '--card', 'c', '--', 'true'], '"nowhere" is not a server address'],
  [['walk'], "unknown command 'walk'"],
  [['serve', '--port', '99999'], 'Expected a number from 0 to 65535'],
  [['demo', '--speed', 'fast'], 'Expected a number of at least 0.001'],
  [['demo', '--speed', '1e-9'], 'Expected a number of at least 0.001'],
])('[RUN16] %j is a usage error', async (args, sentence) => {
  const program = boardcast(args)
  expect(await program.ended).toBe(2)
  expect(program.stderr()).toContain(sentence)
  expect(program.stdout().toString()).toBe('')
})

test('[RUN16] no server: exit 5, and the program is not started', async () => {
  const gate = await openGate(hub.url)
  await gate.shut()
  const program = boardcast(['run', '--url', gate.url, '--board', 'b', '--title', 't', '--', 'echo', 'started'])
  expect(await program.ended).toBe(5)
  expect(program.stdout().toString()).toBe('')
  expect(program.stderr()).toContain('npm start')
})

test('[RUN17] the imports of `run` contain neither the server nor SQLite', () => {
  const folder = fileURLToPath(new URL('../../dist/chunks/', import.meta.url))
  const start = readdirSync(folder).filter((name) => /^run-.*\.js$/.test(name))
  expect(start).toHaveLength(1)
  const seen = new Set<string>()
  const packages = new Set<string>()
  for (const queue = [...start]; queue.length > 0; ) {
    const name = queue.pop()!
    if (seen.has(name)) continue
    seen.add(name)
    const source = readFileSync(join(folder, name), 'utf8')
    for (const [, from] of source.matchAll(/^(?:import|export)\b[^"';]*["']([^"']+)["']/gm)) {
      if (from!.startsWith('.')) queue.push(from!.replace(/^\.\//, ''))
      else if (!from!.startsWith('node:')) packages.add(from!)
    }
  }
  expect([...packages].sort()).toEqual(['eventsource-parser', 'zod'])
})

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
