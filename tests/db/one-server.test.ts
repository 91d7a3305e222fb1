/**
 * One server for one file, and no trace on files that are not ours.
 *
 *   ST10  A second server on a database is refused whatever the path looks like, relative, over a symbolic link to the file
 *         or to a folder, over a hard link; the first is not disturbed. When the first is gone, it is not refused.
 *   ST11  A file with several names whose last server did not close it is refused under a name that has no write-ahead log
 *         beside it: what that log holds would be missing.
 *   ST12  A folder, a file that is no database, and the database of another program are refused and stay as they were, with
 *         nothing beside them.
 */
import { spawn } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import SqliteDatabase from 'better-sqlite3'
import { expect, test as testOfAnyStore } from 'vitest'
import { ChildServer } from '../support/child-server.ts'
import { onSqlite } from '../support/stores.ts'

const test = testOfAnyStore.runIf(onSqlite('the lock of the file'))

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

interface Ending {
  readonly code: number | null
  readonly errors: string
}

/** Starts a server on a path; one that listens is stopped, and ends with 0. */
function tryToServe(path: string, cwd = tmpdir()): Promise<Ending> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', '--db', path], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LOG_LEVEL: 'error', BOARDCAST_DRAIN_MS: '50' },
    })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => {
      errors += String(chunk)
    })
    child.stdout.once('data', () => child.kill('SIGTERM'))
    child.once('exit', (code) => resolve({ code, errors }))
  })
}

async function post(server: ChildServer, name: string): Promise<{ status: number; eventId: string | null }> {
  const response = await fetch(`${server.url}/api/v1/boards`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name }),
  })
  return { status: response.status, eventId: response.headers.get('Event-Id') }
}

test('[ST10] a second server is refused under every name', async () => {
  await using server = await ChildServer.start()
  const folder = dirname(server.dbPath)
  const name = basename(server.dbPath)
  const elsewhere = join(folder, 'elsewhere')
  mkdirSync(elsewhere)
  symlinkSync(server.dbPath, join(elsewhere, 'link.db'))
  symlinkSync(join(elsewhere, 'link.db'), join(elsewhere, 'link-to-link.db'))
  symlinkSync(folder, join(elsewhere, 'folder'))
  linkSync(server.dbPath, join(elsewhere, 'hard.db'))
  const spellings: Array<[path: string, cwd?: string]> = [
    [server.dbPath],
    [name, folder],
    [`./elsewhere/../${name}`, folder],
    [join(elsewhere, 'link.db')],
    ['link-to-link.db', elsewhere],
    [join(elsewhere, 'folder', name)],
    [join(elsewhere, 'hard.db')],
  ]
  await Promise.all(
    spellings.map(async ([path, cwd]) => {
      const { code, errors } = await tryToServe(path, cwd)
      expect([path, code, errors]).toEqual([path, 2, expect.stringContaining('in use by another Boardcast server')])
    }),
  )
  expect((await post(server, 'Unharmed')).status).toBe(201)
  expect(readdirSync(elsewhere).sort()).toEqual(['folder', 'hard.db', 'link-to-link.db', 'link.db'])
  expect(await server.stop('SIGTERM')).toBe(0)
  for (const name of ['link.db', 'hard.db']) {
    expect([name, await tryToServe(name, elsewhere)]).toEqual([name, { code: 0, errors: '' }])
  }
})

test('[ST10] a symbolic link may point to a database that does not exist yet', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-links-'))
  try {
    symlinkSync('real.db', join(folder, 'link.db'))
    expect(await tryToServe(join(folder, 'link.db'))).toEqual({ code: 0, errors: '' })
    expect(readdirSync(folder).sort()).toEqual(['link.db', 'real.db', 'real.db.lock'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('[ST11] after a crash a hard link is refused, and the name that was in use is accepted', async () => {
  await using server = await ChildServer.start()
  const last = await post(server, 'Only in the log')
  expect(last.status).toBe(201)
  const link = `${server.dbPath}.link`
  linkSync(server.dbPath, link)
  await server.stop('SIGKILL')
  const { code, errors } = await tryToServe(link)
  expect([code, errors]).toEqual([2, expect.stringContaining('several names (hard links)')])
  await server.start()
  const boards = await (await fetch(`${server.url}/api/v1/boards`)).json()
  expect(boards).toMatchObject({ boards: [{ name: 'Only in the log' }] })
  expect(await server.stop('SIGTERM')).toBe(0)
  expect((await tryToServe(link)).code).toBe(0)
})

test('[ST12] a file that is not a Boardcast database is refused and not changed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-foreign-'))
  try {
    mkdirSync(join(folder, 'folder'))
    writeFileSync(join(folder, 'notes.txt'), 'These are notes.\n'.repeat(500))
    for (const [name, tables] of [
      ['shop.db', 'CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)'],
      ['meta.db', 'CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT); CREATE TABLE users (id INTEGER)'],
      ['facts.db', "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT); INSERT INTO meta VALUES ('a', 'b')"],
    ] as const) {
      const database = new SqliteDatabase(join(folder, name))
      database.exec(tables)
      database.close()
    }
    const names = readdirSync(folder).sort()
    const files = names.filter((name) => name !== 'folder')
    const contents = () => files.map((name) => readFileSync(join(folder, name), 'base64'))
    const before = contents()
    for (const [name, why] of [
      ['folder', /is a folder/],
      ['notes.txt', /not an SQLite database/],
      ['shop.db', /database of another program.*orders/],
      ['meta.db', /database of another program.*users/],
      ['facts.db', /database of another program/],
    ] as const) {
      const { code, errors } = await tryToServe(join(folder, name))
      expect([name, code, errors]).toEqual([name, 2, expect.stringMatching(why)])
    }
    expect(contents()).toEqual(before)
    expect(readdirSync(folder).sort()).toEqual(names)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
