/**
 * Retention: the oldest transient events are trimmed, and a reader always learns of it.
 *
 *   D20  Only transient events are trimmed, oldest first, as far as age, number and bytes require. Board events stay.
 *   D21  `oldest` is the sequence number after which nothing is missing. It changes with the COMMIT of the trimming
 *        (of some channels and names: coverage.test.ts).
 *   D22  The count of transient events is exact, whatever is committed together with a trimming and whenever the file is
 *        opened.
 *   D23  Sequence numbers are never used again, even if everything was trimmed and the file was opened again.
 *   D24  The index of channels is trimmed with the log, so it stays bounded.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RetentionPolicy } from '../../src/base/config.ts'
import { TestStore } from '../support/test-store.ts'

const ANY: RetentionPolicy = { maxAgeMs: Infinity, maxEvents: Infinity, maxBytes: Infinity }

/** What the database holds, counted row by row. */
async function counted(db: TestStore): Promise<{ events: number; bytes: number }> {
  const row = await db.sql.get<{ events: number; bytes: number }>(
    'SELECT count(*) AS events, coalesce(sum(octet_length(data)), 0) AS bytes FROM events WHERE chatter = 1',
  )
  return { events: row?.events ?? 0, bytes: row?.bytes ?? 0 }
}

const ranges = async ({ sql }: TestStore) =>
  (await sql.get<{ n: number }>('SELECT count(*) AS n FROM event_channels'))?.n

test('[D20] [D21] trims the oldest transient events down to the allowed number, and keeps board events', async () => {
  using db = await TestStore.open()
  await db.keep('demo')
  await db.say('a', '1', '2', '3')
  await db.keep('demo')
  await db.say('a', '4', '5')
  expect(db.store.bounds).toEqual({ oldest: 0, newest: 7 })
  expect(await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 3 }, 100))).toBe(false)
  expect(db.store.bounds).toEqual({ oldest: 3, newest: 7 })
  expect((await db.events()).map(({ seq }) => seq)).toEqual([1, 4, 5, 6, 7])
  expect(await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 3 }, 100))).toBe(false)
  expect(db.store.bounds).toEqual({ oldest: 3, newest: 7 })
})

test('[D20] trims by bytes and by age', async () => {
  using db = await TestStore.open()
  await db.say('a', ...Array.from({ length: 10 }, () => 'ü'.repeat(100)))
  const { bytes } = await counted(db)
  await db.store.transact((tx) => tx.trimLog({ ...ANY, maxBytes: bytes / 2 }, 100))
  expect(await counted(db)).toEqual({ events: 5, bytes: bytes / 2 })
  await db.store.transact((tx) => tx.trimLog({ ...ANY, maxAgeMs: -1 }, 100))
  expect(await counted(db)).toEqual({ events: 0, bytes: 0 })
})

test('[D20] trims in steps, and reports whether there is more to trim', async () => {
  using db = await TestStore.open()
  await db.say('a', ...Array.from({ length: 10 }, (_, n) => String(n)))
  const steps: unknown[] = []
  for (const _ of [1, 2, 3])
    steps.push(await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 1 }, 4)), db.store.bounds.oldest)
  expect(steps).toEqual([true, 4, true, 8, false, 9])
})

test('[D21] a trimming that cannot be committed has no effect', async () => {
  using db = await TestStore.open()
  await db.say('a', '1', '2', '3')
  db.sql.failOn = (text) => (text === 'COMMIT' ? new Error('disk full') : undefined)
  await expect(db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 1 }, 100))).rejects.toMatchObject({
    code: 'storage_unavailable',
  })
  db.sql.failOn = () => undefined
  expect(db.store.bounds.oldest).toBe(0)
  expect(db.transient).toEqual(await counted(db))
  await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 1 }, 100))
  expect(db.store.bounds.oldest).toBe(2)
})

test('[D22] the count stays exact when lines are committed together with a trimming', async () => {
  using db = await TestStore.open()
  await db.say('a', '1', '2', '3', '4')
  await Promise.all([
    db.say('a', '5'),
    db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 2 }, 100)),
    db.say('a', '6', '7'),
  ])
  expect(db.transient).toEqual(await counted(db))
  await db.reopen()
  expect(db.transient).toEqual(await counted(db))
})

test('[D22] the count stays exact when the file is opened again after thousands of lines', async () => {
  using db = await TestStore.open()
  const lines = Array.from({ length: 1_500 }, (_, n) => `line ${n}`)
  for (const maxEvents of [Infinity, Infinity, 3_000, Infinity]) {
    await db.say('a', ...lines)
    await db.say('b', 'ü')
    await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents }, 10_000))
    await db.reopen()
    expect(db.transient).toEqual(await counted(db))
  }
})

test('[D22] the count stays exact after an earlier version wrote it, however often the file is opened', async () => {
  using db = await TestStore.open()
  await db.say('a', '1', '2', '3')
  const { events, bytes } = await counted(db)
  await db.sql.run("UPDATE meta SET value = ? WHERE name = 'chatter'", [`${events} ${bytes}`])
  for (let opening = 0; opening < 3; opening++) {
    await db.reopen()
    expect(db.transient).toEqual(await counted(db))
    await db.say('a', 'more', 'and more')
  }
})

test('[D23] ids continue after everything was trimmed and the file was opened again', async () => {
  using db = await TestStore.open()
  await db.say('a', '1', '2', '3')
  await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 0 }, 100))
  expect(await db.events()).toEqual([])
  await db.reopen()
  expect(db.store.bounds).toEqual({ oldest: 3, newest: 3 })
  await db.say('a', '4')
  expect((await db.events()).map(({ seq }) => seq)).toEqual([4])
})

test('[D24] the index holds only events that are left, also after everything was trimmed', async () => {
  using db = await TestStore.open()
  for (let round = 0; round < 5; round++) {
    for (let n = 0; n < 20; n++) await db.say(`a${n % 2}`, 'line')
    await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 7 }, 100))
    await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 0 }, 100))
    expect(await ranges(db), `round ${round}`).toBe(0)
  }
  await db.keep('demo')
  await db.say('a', 'x')
  await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 0 }, 100))
  expect(await ranges(db)).toBe(1)
})

test('[D20] [D22] [D24] the rules hold for any order of lines, board events, trimmings and openings', async () => {
  const act = fc.oneof(
    fc.record({
      does: fc.constant('say' as const),
      count: fc.integer({ min: 1, max: 5 }),
      to: fc.constantFrom('a', 'b'),
    }),
    fc.record({ does: fc.constant('keep' as const) }),
    fc.record({ does: fc.constant('prune' as const), maxEvents: fc.nat(12), step: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ does: fc.constant('reopen' as const) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(act, { maxLength: 4 }), { maxLength: 12 }), async (turns) => {
      using db = await TestStore.open()
      let kept = 0
      for (const turn of turns) {
        // What is asked for in one turn shares a transaction.
        const asked: Promise<unknown>[] = []
        for (const one of turn) {
          if (one.does === 'say') asked.push(db.say(one.to, ...Array(one.count).fill('line')))
          else if (one.does === 'keep') {
            kept += 1
            asked.push(db.keep('demo'))
          } else if (one.does === 'prune') {
            asked.push(db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: one.maxEvents }, one.step)))
          }
        }
        await Promise.all(asked)
        if (turn.some(({ does }) => does === 'reopen')) await db.reopen()
        const events = await db.events()
        expect(db.transient).toEqual(await counted(db))
        expect(events.filter(({ entry }) => entry?.keep === 'board')).toHaveLength(kept)
        const { oldest, newest } = db.store.bounds
        const recent = events.filter(({ seq }) => seq > oldest).map(({ seq }) => seq)
        expect(recent).toEqual(Array.from({ length: newest - oldest }, (_, n) => oldest + n + 1))
        for (const { seq, entry } of events) if (seq <= oldest) expect(entry?.keep).toBe('board')
      }
      while (await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 0 }, 3)));
      expect(await ranges(db)).toBeLessThanOrEqual(kept)
    }),
    { numRuns: 60 },
  )
})
