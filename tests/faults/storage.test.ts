/**
 * Storage that fails under a running server, as it does in production.
 *
 *   ST1  A storage fault is logged once when it begins and once when it ends, however many requests meet it.
 *   ST2  Meanwhile `/health/ready` is 503 with the reason, and mutations are 503 `storage_unavailable` with `Retry-After`
 *        at once; nothing of them is committed or published. Streams, heartbeats, reads and `/health/live` continue.
 *   ST3  The server recovers by itself: when the disk has space, the lock is released, the file is back, the reader ends.
 *   ST4  SIGTERM still ends it with 0, and the next start settles no attempts, even if the stop could not be written to the
 *        database.
 *   ST5  Another program's lock blocks only mutations: they wait a second for it, without blocking the process, and are
 *        refused.
 *   ST6  A database file that was deleted, renamed or replaced under the server, and deleted companion files.
 *   ST7  The write-ahead log is limited by BOARDCAST_WAL_LIMIT, and short again after a burst.
 */
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test as testOfAnyStore } from 'vitest'
import { ChildServer } from '../support/child-server.ts'
import { OtherProgram } from '../support/other-program.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { onSqlite } from '../support/stores.ts'
import { listen } from '../support/stream.ts'

const test = testOfAnyStore.runIf(onSqlite('faults of the file and its disk'))

const PATIENCE = { timeout: 20_000, interval: 50 }
const ENV = { LOG_LEVEL: 'info', BOARDCAST_HEARTBEAT_MS: '200' }

interface Reply {
  readonly status: number
  readonly retryAfter: string | null
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
  readonly body: any
}

async function ask(server: ChildServer, path: string, body?: unknown): Promise<Reply> {
  const response = await fetch(`${server.url}${path}`, {
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  return {
    status: response.status,
    retryAfter: response.headers.get('Retry-After'),
    body: await response.json().catch(() => undefined),
  }
}

/** A server with one running attempt, and a listener on its board. */
async function startWorking(env: Record<string, string> = {}) {
  const server = await ChildServer.start({ ...ENV, ...env })
  await ask(server, '/api/v1/boards', { id: 'b', name: 'B' })
  const card = await ask(server, '/api/v1/boards/b/cards', { title: 'C' })
  const attempt = await ask(server, `/api/v1/cards/${card.body.id}/attempts`, { agent: 'a', status: 'running' })
  const listener = await listen(server.url, '/sse?boardId=b&view=diff')
  const attemptId: string = attempt.body.id
  return { server, listener, attemptId, dbPath: env.BOARDCAST_DB ?? server.dbPath }
}

const log = (server: ChildServer, attemptId: string, message = 'x') =>
  ask(server, `/api/v1/attempts/${attemptId}/logs`, { message })
const isReady = async (server: ChildServer) => (await ask(server, '/health/ready')).status
const countOf = (server: ChildServer, text: string) => server.errors.split(text).length - 1
const statusOf = async (server: ChildServer, attemptId: string) =>
  (await ask(server, `/api/v1/attempts/${attemptId}`)).body.attempt.status

/** What holds during every fault: mutations are refused at once, and everything else continues. */
async function expectRefusing(
  { server, listener, attemptId }: Awaited<ReturnType<typeof startWorking>>,
  reason: RegExp,
) {
  await expect.poll(() => log(server, attemptId).then(({ status }) => status), PATIENCE).toBe(503)
  const shown = listener.frames.filter(({ event }) => event === 'attempt_log').length
  for (let i = 0; i < 20; i++) {
    const { status, retryAfter, body } = await log(server, attemptId)
    expect([status, body.code, Number(retryAfter) > 0]).toEqual([503, 'storage_unavailable', true])
    expect(body.detail).toMatch(reason)
  }
  const ready = await ask(server, '/health/ready')
  expect([ready.status, ready.body.code]).toEqual([503, 'storage_unavailable'])
  expect(ready.body.detail).toMatch(reason)
  expect((await ask(server, '/health/live')).status).toBe(200)
  expect(await statusOf(server, attemptId)).toBe('running')
  const beats = listener.frames.filter(({ event }) => event === 'heartbeat').length
  await expect
    .poll(() => listener.frames.filter(({ event }) => event === 'heartbeat').length, PATIENCE)
    .toBeGreaterThan(beats + 2)
  expect(listener.frames.filter(({ event }) => event === 'attempt_log')).toHaveLength(shown)
  expect(countOf(server, 'storage unavailable')).toBe(1)
  expect(countOf(server, '"level":50')).toBe(1)
}

async function expectRecovered({ server, listener, attemptId }: Awaited<ReturnType<typeof startWorking>>) {
  await expect.poll(() => isReady(server), PATIENCE).toBe(200)
  expect((await log(server, attemptId, 'after')).status).toBe(202)
  await expect.poll(() => listener.frames.some(({ data }) => data.message === 'after'), PATIENCE).toBe(true)
  expect(countOf(server, 'storage available again')).toBe(1)
  expect(countOf(server, 'storage unavailable')).toBe(1)
}

async function expectCleanStop(
  { server, attemptId }: Awaited<ReturnType<typeof startWorking>>,
  beforeStart: () => void | Promise<void> = () => {},
) {
  expect(await server.stop('SIGTERM')).toBe(0)
  await beforeStart()
  await server.start()
  expect(await statusOf(server, attemptId)).toBe('running')
  expect(readdirSync(dirname(server.dbPath)).filter((name) => name.includes('.stopped'))).toEqual([])
}

test('[ST1] [ST2] [ST3] [ST4] a full disk', async ({ skip }) => {
  using disk = SmallDisk.mount(3)
  if (!disk) return skip('a small file system cannot be mounted here: run as root')
  const working = await startWorking({ BOARDCAST_DB: join(disk.path, 'b.db') })
  const { server, attemptId } = working
  disk.fill()
  await expect.poll(() => log(server, attemptId, 'x'.repeat(20_000)).then(({ status }) => status), PATIENCE).toBe(503)
  await expectRefusing(working, /disk.*full/)
  disk.makeRoom()
  await expectRecovered(working)

  disk.fill()
  await expect.poll(() => log(server, attemptId, 'x'.repeat(20_000)).then(({ status }) => status), PATIENCE).toBe(503)
  await expectCleanStop(working, () => disk.makeRoom())
  // A crash on the same disk, unlike that stop, is still a crash.
  await server.stop('SIGKILL')
  await server.start()
  expect(await statusOf(server, attemptId)).toBe('failed')
})

test('[ST1] [ST2] [ST3] [ST4] [ST5] another program that holds the write lock', async () => {
  const working = await startWorking()
  const { server, attemptId } = working
  {
    await using other = await OtherProgram.start(server.dbPath, 'BEGIN IMMEDIATE')
    // The first mutation waits, and blocks nothing else.
    const waiting = log(server, attemptId)
    let answered = false
    void waiting.finally(() => {
      answered = true
    })
    let meanwhile = 0
    while (!answered) {
      const begun = performance.now()
      expect((await ask(server, '/health/live')).status).toBe(200)
      expect(await statusOf(server, attemptId)).toBe('running')
      if (!answered && performance.now() - begun < 900) meanwhile += 1
    }
    expect(meanwhile).toBeGreaterThan(0)
    expect((await waiting).status).toBe(503)
    await expectRefusing(working, /write lock/)
    await other.end()
    await expectRecovered(working)
  }
  const other = await OtherProgram.start(server.dbPath, 'BEGIN IMMEDIATE')
  await expectCleanStop(working, () => other.end())
})

test('[ST5] mutations wait for a lock that is held briefly', async () => {
  const { server, attemptId } = await startWorking()
  await using other = await OtherProgram.start(server.dbPath, 'BEGIN IMMEDIATE')
  const waiting = log(server, attemptId)
  // Its request has been read when a later one is answered.
  await ask(server, '/health/live')
  await other.end()
  expect((await waiting).status).toBe(202)
  expect(countOf(server, 'storage unavailable')).toBe(0)
})

test('[ST1] [ST2] [ST3] [ST6] a database file that was renamed and comes back', async () => {
  const working = await startWorking()
  const { server } = working
  renameSync(server.dbPath, `${server.dbPath}.away`)
  await expectRefusing(working, /deleted or renamed/)
  renameSync(`${server.dbPath}.away`, server.dbPath)
  await expectRecovered(working)
  await expectCleanStop(working)
})

test('[ST1] [ST2] [ST6] a database file that was deleted', async () => {
  const working = await startWorking()
  rmSync(working.server.dbPath)
  expect((await log(working.server, working.attemptId)).status).toBe(503)
  await expectRefusing(working, /deleted or renamed/)
  expect(await working.server.stop('SIGTERM')).toBe(0)
})

test('[ST1] [ST2] [ST6] a database file that was replaced', async () => {
  const working = await startWorking()
  const { server } = working
  writeFileSync(`${server.dbPath}.new`, '')
  renameSync(`${server.dbPath}.new`, server.dbPath)
  await expectRefusing(working, /replaced/)
  expect(await server.stop('SIGTERM')).toBe(0)
  expect(statSync(server.dbPath).size).toBe(0)
})

test.each([
  ['cut off', ''],
  ['overwritten', 'This is a letter to my mother.'],
])('[ST1] [ST2] [ST4] [ST6] a database file that was %s', async (_, content) => {
  const working = await startWorking()
  writeFileSync(working.server.dbPath, content)
  expect((await log(working.server, working.attemptId)).status).toBe(503)
  await expectRefusing(working, /cut off or overwritten/)
  expect(await working.server.stop('SIGTERM')).toBe(0)
})

test('[ST1] [ST2] [ST4] [ST6] a write-ahead log that was deleted: the stop saves its content', async () => {
  const working = await startWorking()
  const { server, attemptId } = working
  expect((await log(server, attemptId, 'held')).status).toBe(202)
  rmSync(`${server.dbPath}-wal`)
  await expectRefusing(working, /write-ahead log/)
  await expectCleanStop(working)
  const lines = await ask(server, `/api/v1/attempts/${attemptId}/logs`)
  expect(lines.body.lines.map(({ message }: { message: string }) => message)).toContain('held')
})

test('[ST1] [ST2] [ST3] [ST7] a reader that stays open', async () => {
  const limit = 8 * 2 ** 20
  const working = await startWorking({ BOARDCAST_WAL_LIMIT: '8MiB' })
  const { server, attemptId } = working
  const walBytes = () => (existsSync(`${server.dbPath}-wal`) ? statSync(`${server.dbPath}-wal`).size : 0)
  await using other = await OtherProgram.start(server.dbPath, 'BEGIN', 'SELECT * FROM meta')
  await expect
    .poll(() => log(server, attemptId, 'x'.repeat(60_000)).then(({ status }) => status), { ...PATIENCE, interval: 1 })
    .toBe(503)
  await expectRefusing(working, /write-ahead log/)
  expect(walBytes()).toBeGreaterThan(limit)
  expect(walBytes()).toBeLessThan(3 * limit)
  await other.end()
  await expectRecovered(working)
  expect(walBytes()).toBeLessThan(2 ** 20)
})

test('[ST7] a write-ahead log that grew because of a reader is shortened when the reader ends, and delays nothing', async () => {
  const { server, attemptId } = await startWorking({ BOARDCAST_RETENTION_BYTES: '1GiB' })
  const walBytes = () => statSync(`${server.dbPath}-wal`).size
  await using other = await OtherProgram.start(server.dbPath, 'BEGIN', 'SELECT * FROM meta')
  const lines = Array.from({ length: 14 }, () => ({ message: 'x'.repeat(60_000) }))
  while (walBytes() < 48 * 2 ** 20) {
    expect((await ask(server, `/api/v1/attempts/${attemptId}/logs`, { lines })).status).toBe(202)
  }
  expect(await isReady(server)).toBe(200)
  await other.end()
  await expect.poll(walBytes, PATIENCE).toBeLessThan(2 ** 20)
  expect((await log(server, attemptId, 'after')).status).toBe(202)
  expect(await server.stop('SIGTERM')).toBe(0)
})
