/**
 *   D34  What is read for a page is in proportion to what is on it: of events that are long no more are read than a few,
 *        whatever the mixture.
 */
import { expect, test } from 'vitest'
import { ALL } from '../../src/db/snapshot.ts'
import type { SqlValue } from '../../src/db/sql.ts'
import { readOutput } from '../../src/domain/agent-output.ts'
import { TestStore } from '../support/test-store.ts'

const ROOM = 64 * 1024
const LONG = 'x'.repeat(60_000)

/** Counts the characters of payload that queries answer from now on. */
function watchReading(db: TestStore): () => number {
  const all = db.sql.all.bind(db.sql)
  let characters = 0
  db.sql.all = async <Row extends object>(query: string, params?: readonly SqlValue[]) => {
    const rows = await all<Row>(query, params)
    for (const row of rows) if ('data' in row) characters += String(row.data).length
    return rows
  }
  return () => characters
}

const MIXTURES: Record<string, (n: number) => string> = {
  'all of them long': () => LONG,
  'every second one long': (n) => (n % 2 === 0 ? 'short' : LONG),
  'every tenth one long': (n) => (n % 10 === 9 ? LONG : 'short'),
}

test.each(Object.entries(MIXTURES))('[D34] pages of events, %s', async (_, textOf) => {
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
    expect(read()).toBeLessThan(5 * total)
  }
})

test('[D34] the last of what was printed', async () => {
  using db = await TestStore.open()
  for (let n = 0; n < 300; n++) await db.say('a', LONG)
  const read = watchReading(db)
  const { items } = await db.store.read((snapshot) => readOutput(snapshot, 'a', { limit: 100, tail: 1_000 }))
  expect(items.length * LONG.length).toBeGreaterThan(4 * 1024 * 1024)
  expect(read()).toBeLessThan(5 * 1024 * 1024)
})
