/**
 * The bench: that it runs, and that it would notice. No speeds.
 *
 *   BE1  `npm run bench` measures every side that can be run, and its table has all of them. Where PostgreSQL is
 *        installed, it also measures nodes on PostgreSQL beside SQLite.
 *   BE2  The load generator notices a message that is lost, doubled or out of order, and the bench takes no figure from
 *        such a run.
 *   BE3  Without a C compiler the bench says what to install.
 *   BE4  Sides and loads whose programs are not installed are left out, and the bench says what to install.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { compile, type Programs } from '../../bench/compile.ts'
import { generate, requireExact } from '../../bench/generator.ts'
import { runnable } from '../../bench/load.ts'
import { peers } from '../../bench/peers.ts'
import type { Running } from '../../bench/side.ts'
import { number, table } from '../../bench/table.ts'
import { hasPostgres } from '../support/postgres.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

let programs: Programs

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-bench-test-'))
  programs = compile(folder)
  return () => rmSync(folder, { recursive: true })
})

function bench(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return run(process.execPath, ['--import', 'tsx', 'bench/run.ts', ...args], { cwd: ROOT, env })
}

test('[BE1] the smallest bench measures every side, and its table has them all', { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-bench-json-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const json = join(folder, 'results.json')

  const { stdout } = await bench(['--tiny', '--only', 'delivery', '--json', json])

  const sides = peers(programs.floor).filter((side) => side.missing() === undefined)
  const [heads = ''] = stdout.split('\n').filter((line) => line.startsWith('| load'))
  const measured = ['C floor', 'res.write', 'Hono streamSSE', 'better-sse', 'ws', 'Socket.IO']
  for (const title of ['Boardcast', ...measured, ...sides.filter(({ name }) => name === 'nchan').map(() => 'Nchan')]) {
    expect(heads.split('|').map((cell) => cell.trim())).toContain(title)
  }
  expect(stdout).not.toContain('failed')
  const [load] = JSON.parse(readFileSync(json, 'utf8')).loads
  expect(load.name).toBe('delivery')
  for (const { rounds } of load.cases) expect(rounds[0].cpuUs).toBeGreaterThan(0)
})

test.skipIf(!hasPostgres())(
  '[BE1] it starts PostgreSQL with two nodes on it, where both deliver every event',
  { timeout: 180_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'boardcast-bench-json-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const json = join(folder, 'results.json')

    const { stdout } = await bench(['--tiny', '--only', 'nodes-doorbell', '--json', json])

    expect(stdout).not.toContain('failed')
    const [{ variant, rounds }] = JSON.parse(readFileSync(json, 'utf8')).loads[0].cases
    expect(variant).toBe('postgres')
    expect(rounds[0].aP50Ms).toBeGreaterThan(0)
    expect(rounds[0].bP50Ms).toBeGreaterThan(0)
  },
)

/** A side that fans out as `deliver` says: `nth` is the number of the message, `first` the listener that came first. */
async function startFaulty(deliver: (write: () => void, nth: number, isFirst: boolean) => void): Promise<Running> {
  const listeners = new Set<ServerResponse>()
  let nth = 0
  const server: Server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
      listeners.add(response)
      response.on('close', () => listeners.delete(response))
      return
    }
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => {
      nth += 1
      const [first] = listeners
      for (const listener of listeners) deliver(() => listener.write(`data: ${body}\n\n`), nth, listener === first)
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(stop)
  const addresses = { stream: '/', publish: '/publish', before: '{"message":"', item: '%t%p', after: '"}' }
  return { kind: 'sse', port: (server.address() as AddressInfo).port, pids: [process.pid], addresses, stop }
}

const TEN = { listeners: 10, publishers: 2, requests: 50, seconds: 20, graceS: 0.5 } as const

test('[BE2] a side that delivers everything once and in order is exact', async () => {
  const report = await generate(programs.generator, await startFaulty((write) => write()), TEN)
  expect(report).toMatchObject({ listeners: 10, exact: 10, lost: 0, doubled: 0, acked: 50 })
  expect(requireExact(report)).toBe(report)
})

test('[BE2] one message that one of ten listeners does not get is noticed', async () => {
  const side = await startFaulty((write, nth, isFirst) => {
    if (!(isFirst && nth === 20)) write()
  })
  const report = await generate(programs.generator, side, TEN)
  expect(report).toMatchObject({ exact: 9, lost: 1, doubled: 0 })
  expect(() => requireExact(report)).toThrow('1 lost')
})

test('[BE2] the last message, which nothing follows, is missed as well', async () => {
  const side = await startFaulty((write, nth, isFirst) => {
    if (!(isFirst && nth === 50)) write()
  })
  const report = await generate(programs.generator, side, TEN)
  expect(report).toMatchObject({ exact: 9, lost: 1, doubled: 0 })
})

test('[BE2] one message that one of ten listeners gets twice is noticed', async () => {
  const side = await startFaulty((write, nth, isFirst) => {
    write()
    if (isFirst && nth === 20) write()
  })
  const report = await generate(programs.generator, side, TEN)
  expect(report).toMatchObject({ exact: 9, lost: 0, doubled: 1 })
  expect(() => requireExact(report)).toThrow('1 doubled')
})

test('[BE2] two messages that change places are noticed', async () => {
  let held: (() => void) | undefined
  const side = await startFaulty((write, nth, isFirst) => {
    if (!isFirst) return write()
    if (nth === 20) held = write
    else write()
    if (nth === 22) held?.()
  })
  const report = await generate(programs.generator, side, { ...TEN, publishers: 1 })
  expect(report.exact).toBe(9)
  expect(() => requireExact(report)).toThrow('not exact')
})

test('[BE2] compressed streams that differ in a byte are told apart', async () => {
  const options = { ...TEN, sameBytes: true }
  const alike = await generate(programs.generator, await startFaulty((write) => write()), options)
  expect(alike.distinct).toBe(1)
  const side = await startFaulty((write, nth, isFirst) => {
    if (!(isFirst && nth === 20)) write()
  })
  expect((await generate(programs.generator, side, options)).distinct).toBe(2)
})

test('[BE3] without a C compiler it says what to install', async () => {
  const bare = { ...process.env, PATH: '/nonexistent' }
  await expect(bench(['--tiny', '--only', 'delivery'], bare)).rejects.toThrow(/needs a C compiler.*apt-get install gcc/)
})

test('[BE4] what cannot run on this machine is left out with a message', () => {
  const messages: string[] = []
  const [there, missing] = [{ title: 'There' }, { title: 'Missing', missing: () => 'X is not installed' }]
  expect(runnable([missing, there], (text) => messages.push(text))).toEqual([there])
  expect(messages).toEqual(['Missing: skipped, X is not installed'])
})

test('[BE3] names that do not exist are refused with those that do', async () => {
  await expect(bench(['--only', 'nothing'])).rejects.toThrow(/--only: unknown nothing; choose from delivery, /)
})

test('[BE1] figures are rounded to what rounds agree on, and tables are aligned', () => {
  expect([0, 1.2345, 12.345, 1234.5, 1_234_567, Number.NaN].map(number)).toEqual([
    '0',
    '1.23',
    '12.3',
    '1,230',
    '1,230,000',
    '',
  ])
  expect(table(['a', 'bb'], [['1'], ['222', '3']])).toBe('| a   | bb  |\n| --- | --- |\n| 1   |     |\n| 222 | 3   |')
})
