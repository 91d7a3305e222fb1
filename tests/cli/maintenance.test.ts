/**
 * The commands for the database, as documented in docs/operations.md.
 *
 *   ST20  `boardcast backup FILE` copies the database into a new file while the server is busy, and ends. The copy is the
 *         state of one moment: everything that was answered before the command began is in it. It takes no file that is
 *         there.
 *   ST21  `boardcast restore FILE` puts a copy in the place of the database, `boardcast new-epoch` draws a new epoch. Both
 *         are refused while a server runs; old cursors are answered with `gap` (`epoch`) afterwards. What is no backup is
 *         refused, and nothing is changed.
 *   ST22  Every command that docs/operations.md gives for the database works as it is written.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import SqliteDatabase from 'better-sqlite3'
import { expect, test as testOfAnyStore } from 'vitest'
import { type ApiClient, createApiClient } from '../support/api.ts'
import { ChildServer } from '../support/child-server.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { onSqlite } from '../support/stores.ts'
import { listen } from '../support/stream.ts'

const test = testOfAnyStore.runIf(onSqlite('copies of the file'))

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const OPERATIONS = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
const [BACKUP, RESTORE, NEW_EPOCH] = ['backup backup.db', 'restore backup.db', 'new-epoch'].map(
  (rest) => `node dist/cli.js ${rest}`,
) as [string, string, string]
const VACUUM = 'sqlite3 boardcast.db VACUUM'
const VACUUM_INTO = `sqlite3 boardcast.db "VACUUM INTO 'backup.db'"`

interface Ending {
  readonly code: number | null
  readonly errors: string
}

/** Runs a command from the document in the folder of a server's database. */
function runBeside(server: ChildServer, command: string): Promise<Ending> {
  const line = command.replace('node dist/cli.js', `"${process.execPath}" "${join(ROOT, 'dist/cli.js')}"`)
  return new Promise((resolve) => {
    const child = spawn('sh', ['-c', line], {
      cwd: dirname(server.dbPath),
      env: { ...process.env, BOARDCAST_DB: basename(server.dbPath) },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => {
      errors += String(chunk)
    })
    child.once('exit', (code) => resolve({ code, errors }))
  })
}

/** Posts a small event every few milliseconds until it is stopped; resolves to the number accepted. */
function writeSteadily(api: ApiClient): { count: () => number; stop: () => Promise<void> } {
  let count = 0
  let isStopped = false
  async function write(): Promise<void> {
    while (!isStopped) {
      const { status } = await api.call('POST', '/topics/load/events', { event: 'tick', data: { count } })
      expect(status).toBeLessThan(300)
      count += 1
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const done = write()
  return {
    count: () => count,
    stop() {
      isStopped = true
      return done
    },
  }
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

function ticksIn(path: string): number[] {
  const copy = new SqliteDatabase(path, { readonly: true })
  try {
    expect(copy.pragma('integrity_check', { simple: true })).toBe('ok')
    const rows = copy.prepare('SELECT data FROM events ORDER BY seq').pluck().all() as string[]
    return rows.map((data) => JSON.parse(data).data?.count).filter((count) => count !== undefined)
  } finally {
    copy.close()
  }
}

test('[ST22] the commands tried here are those in the document', () => {
  const blocks = [...OPERATIONS.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, text = '']) =>
    text.trim().split('\n'),
  )
  const spans = [...OPERATIONS.matchAll(/`(sqlite3 [^`]*)`/g)].map(([, text]) => text)
  const commands = [...blocks.filter((line) => /dist\/cli\.js|sqlite3/.test(line)), ...spans]
  const tried = [BACKUP, RESTORE, NEW_EPOCH, VACUUM, VACUUM_INTO]
  expect(new Set(commands)).toEqual(new Set(['node dist/cli.js serve', ...tried]))
})

test('[ST20] [ST21] [ST22] a backup of a busy server completes and can be restored', async () => {
  await using server = await ChildServer.start()
  const backup = join(dirname(server.dbPath), 'backup.db')
  using api = createApiClient(server.url)
  await api.call('POST', '/boards', { id: 'kept', name: 'Kept' })
  const writing = writeSteadily(api)
  await expect.poll(writing.count, { timeout: 30_000 }).toBeGreaterThan(50)

  const before = writing.count()
  expect(await runBeside(server, BACKUP)).toMatchObject({ code: 0 })
  const after = writing.count()
  expect(after).toBeGreaterThan(before)
  const ticks = ticksIn(backup)
  expect(ticks).toEqual(Array.from(ticks, (_, index) => index))
  expect(ticks.length).toBeGreaterThanOrEqual(before)

  const size = readFileSync(backup).length
  expect(await runBeside(server, BACKUP)).toEqual({ code: 1, errors: expect.stringContaining('already exists') })
  expect(readFileSync(backup).length).toBe(size)
  for (const command of [RESTORE, NEW_EPOCH]) {
    expect(await runBeside(server, command)).toEqual({ code: 1, errors: expect.stringContaining('in use by another') })
  }
  await writing.stop()

  const { eventId } = await api.call('POST', '/boards', { id: 'lost', name: 'Made after the backup' })
  expect(await server.stop('SIGTERM')).toBe(0)
  expect(await runBeside(server, RESTORE)).toMatchObject({ code: 0 })
  await server.start()
  using again = createApiClient(server.url)
  expect((await again.get('/boards')).boards.map(({ id }: { id: string }) => id)).toEqual(['kept'])
  const stream = await listen(server.url, '/sse?channels=board:kept', { headers: { 'Last-Event-ID': eventId } })
  expect((await stream.frame('gap')).data.data).toMatchObject({ requested: eventId, reason: 'epoch' })
  stream.socket.destroy()

  // As if somebody had put the file there by other means.
  const { cursor } = await again.get('/boards/kept')
  expect(await server.stop('SIGTERM')).toBe(0)
  expect(await runBeside(server, NEW_EPOCH)).toMatchObject({ code: 0 })
  await server.start()
  const next = await listen(server.url, '/sse?channels=board:kept', { headers: { 'Last-Event-ID': cursor } })
  expect((await next.frame('gap')).data.data).toMatchObject({ reason: 'epoch' })
  next.socket.destroy()
})

test('[ST23] what it creates is readable by its owner only, and a restore keeps the mode and the owner', async () => {
  await using server = await ChildServer.start()
  const folder = dirname(server.dbPath)
  const modes = () => Object.fromEntries(readdirSync(folder).map((name) => [name, modeOf(join(folder, name))]))
  const name = basename(server.dbPath)
  expect(modes()).toMatchObject({
    [name]: '600',
    [`${name}-wal`]: '600',
    [`${name}-shm`]: '600',
    [`${name}.lock`]: '600',
  })
  expect(await runBeside(server, BACKUP)).toMatchObject({ code: 0 })
  expect(modes()).toMatchObject({ 'backup.db': '600' })

  expect(await server.stop('SIGTERM')).toBe(0)
  chmodSync(server.dbPath, 0o640)
  const isRoot = process.getuid?.() === 0
  if (isRoot) chownSync(server.dbPath, 65_534, 65_534)
  const owner = statSync(server.dbPath).uid
  expect(await runBeside(server, RESTORE)).toMatchObject({ code: 0 })
  expect([modeOf(server.dbPath), statSync(server.dbPath).uid]).toEqual(['640', owner])
  rmSync(server.dbPath)
  expect(await runBeside(server, RESTORE)).toMatchObject({ code: 0 })
  expect(modeOf(server.dbPath)).toBe('600')
})

test('[ST20] refuses to copy a hard link, which would lack the log; a copy through a symbolic link is complete', async () => {
  await using server = await ChildServer.start()
  const folder = dirname(server.dbPath)
  using api = createApiClient(server.url)
  linkSync(server.dbPath, join(folder, 'hard.db'))
  symlinkSync(server.dbPath, join(folder, 'soft.db'))
  await api.call('POST', '/topics/t/events', { event: 'tick', data: { count: 7 } })
  const inFolder = readdirSync(folder)
  const refused = { code: 1, errors: expect.stringContaining('several names (hard links)') }
  expect(await runBeside(server, `${BACKUP} --db hard.db`)).toEqual(refused)
  expect(readdirSync(folder)).toEqual(inFolder)
  expect(await runBeside(server, `${BACKUP} --db soft.db`)).toMatchObject({ code: 0 })
  expect(ticksIn(join(folder, 'backup.db'))).toEqual([7])
  rmSync(join(folder, 'backup.db'))
  expect(await runBeside(server, BACKUP)).toMatchObject({ code: 0 })
  expect(ticksIn(join(folder, 'backup.db'))).toEqual([7])
  rmSync(join(folder, 'backup.db'))

  await server.stop('SIGKILL')
  expect(await runBeside(server, `${BACKUP} --db hard.db`)).toEqual(refused)
  expect(await runBeside(server, `${NEW_EPOCH} --db hard.db`)).toEqual(refused)
  expect(await runBeside(server, BACKUP)).toMatchObject({ code: 0 })
  expect(ticksIn(join(folder, 'backup.db'))).toEqual([7])
})

test('[ST20] a copy that does not fit on the disk leaves no partial file, and the error names both files', async ({
  skip,
}) => {
  using disk = SmallDisk.mount(1)
  if (!disk) return skip('a small file system cannot be mounted here: run as root')
  await using server = await ChildServer.start()
  disk.fill()
  const before = readdirSync(disk.path)
  const copy = join(disk.path, 'copy.db')
  expect(await runBeside(server, BACKUP.replace('backup.db', copy))).toEqual({
    code: 1,
    errors: expect.stringMatching(/cannot be copied to .*copy\.db: .*full/),
  })
  expect(readdirSync(disk.path)).toEqual(before)
})

test('[ST21] the error names a folder that does not exist', async () => {
  await using server = await ChildServer.start()
  expect(await server.stop('SIGTERM')).toBe(0)
  expect(await runBeside(server, BACKUP)).toMatchObject({ code: 0 })
  for (const command of [RESTORE, NEW_EPOCH]) {
    const errors = expect.stringMatching(/^boardcast: the folder .*none does not exist\.\n$/)
    expect(await runBeside(server, `${command} --db none/x.db`)).toEqual({ code: 1, errors })
  }
  expect((await runBeside(server, BACKUP.replace('backup.db', 'none/x.db'))).errors).toMatch(/folder .*none does not/)
})

test('[ST21] refuses a file that is not a backup, and keeps the database', async () => {
  await using server = await ChildServer.start()
  const folder = dirname(server.dbPath)
  using api = createApiClient(server.url)
  await api.call('POST', '/boards', { id: 'kept', name: 'Kept' })
  expect(await server.stop('SIGTERM')).toBe(0)
  const before = readFileSync(server.dbPath)
  expect(await runBeside(server, RESTORE)).toEqual({ code: 1, errors: expect.stringContaining('does not exist') })
  const other = new SqliteDatabase(join(folder, 'backup.db'))
  expect(await runBeside(server, RESTORE)).toMatchObject({ code: 1 })
  other.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY)')
  other.close()
  expect(await runBeside(server, RESTORE)).toEqual({ code: 1, errors: expect.stringContaining('another program') })
  writeFileSync(join(folder, 'backup.db'), 'no database '.repeat(100))
  expect(await runBeside(server, RESTORE)).toEqual({ code: 1, errors: expect.stringContaining('not a database') })
  expect(await runBeside(server, RESTORE.replace('backup.db', basename(server.dbPath)))).toMatchObject({ code: 1 })
  expect(readFileSync(server.dbPath).equals(before)).toBe(true)
})

test('[ST22] the commands of the sqlite3 shell', async ({ skip }) => {
  if (spawnSync('sqlite3', ['--version']).status !== 0) return skip('sqlite3 is not installed')
  await using server = await ChildServer.start()
  using api = createApiClient(server.url)
  const writing = writeSteadily(api)
  await expect.poll(writing.count, { timeout: 30_000 }).toBeGreaterThan(20)
  expect(await runBeside(server, VACUUM_INTO)).toEqual({ code: 0, errors: '' })
  await writing.stop()
  expect(ticksIn(join(dirname(server.dbPath), 'backup.db')).length).toBeGreaterThanOrEqual(20)
  expect(await server.stop('SIGTERM')).toBe(0)
  expect(await runBeside(server, VACUUM)).toEqual({ code: 0, errors: '' })
  await server.start()
  expect(existsSync(server.dbPath)).toBe(true)
  expect(ticksIn(server.dbPath)).toHaveLength(writing.count())
})
