/**
 *   D34  The characters read for a page are in proportion to those on it: of long events only a few too many are read,
 *        whatever the mixture.
 */
import { expect, test } from 'vitest'
import { SELECT_EVENTS } from '../../src/db/log-event.ts'
import { ALL } from '../../src/db/snapshot.ts'
import type { SqlValue } from '../../src/db/sql.ts'
import { readOutput } from '../../src/domain/agent-output.ts'
import { TestStore } from '../support/test-store.ts'

const ROOM = 64 * 1024
/** Where an event's row has its payload. */
const DATA = 3
const LONG = 'x'.repeat(60_000)

/** Counts the characters of payload that queries answer from now on. */
function watchReading(db: TestStore): () => number {
  const values = db.sql.values.bind(db.sql)
  let characters = 0
  db.sql.values = async <Row extends readonly SqlValue[]>(query: string, params?: readonly SqlValue[]) => {
    const rows = await values<Row>(query, params)
    if (query.startsWith(SELECT_EVENTS)) for (const row of rows) characters += String(row[DATA]).length
    return rows
  }
  return () => characters
}

const MIXTURES: Record<string, (n: number) => string> = {
  'all of them long': () => LONG,
  'every second one long': (n) => (n % 2 === 0 ? 'short' : LONG),
  'every tenth one long': (n) => (n % 10 === 9 ? LONG : 'short'),
}

test.each(Object.entries(MIXTURES))('[D34] a page of events, %s', async (_, textOf) => {
  using db = await TestStore.open()
  for (let n = 0; n < 300; n++) await db.say('a', textOf(n))
  const total = (await db.events()).reduce((sum, { data }) => sum + data.length, 0)
  for (const channels of [ALL, ['agent:a']] as const) {
    const read = watchReading(db)
    let count = 0
    for (let reached = 0; reached < db.store.head; ) {
      const page = await db.store.read((snapshot) => snapshot.readAfter(channels, reached, 256, ROOM))
      count += page.events.length
      reached = page.reached
    }
    expect(count).toBe(300)
    const characters = read()
    expect(characters).toBeGreaterThanOrEqual(total)
    expect(characters).toBeLessThan(5 * total)
  }
})

test('[D34] the newest output', async () => {
  using db = await TestStore.open()
  for (let n = 0; n < 300; n++) await db.say('a', LONG)
  const read = watchReading(db)
  const { items } = await db.store.read((snapshot) => readOutput(snapshot, 'a', { limit: 100, tail: 1_000 }))
  expect(items.length * LONG.length).toBeGreaterThan(4 * 1024 * 1024)
  const characters = read()
  expect(characters).toBeGreaterThan(4 * 1024 * 1024)
  expect(characters).toBeLessThan(5 * 1024 * 1024)
})
