/**
 * Opening a database.
 *
 *   D40  The epoch is drawn once, when the database is created: 8 lower-case hex digits, the same at every opening.
 *   D41  Positions go on after an opening where they ended.
 *   D42  A second server on the same file is refused with a sentence that says what to do; when the first is gone, not.
 *   D43  A file that a newer version wrote is refused, and not changed.
 *   D44  What is no database is refused, and not changed.
 *   D45  Opening a database that is up to date changes nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Log } from '../../src/db/log.ts'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { openSqlite } from '../../src/db/sqlite/sqlite.ts'
import { startServer } from '../../src/main.ts'
import { createApiClient } from '../support/api.ts'
import { ChildServer } from '../support/child-server.ts'
import { returnToSchema } from '../support/older-schema.ts'
import { onSqlite } from '../support/stores.ts'
import { TestStore } from '../support/test-store.ts'

test('[D40] [D41] the epoch stays and sequence numbers continue', async () => {
  using db = await TestStore.open()
  const { epoch } = db.log
  expect(epoch).toMatch(/^[0-9a-f]{8}$/)
  await db.say('a', '1', '2')
  await db.reopen()
  expect(db.store.epoch).toBe(epoch)
  expect(await db.say('a', '3')).toBe(`${epoch}-3`)
  using other = await TestStore.open()
  expect(other.log.epoch).not.toBe(epoch)
})

test('[D42] a file is open in one server at a time', async () => {
  using db = await TestStore.open()
  const second = () => openSqlite(db.path, 'power')
  expect(second).toThrow(
    `${db.path} is in use by another Boardcast server. Stop it, or choose another file with BOARDCAST_DB.`,
  )
  await expect(startServer({ dbPath: db.path, port: 0 })).rejects.toThrow('in use by another Boardcast server')
  await db.say('a', 'unharmed')
  db.close()
  const reopened = second()
  expect(await reopened.all('SELECT seq FROM events')).toEqual([{ seq: 1 }])
  reopened.close()
  await db.reopen()
})

test.runIf(onSqlite('the lock of a file'))('[D42] the lock of a server ends when it is killed', async () => {
  await using server = await ChildServer.start()
  expect(() => openSqlite(server.dbPath, 'power')).toThrow('in use by another Boardcast server')
  await server.stop('SIGKILL')
  await server.start()
  using api = createApiClient(server.url)
  expect((await api.call('POST', '/boards', { name: 'Demo' })).status).toBe(201)
})

test('[D43] a newer schema is refused before anything is changed', async () => {
  using db = await TestStore.open()
  await db.sql.run("UPDATE meta SET value = '999' WHERE name = 'schema'")
  db.sql.seen.length = 0
  await expect(migrate(db.transactions)).rejects.toThrow(
    /^The database was written by a newer Boardcast \(schema 999; this version knows \d+\)\.$/,
  )
  expect(db.sql.seen.filter((text) => !/^(SELECT|BEGIN|ROLLBACK|CREATE TABLE IF NOT EXISTS meta)/.test(text))).toEqual(
    [],
  )
  await expect(db.reopen()).rejects.toThrow('was written by a newer Boardcast')
})

test('[D44] a file that is not a database is refused and not changed', async () => {
  using db = await TestStore.open()
  const path = `${db.path}.txt`
  const text = 'These are the notes that somebody pointed BOARDCAST_DB at by mistake.\n'.repeat(100)
  writeFileSync(path, text)
  expect(() => openSqlite(path, 'power')).toThrow(/not a database/)
  await expect(startServer({ dbPath: path, port: 0 })).rejects.toThrow(/not an SQLite database/)
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('[D45] a database that is up to date is not changed', async () => {
  using db = await TestStore.open()
  await db.say('a', '1')
  await db.reopen()
  const dump = async () => [
    await db.sql.all('SELECT * FROM meta ORDER BY name'),
    await db.sql.all('SELECT sql FROM sqlite_master ORDER BY name'),
  ]
  const before = await dump()
  await migrate(db.transactions)
  await Log.open(db.transactions)
  expect(await dump()).toEqual(before)
})

test('[CK2] rows that were created before the order of creation was recorded get one', async () => {
  using db = await TestStore.open()
  await returnToSchema(db.sql, 5)
  for (const [id, at] of [
    ['b', '2026-01-02'],
    ['c', '2026-01-01'],
    ['a', '2026-01-02'],
  ] as const) {
    await db.sql.run('INSERT INTO boards (id, name, ticket_prefix, created_at, updated_at) VALUES (?, ?, ?, ?, ?)', [
      id,
      id,
      'T',
      at,
      at,
    ])
  }
  await migrate(db.transactions)
  expect(await db.sql.all('SELECT id, position FROM boards ORDER BY position')).toEqual([
    { id: 'c', position: 1 },
    { id: 'a', position: 2 },
    { id: 'b', position: 3 },
  ])
})
