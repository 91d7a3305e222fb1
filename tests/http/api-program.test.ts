/** The program itself: what it prints, how it ends, and what it refuses to start with. Rules OPS8 to OPS14. */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig, refuseOpenWithoutAuth } from '../../src/base/config.ts'
import { type Program, runProgram } from '../support/program.ts'
import { onSqlite, storeEnv } from '../support/stores.ts'
import { Listener, listen } from '../support/stream.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-program-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const env = async (more: Record<string, string> = {}) => ({
  PORT: '0',
  ...(await storeEnv(join(folder, `${++files}.db`))),
  BOARDCAST_DRAIN_MS: '50',
  ...more,
})
const json = { 'Content-Type': 'application/json' }
const makeBoard = (url: string, id: string) =>
  fetch(`${url}/api/v1/boards`, { method: 'POST', headers: json, body: JSON.stringify({ id, name: id }) })

/** The address that the program prints. */
async function addressOf(program: Program): Promise<string> {
  await program.until(() => program.stdout.includes('\n'))
  const match = /^boardcast listening on (http:\/\/127\.0\.0\.1:[1-9]\d*)\n$/.exec(program.stdout)
  if (!match?.[1]) throw new Error(`it said ${JSON.stringify(program.stdout)}`)
  return match[1]
}

describe('boardcast serve', () => {
  it('[OPS8] [OPS9] prints one line on stdout, picks a port for PORT=0, and logs JSON lines on stderr', async () => {
    await using program = runProgram(['serve'], await env())
    const url = await addressOf(program)
    expect(((await (await fetch(`${url}/health`)).json()) as { port: number }).port).toBe(Number(new URL(url).port))
    expect((await makeBoard(url, 'demo')).status).toBe(201)
    program.kill('SIGTERM')
    expect(await program.ended).toBe(0)
    expect(program.stdout).toBe(`boardcast listening on ${url}\n`)
    const lines = program.stderr.trimEnd().split('\n')
    for (const line of lines) expect(JSON.parse(line), line).toHaveProperty('msg')
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '[OPS10] exits with 0 on %s, after draining its streams',
    async (signal) => {
      await using program = runProgram(['serve'], await env())
      const url = await addressOf(program)
      await using listener = await listen(url, '/sse')
      program.kill(signal)
      const told = await listener.frame('draining')
      expect(told.data.retryMs).toBeGreaterThanOrEqual(1_000)
      await listener.untilClosed()
      expect([listener.ended, await program.ended]).toEqual([true, 0])
    },
  )

  it('[OPS10] exits with 0 when the signal comes as soon as it listens', async () => {
    await using program = runProgram(['serve'], await env())
    await program.until(() => program.stdout.includes('\n'))
    program.kill('SIGTERM')
    expect(await program.ended).toBe(0)
  })

  it.each([
    ['SIGTERM', 'SIGTERM'],
    ['SIGHUP', 'SIGINT'],
  ] as const)('[OPS11] exits at once on a second signal: %s, %s', async (first, second) => {
    // A drain of an hour: only the second signal ends the program within the time of a test.
    await using program = runProgram(['serve'], await env({ BOARDCAST_DRAIN_MS: '3600000' }))
    const url = await addressOf(program)
    const listeners = [await listen(url, '/sse'), await listen(url, '/sse'), await listen(url, '/sse')]
    program.kill(first)
    for (const listener of listeners) await listener.frame('draining')
    program.kill(second)
    expect(await program.ended).toBe(0)
    for (const listener of listeners) await listener.untilClosed()
  })

  it('[OPS12] keeps state, log and cursors across a restart', async () => {
    const settings = await env()
    let cursor = ''
    {
      await using first = runProgram(['serve'], settings)
      const url = await addressOf(first)
      await makeBoard(url, 'one')
      cursor = (await makeBoard(url, 'two')).headers.get('Event-Id') ?? ''
      first.kill('SIGTERM')
      expect(await first.ended).toBe(0)
    }
    await using second = runProgram(['serve'], settings)
    const url = await addressOf(second)
    const { boards } = (await (await fetch(`${url}/api/v1/boards`)).json()) as { boards: Array<{ id: string }> }
    expect(boards.map(({ id }) => id)).toEqual(['one', 'two'])
    await using listener = new Listener(url, `/sse?channels=global&lastEventId=${cursor}`)
    expect((await listener.frame('hello')).data.data.resumed).toBe(true)
    const next = (await makeBoard(url, 'three')).headers.get('Event-Id') ?? ''
    expect(Number(next.split('-')[1])).toBe(Number(cursor.split('-')[1]) + 1)
    expect((await listener.id(next)).event).toBe('board.created')
  })

  it.runIf(onSqlite('the file after a clean exit'))(
    '[OPS12] has everything in the database file itself after a clean exit',
    async () => {
      const settings = { ...(await env()), BOARDCAST_DB: join(folder, 'whole.db') }
      await using program = runProgram(['serve'], settings)
      await makeBoard(await addressOf(program), 'demo')
      program.kill('SIGTERM')
      await program.ended
      // No write-ahead log is left beside it.
      expect(existsSync(`${settings.BOARDCAST_DB}-wal`)).toBe(false)
      expect(statSync(settings.BOARDCAST_DB).size).toBeGreaterThan(0)
    },
  )
})

describe('refusals to start', () => {
  it.each([
    ['an open host without rights', { HOST: '0.0.0.0' }, /HOST=0\.0\.0\.0 .*BOARDCAST_AUTH=off/],
    ['invalid settings', { PORT: 'http', BOARDCAST_DURABILITY: 'none' }, /PORT[\s\S]*BOARDCAST_DURABILITY/],
    [
      'a folder that is not there',
      { BOARDCAST_DB: '/nowhere/at/all.db', BOARDCAST_DATABASE_URL: '' },
      /\/nowhere\/at\/all\.db/,
    ],
  ])('[OPS13] %s: names the fix, and exits with 2', async (_, settings, said) => {
    await using program = runProgram(['serve'], await env(settings))
    expect(await program.ended).toBe(2)
    expect(program.stdout).toBe('')
    expect(program.stderr).toMatch(said)
    expect(program.stderr, 'a sentence, no stack').not.toMatch(/\n\s+at |please report/)
  })

  it('[OPS13] a port that is taken', async () => {
    await using first = runProgram(['serve'], await env())
    const { port } = new URL(await addressOf(first))
    await using second = runProgram(['serve'], await env({ PORT: port }))
    expect(await second.ended).toBe(1)
    expect(second.stderr).toMatch(new RegExp(`EADDRINUSE.*${port}`))
  })
})

describe('the settings', () => {
  it('[OPS14] have defaults, and an empty variable counts as not set', () => {
    const defaults = loadConfig({})
    expect(defaults).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      dbPath: './boardcast.db',
      isAuthOff: false,
      durability: 'power',
      drainMs: 5_000,
      heartbeatMs: 15_000,
      streamMaxAgeMs: undefined,
      corsOrigins: [],
      retention: { maxAgeMs: 604_800_000, maxEvents: 5_000_000, maxBytes: 4_294_967_296 },
    })
    expect(loadConfig({ PORT: '', HOST: '', BOARDCAST_DB: '', BOARDCAST_CORS_ORIGINS: '' })).toEqual({
      ...defaults,
      node: expect.any(String),
    })
  })

  it.each(['PORT', 'BOARDCAST_DRAIN_MS', 'BOARDCAST_HEARTBEAT_MS', 'BOARDCAST_RETENTION_EVENTS'])(
    '[OPS14] %s of spaces is refused by name, not read as 0',
    (name) => expect(() => loadConfig({ [name]: ' \t' })).toThrow(name),
  )

  it('[OPS14] are parsed with their units', () => {
    const config = loadConfig({
      PORT: '0',
      BOARDCAST_RETENTION_AGE: '1.5h',
      BOARDCAST_RETENTION_BYTES: '500MB',
      BOARDCAST_RETENTION_EVENTS: '10',
      BOARDCAST_STREAM_MAX_AGE: '30s',
      BOARDCAST_CORS_ORIGINS: 'https://a.example, http://b.example:5173,',
    })
    expect(config).toMatchObject({
      port: 0,
      streamMaxAgeMs: 30_000,
      retention: { maxAgeMs: 5_400_000, maxEvents: 10, maxBytes: 500_000_000 },
      corsOrigins: ['https://a.example', 'http://b.example:5173'],
    })
    expect(loadConfig({ BOARDCAST_STREAM_MAX_AGE: 'off' }).streamMaxAgeMs).toBeUndefined()
  })

  it('[OPS14] invalid ones are all named at once, with their valid values', () => {
    const wrong = {
      PORT: '70000',
      BOARDCAST_AUTH: 'on',
      BOARDCAST_RETENTION_AGE: '7',
      BOARDCAST_RETENTION_BYTES: 'much',
      BOARDCAST_RETENTION_EVENTS: '0',
      BOARDCAST_STREAM_MAX_AGE: 'never',
      BOARDCAST_DURABILITY: 'none',
      BOARDCAST_DRAIN_MS: 'x',
      LOG_LEVEL: 'loud',
    }
    let message = ''
    try {
      loadConfig(wrong)
    } catch (error) {
      message = (error as Error).message
    }
    for (const name of Object.keys(wrong)) expect(message, name).toMatch(new RegExp(`^ {2}${name} \\S`, 'm'))
    expect(message.split('\n').length).toBe(Object.keys(wrong).length + 1)
    for (const hint of ['500ms, 30s', '4GiB', 'power or process']) expect(message).toContain(hint)
  })

  it('[OPS13] let everybody in only by an explicit setting', () => {
    for (const HOST of ['0.0.0.0', '::', '192.168.1.4', 'board.example', '127.0.0.1.evil.example']) {
      expect(() => refuseOpenWithoutAuth(loadConfig({ HOST })), HOST).toThrow(/BOARDCAST_AUTH=off/)
      expect(() => refuseOpenWithoutAuth(loadConfig({ HOST, BOARDCAST_AUTH: 'off' })), HOST).not.toThrow()
    }
    for (const HOST of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) {
      expect(() => refuseOpenWithoutAuth(loadConfig({ HOST })), HOST).not.toThrow()
    }
  })
})
