/** `boardcast copy` and `boardcast epoch` between files and PostgreSQL, as a program. Rules COPY and EPOCH of docs/cli.md. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { contentsOfFile, contentsOfPostgres, fillDatabase } from '../support/filled-database.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { runProgram } from '../support/program.ts'
import { chooseSeed, createRandom } from '../support/random.ts'
import { startTestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

const PASSWORD = 's3cret-word'

// Dozens of programs, which share two processors with other tests.
vi.setConfig({ testTimeout: 240_000 })

let postgres: PostgresServer
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-copy-'))
  const made = folder
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
})

interface Ending {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
  await using program = runProgram(args, env)
  const code = await program.ended
  const { stdout, stderr } = program
  expect(stdout + stderr).not.toContain(PASSWORD)
  return { code, stdout, stderr }
}

const file = (name: string) => join(folder, name)

/** A database of its own, named with a password. */
async function database(): Promise<string> {
  return withPassword(await postgres.database())
}

function withPassword(url: string): string {
  return url.replace('postgres@', `postgres:${PASSWORD}@`)
}

async function copied(source: string, target: string): Promise<{ cursor: string; events: number; rows: number }> {
  const { code, stdout, stderr } = await run(['copy', source, target])
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^boardcast: copied \d+ events and \d+ rows\n$/)])
  expect(stdout).toMatch(/^\{.*\}\n$/)
  return JSON.parse(stdout)
}

async function expectRefusal(args: readonly string[], code: number, words: string): Promise<void> {
  const ending = await run(args)
  expect([ending.code, ending.stdout, ending.stderr]).toEqual([code, '', expect.stringContaining(words)])
  // One sentence or two, and no stack.
  expect(ending.stderr.trim().split('\n')).toHaveLength(1)
}

describe('files', () => {
  test('[COPY1] [COPY2] [N16] everything is copied from one file to another', async () => {
    await fillDatabase(file('a.db'), { rows: 40, events: 5_000 })
    const before = await contentsOfFile(file('a.db'))
    const result = await copied(file('a.db'), file('b.db'))
    expect(await contentsOfFile(file('b.db'))).toEqual(before)
    const rows = Object.entries(before)
      .filter(([name]) => !['meta', 'events', 'event_channels', 'trimmed'].includes(name))
      .reduce((sum, [, each]) => sum + each.length, 0)
    expect(result).toEqual({ cursor: 'c0ffee00-5000', events: 5_000, rows })
    expect(statSync(file('b.db')).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder).sort()).toEqual(['a.db', 'b.db'])
  })

  test('[COPY2] the schema of an older version is copied as it is, for the server to migrate', async () => {
    await fillDatabase(file('a.db'), { rows: 3, events: 30, schema: 6 })
    await copied(file('a.db'), file('b.db'))
    expect(await contentsOfFile(file('b.db'), 6)).toEqual(await contentsOfFile(file('a.db'), 6))
  })

  test('[COPY3] a target that a server has opened and that holds nothing gives way, with its mode', async () => {
    await fillDatabase(file('a.db'), { rows: 3, events: 30 })
    const server = await startTestServer({ dbPath: file('b.db'), databaseUrl: undefined })
    await server.close()
    await copied(file('a.db'), file('b.db'))
    expect(await contentsOfFile(file('b.db'))).toEqual(await contentsOfFile(file('a.db')))
    writeFileSync(file('empty.db'), '', { mode: 0o640 })
    await copied(file('a.db'), file('empty.db'))
    expect(statSync(file('empty.db')).mode & 0o777).toBe(0o640)
  })

  test('[COPY4] [COPY5] what cannot be copied is refused, and nothing is changed', async () => {
    await fillDatabase(file('a.db'), { rows: 2, events: 20 })
    await fillDatabase(file('full.db'), { rows: 0, events: 1 })
    await fillDatabase(file('rows.db'), { rows: 1, events: 0 })
    await fillDatabase(file('trimmed.db'), { rows: 0, events: 0 })
    writeFileSync(file('notes.txt'), 'These are notes.\n'.repeat(500))
    writeFileSync(file('empty.db'), '')
    const change = (name: string, statement: string) => {
      const sqlite = new SqliteDatabase(file(name))
      sqlite.exec(statement)
      sqlite.close()
    }
    change('trimmed.db', "INSERT INTO meta VALUES ('trimmed', '7')")
    change('shop.db', 'CREATE TABLE orders (id INTEGER PRIMARY KEY)')
    await fillDatabase(file('newer.db'), { rows: 0, events: 0 })
    change('newer.db', "UPDATE meta SET value = '999' WHERE name = 'schema'")
    for (let index = 0; index < 12; index++) copyFileSync(file('a.db'), file(`a${index}.db`))
    // All commands run at once, and one that looks at a target keeps others from the file.
    for (const name of ['shop.db', 'notes.txt', 'newer.db']) copyFileSync(file(name), file(`source-${name}`))
    const names = readdirSync(folder).sort()
    const contents = await contentsOfFile(file('full.db'))

    const cases: Array<[source: string, target: string, code: number, words: string]> = [
      ['a.db', 'full.db', 1, `TARGET ${file('full.db')} is not empty: it holds 1 event. Name an empty database`],
      ['a.db', 'rows.db', 1, `TARGET ${file('rows.db')} is not empty: it holds 1 row in`],
      ['a.db', 'trimmed.db', 1, `TARGET ${file('trimmed.db')} is not empty: it held events`],
      ['a.db', 'a.db', 1, `TARGET ${file('a.db')} is SOURCE itself`],
      ['a.db', 'shop.db', 1, 'is not empty: it is the database of another program'],
      ['a.db', 'notes.txt', 1, 'is not empty: file is not a database'],
      ['a.db', 'newer.db', 1, `TARGET ${file('newer.db')} was written by a newer Boardcast (schema 999`],
      ['a.db', '.', 1, 'it is a directory'],
      ['a.db', 'none/b.db', 2, `TARGET ${file('none/b.db')} cannot be used: the folder`],
      ['none.db', 'b.db', 2, `SOURCE ${file('none.db')} does not exist`],
      ['empty.db', 'b.db', 1, `SOURCE ${file('empty.db')} is no Boardcast database`],
      ['source-shop.db', 'b.db', 1, `SOURCE ${file('source-shop.db')} is no Boardcast database`],
      ['source-notes.txt', 'b.db', 1, `SOURCE ${file('source-notes.txt')} is no Boardcast database`],
      ['source-newer.db', 'b.db', 1, `SOURCE ${file('source-newer.db')} was written by a newer Boardcast`],
    ]
    await Promise.all(
      cases.map(([source, target, code, words], index) =>
        // A source of its own: a copy keeps others from the file.
        expectRefusal(
          ['copy', file(source === 'a.db' && target !== 'a.db' ? `a${index}.db` : source), file(target)],
          code,
          words,
        ),
      ),
    )
    const url = `mysql://root:${PASSWORD}@localhost/x`
    await expectRefusal(['copy', url, file('b.db')], 2, 'SOURCE must be a file, or a URL such as postgres://')
    await expectRefusal(['copy', file('a.db'), url], 2, 'TARGET must be a file, or a URL such as postgres://')
    expect((await run(['copy', file('a.db')])).code).toBe(2)
    expect((await run(['copy', file('a.db'), file('b.db'), file('c.db')])).code).toBe(2)
    expect(readdirSync(folder).sort()).toEqual(names)
    expect(await contentsOfFile(file('full.db'))).toEqual(contents)
  })

  test('[COPY4] a file that a server uses is refused, as source and as target', async () => {
    await fillDatabase(file('a.db'), { rows: 2, events: 20 })
    await using _server = await startTestServer({ dbPath: file('used.db'), databaseUrl: undefined })
    await expectRefusal(
      ['copy', file('used.db'), file('b.db')],
      1,
      `SOURCE ${file('used.db')} is in use by a Boardcast`,
    )
    await expectRefusal(
      ['copy', file('a.db'), file('used.db')],
      1,
      `TARGET ${file('used.db')} is in use by a Boardcast`,
    )
  })

  test('[COPY6] a copy that is killed leaves no target, and the next one is complete', async () => {
    const random = createRandom(chooseSeed())
    await fillDatabase(file('a.db'), { rows: 20, events: 40_000 })
    const before = await contentsOfFile(file('a.db'))
    let killed = 0
    for (let n = 0; n < 8; n++) {
      const program = runProgram(['copy', file('a.db'), file('b.db')], {})
      await partIsThere(file('b.db.copying'))
      await new Promise((resolve) => setTimeout(resolve, random.below(200)))
      program.kill('SIGKILL')
      await program.ended
      if (existsSync(file('b.db'))) {
        expect(await contentsOfFile(file('b.db'))).toEqual(before)
        rmSync(file('b.db'))
      } else killed += 1
    }
    expect(killed).toBeGreaterThan(0)
    await copied(file('a.db'), file('b.db'))
    expect(await contentsOfFile(file('b.db'))).toEqual(before)
    expect(readdirSync(folder).filter((name) => name.includes('copying'))).toEqual([])
  })

  test('[COPY6] Ctrl-C ends it with 130, and leaves nothing behind', async () => {
    await fillDatabase(file('a.db'), { rows: 2, events: 150_000 })
    await using program = runProgram(['copy', file('a.db'), file('b.db')], {})
    await partIsThere(file('b.db.copying'))
    program.kill('SIGINT')
    expect([await program.ended, program.stderr]).toEqual([130, expect.stringContaining('nothing was copied')])
    expect(readdirSync(folder).filter((name) => name.startsWith('b.db'))).toEqual([])
  })

  test('[EPOCH1] [EPOCH2] [N15a] epoch prints the epoch of a file, and draws another while no server runs', async () => {
    await fillDatabase(file('a.db'), { rows: 1, events: 1 })
    expect(await run(['epoch', '--db', file('a.db')])).toEqual({ code: 0, stdout: 'c0ffee00\n', stderr: '' })
    const { code, stdout } = await run(['epoch', '--new'], { BOARDCAST_DB: file('a.db') })
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{8}\n$/)])
    expect(stdout).not.toBe('c0ffee00\n')
    expect((await run(['epoch'], { BOARDCAST_DB: file('a.db') })).stdout).toBe(stdout)

    await using _server = await startTestServer({ dbPath: file('a.db'), databaseUrl: undefined })
    expect((await run(['epoch', '--db', file('a.db')])).stdout).toBe(stdout)
    await expectRefusal(['epoch', '--new', '--db', file('a.db')], 1, 'is in use by a Boardcast server')
    await expectRefusal(['epoch', '--db', file('none.db')], 2, 'does not exist')
    await expectRefusal(['epoch', '--db', folder], 1, 'it is a directory')
    await expectRefusal(['epoch', '--database-url', 'x'], 2, 'a URL such as postgres://')
    expect((await run(['epoch', '--db', file('a.db'), '--database-url', 'postgres://h/x'])).code).toBe(2)
  })

  test('[EPOCH4] a command for files is refused where the environment names a database of PostgreSQL', async () => {
    await fillDatabase(file('a.db'), { rows: 1, events: 1 })
    const env = { BOARDCAST_DATABASE_URL: 'postgres://127.0.0.1:1/x', BOARDCAST_DB: file('a.db') }
    for (const command of [['backup', file('b.db')], ['restore', file('b.db')], ['new-epoch']]) {
      const { code, stderr } = await run(command, env)
      expect([code, stderr]).toEqual([2, expect.stringContaining('BOARDCAST_DATABASE_URL is set')])
    }
    expect((await run(['epoch'], { BOARDCAST_DB: file('a.db') })).stdout).toBe('c0ffee00\n')
    expect((await run(['backup', file('b.db'), '--db', file('a.db')], env)).code).toBe(0)
  })
})

async function partIsThere(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 2))
}

describe.skipIf(!hasPostgres())('PostgreSQL', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  test('[COPY1] [COPY2] [N16] everything is copied into PostgreSQL, to another database there, and back', async () => {
    await fillDatabase(file('a.db'), { rows: 40, events: 5_000 })
    const before = await contentsOfFile(file('a.db'))
    const [one, two] = [await database(), await database()]
    const result = await copied(file('a.db'), one)
    expect(await contentsOfPostgres(one)).toEqual(before)
    expect(await copied(one, two)).toEqual(result)
    expect(await contentsOfPostgres(two)).toEqual(before)
    expect(await copied(two, file('b.db'))).toEqual(result)
    expect(await contentsOfFile(file('b.db'))).toEqual(before)
  })

  test('[COPY7] [N16] clients go on with their cursors and keys on the new store, and so does the count of rows', async () => {
    const url = await database()
    await using server = await startTestServer({ databaseUrl: undefined })
    const start = server.dbPath
    await server.post('/boards', { id: 'demo', name: 'NUL \0 and \x01' })
    const first = await server.post('/boards/demo/cards', { title: 'one' })
    const key = { 'Idempotency-Key': 'once' }
    const message = { from_agent: 'ann', to_agent: 'bob', content: 'hello \0' }
    const sent = await server.call('POST', '/messages', message, key)
    expect(sent.status).toBe(201)
    const last = sent.eventId

    for (const [source, target] of [
      [start, url],
      [url, file('back.db')],
    ] as const) {
      await server.close()
      expect((await copied(source, target)).cursor).toBe(await cursorAt(source))
      await server.restart(target === url ? { databaseUrl: url } : { databaseUrl: undefined, dbPath: target })
      expect((await server.call('GET', '/boards/demo')).body).toMatchObject({ board: { name: 'NUL \0 and \x01' } })
      const again = await server.call('POST', '/messages', message, key)
      expect([again.eventId, again.body]).toEqual([last, sent.body])
      await using stream = await listen(server.url, '/sse?channels=board:demo', {
        headers: { 'Last-Event-ID': first.eventId },
      })
      const next = await server.post('/boards/demo/cards', { title: 'after' })
      await stream.id(next.eventId)
      expect(stream.frames.map(({ event }) => event)).not.toContain('gap')
      // Their keys are counted by the database.
      expect((await server.call('POST', '/messages', { ...message, content: target })).status).toBe(201)
    }
  })

  test('[COPY3] a database that a server has opened and that holds nothing gives way', async () => {
    const url = await database()
    const server = await startTestServer({ databaseUrl: url })
    await server.close()
    await fillDatabase(file('a.db'), { rows: 3, events: 30, schema: 7 })
    await copied(file('a.db'), url)
    expect(await contentsOfPostgres(url, 7)).toEqual(await contentsOfFile(file('a.db'), 7))
    await using _again = await startTestServer({ databaseUrl: url })
  })

  test('[COPY4] [COPY5] what cannot be copied is refused, and nothing is changed', async () => {
    await fillDatabase(file('a.db'), { rows: 2, events: 20 })
    const [full, other, bare, boards, metas, used] = await Promise.all(Array.from({ length: 6 }, database))
    if (!full || !other || !bare || !boards || !metas || !used) throw new Error('a database is missing')
    await copied(file('a.db'), full)
    await copied(file('a.db'), other)
    const shown = (url: string) => url.replace(/\/\/.*@/, '//')
    await postgres.query('CREATE TABLE meta (id INTEGER PRIMARY KEY)', nameOf(metas))
    await postgres.query('CREATE TABLE boards (id INTEGER PRIMARY KEY)', nameOf(boards))
    await postgres.query(`CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
    await using _server = await startTestServer({ databaseUrl: used })
    const at = (name: string) => withPassword(postgres.url(name))
    const cases: Array<[source: string, target: string, code: number, words: string]> = [
      [file('a.db'), full, 1, `TARGET ${shown(full)} is not empty: it holds 20 events`],
      [other, other, 1, `TARGET ${shown(other)} is SOURCE itself`],
      [file('a.db'), metas, 1, 'is not empty: it is the database of another program'],
      [file('a.db'), boards, 1, `TARGET ${shown(boards)} cannot be written: relation "boards" already exists`],
      [bare, file('b.db'), 1, `SOURCE ${shown(bare)} is no Boardcast database`],
      [file('a.db'), used, 1, `TARGET ${shown(used)} is in use by a Boardcast server`],
      [used, file('b.db'), 1, `SOURCE ${shown(used)} is in use by a Boardcast server`],
      [at('missing'), file('b.db'), 2, 'names a database that does not exist'],
      [file('a.db'), at('missing'), 2, 'names a database that does not exist'],
      [file('a.db'), at('latin'), 2, 'has the encoding LATIN1'],
      [file('a.db'), full.replace('postgres:s', 'nobody:s'), 2, 'does not let this user log in'],
      [file('a.db'), full.replace(/:\d+\//, ':1/'), 1, 'does not answer'],
    ]
    await Promise.all(
      cases.map(([source, target, code, words], index) => {
        if (source === file('a.db')) copyFileSync(source, file(`a${index}.db`))
        // A source of its own: a copy keeps others from the file.
        return expectRefusal(['copy', source === file('a.db') ? file(`a${index}.db`) : source, target], code, words)
      }),
    )
    expect(existsSync(file('b.db'))).toBe(false)
    expect(await contentsOfPostgres(full)).toEqual(await contentsOfFile(file('a.db')))
    await expectRefusal(['copy', metas, file('b.db')], 1, `SOURCE ${shown(metas)} is no Boardcast database`)
    await postgres.query('DROP TABLE boards', nameOf(boards))
    await copied(file('a.db'), boards)
  })

  test('[COPY4] a server is refused while a copy runs', async () => {
    await fillDatabase(file('a.db'), { rows: 2, events: 20 })
    const url = await database()
    await copied(file('a.db'), url)
    const copy = new pg.Client({ connectionString: url, application_name: 'boardcast copy' })
    await copy.connect()
    await expect(startTestServer({ databaseUrl: url })).rejects.toThrow('is being copied')
    await copy.end()
    await using _server = await startTestServer({ databaseUrl: url })
  })

  test('[COPY6] a copy into PostgreSQL that is killed leaves the database empty, and the next one is complete', async () => {
    const random = createRandom(chooseSeed())
    await fillDatabase(file('a.db'), { rows: 20, events: 60_000 })
    const before = await contentsOfFile(file('a.db'))
    const url = await database()
    let killed = 0
    for (let n = 0; n < 4; n++) {
      await using program = runProgram(['copy', file('a.db'), url], {})
      await backends((queries) => queries.includes('INSERT'))
      await new Promise((resolve) => setTimeout(resolve, random.below(300)))
      program.kill('SIGKILL')
      await program.ended
      await backends((queries) => queries === '')
      if (await isEmpty(url)) killed += 1
      else {
        expect(await contentsOfPostgres(url)).toEqual(before)
        await postgres.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public', nameOf(url))
      }
    }
    expect(killed).toBeGreaterThan(0)
    await copied(file('a.db'), url)
    expect(await contentsOfPostgres(url)).toEqual(before)

    // And back.
    for (let n = 0; n < 3; n++) {
      const program = runProgram(['copy', url, file('b.db')], {})
      await partIsThere(file('b.db.copying'))
      await new Promise((resolve) => setTimeout(resolve, random.below(200)))
      program.kill('SIGKILL')
      await program.ended
      await backends((state) => state === '')
      if (!existsSync(file('b.db'))) continue
      expect(await contentsOfFile(file('b.db'))).toEqual(before)
      rmSync(file('b.db'))
    }
    await copied(url, file('b.db'))
    expect(await contentsOfFile(file('b.db'))).toEqual(before)
  })

  test('[EPOCH1] [EPOCH3] [N15a] epoch reads and renews that of a database that a server uses', async () => {
    const url = await database()
    await expectRefusal(['epoch', '--database-url', url], 1, 'is no Boardcast database')
    await expectRefusal(['epoch', '--database-url', withPassword(postgres.url('missing'))], 2, 'does not exist')
    await using server = await startTestServer({ databaseUrl: url })
    const { eventId } = await server.post('/boards', { id: 'demo', name: 'Demo' })
    const epoch = eventId.split('-')[0]
    expect(await run(['epoch'], { BOARDCAST_DATABASE_URL: url, BOARDCAST_DB: file('none.db') })).toEqual({
      code: 0,
      stdout: `${epoch}\n`,
      stderr: '',
    })
    const { code, stdout } = await run(['epoch', '--database-url', url, '--new'])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{8}\n$/)])
    expect(stdout).not.toBe(`${epoch}\n`)
    expect((await run(['epoch', '--database-url', url])).stdout).toBe(stdout)
  })
})

async function isEmpty(url: string): Promise<boolean> {
  const { rows } = await postgres.query('SELECT 1 FROM pg_tables WHERE schemaname = current_schema()', nameOf(url))
  return rows.length === 0
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1)
}

/** Waits for what the connections of a copy are doing; '' if there are none. */
async function backends(isReached: (queries: string) => boolean): Promise<void> {
  for (;;) {
    const { rows } = await postgres.query(
      `SELECT coalesce(string_agg(query, ' '), '') AS queries FROM pg_stat_activity WHERE application_name = 'boardcast copy'`,
    )
    if (isReached(String(rows[0].queries))) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Where the log of a store stands that no server uses. */
async function cursorAt(source: string): Promise<string> {
  const contents = source.startsWith('postgres:') ? await contentsOfPostgres(source) : await contentsOfFile(source)
  const facts = new Map(contents.meta as ReadonlyArray<[string, string]>)
  return `${facts.get('epoch')}-${contents.events?.at(-1)?.[0]}`
}
