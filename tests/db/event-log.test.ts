/**
 * Reading the log gives back what was written.
 *
 *   D30  A page holds exactly the events after a position that show on any of the channels, each once, ascending, at most
 *        `limit`, and no more than it takes to exceed `maxLength`; `reached` says how far it is complete.
 *   D31  Consecutive pages give every event once, whatever their limits and whatever is written or trimmed in between.
 *   D32  The newest events of a type on a channel are found from the end.
 *   D33  What is read is, byte for byte, what was published.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogEvent } from '../../src/db/log-event.ts'
import { ALL } from '../../src/db/snapshot.ts'
import { TestStore } from '../support/test-store.ts'

const NAMES = ['a', 'b', 'c', 'd'] as const
const NO_LIMIT = { maxAgeMs: Infinity, maxBytes: Infinity }

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('say' as const),
      to: fc.constantFrom(...NAMES),
      count: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('keep' as const), to: fc.constantFrom(...NAMES) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('prune' as const), maxEvents: fc.nat(40) }) },
)
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never

const channels = fc.oneof(
  fc.constant(ALL),
  fc.uniqueArray(
    fc.constantFrom('nobody', ...NAMES.flatMap((name) => [`board:${name}`, `attempt:${name}`, `agent:${name}`])),
    {
      minLength: 1,
      maxLength: 6,
    },
  ),
)

/** Does something; the turn is not awaited, so that neighbours share a transaction now and then. */
async function doIt(db: TestStore, one: Act): Promise<void> {
  if (one.does === 'say')
    await db.say(one.to, ...Array.from({ length: one.count }, (_, n) => `${n}${'l'.repeat(n * 40)}`))
  else if (one.does === 'keep') await db.keep(one.to)
  else await db.store.transact((tx) => tx.trimLog({ ...NO_LIMIT, maxEvents: one.maxEvents }, 100))
}

/** The events that are left, and of these the ones that show on the channels. */
function modelOf(db: TestStore, asked: readonly string[] | typeof ALL): LogEvent[] {
  const { oldest } = db.store.bounds
  return db.published.flat().filter((event) => {
    const isLeft = event.seq > oldest || event.entry?.keep === 'board'
    return isLeft && (asked === ALL || event.placements.some(({ channel }) => asked.includes(channel)))
  })
}

const shape = ({ seq, type, at, data, skip, bare }: LogEvent) => [seq, type, at, data, skip, bare]

test('[D30] [D33] a page holds what a naive reading gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(act, { maxLength: 5 }), { maxLength: 15 }),
      fc.array(
        fc.tuple(channels, fc.nat(80), fc.integer({ min: 1, max: 90 }), fc.constantFrom(Infinity, 0, 150, 1_000)),
        { minLength: 1, maxLength: 12 },
      ),
      async (turns, questions) => {
        using db = await TestStore.open()
        for (const turn of turns) await Promise.all(turn.map((one) => doIt(db, one)))
        for (const [asked, back, limit, maxLength] of questions) {
          const { oldest, newest } = db.store.bounds
          const after = Math.max(oldest, newest - back)
          const page = await db.store.read((snapshot) => snapshot.readAfter(asked, after, limit, maxLength))
          const due = modelOf(db, asked).filter(({ seq }) => seq > after)
          const got = page.events.map(shape)
          expect(got).toEqual(due.slice(0, got.length).map(shape))
          expect(got.length).toBeLessThanOrEqual(limit)
          // Complete as far as it says, and it stops only for a reason.
          expect(due.filter(({ seq }) => seq <= page.reached)).toHaveLength(got.length)
          const length = page.events.reduce((sum, { data }) => sum + data.length, 0)
          if (got.length < Math.min(limit, due.length)) expect(length).toBeGreaterThan(maxLength)
          else if (got.length === due.length) expect(page.reached).toBeLessThanOrEqual(newest)
          expect(length - (page.events.at(-1)?.data.length ?? 0)).toBeLessThanOrEqual(maxLength)
          if (after < newest) expect(page.reached).toBeGreaterThan(after)
        }
      },
    ),
    { numRuns: 80 },
  )
})

test('[D31] consecutive pages give every event once, while new ones are written and old ones are trimmed', async () => {
  await fc.assert(
    fc.asyncProperty(
      channels,
      fc.array(act, { minLength: 1, maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      async (asked, acts, limits) => {
        using db = await TestStore.open()
        const got: LogEvent[] = []
        let after = 0
        let pages = 0
        async function readOn(): Promise<void> {
          // A reader that trimming overtook learns of the gap and starts again: here with what is left.
          if (after < db.store.bounds.oldest) {
            got.splice(0, got.length, ...got.filter(({ entry }) => entry?.keep === 'board'))
            after = db.store.bounds.oldest
            got.splice(0, got.length, ...modelOf(db, asked).filter(({ seq }) => seq <= after))
          }
          const page = await db.store.read((snapshot) =>
            snapshot.readAfter(asked, after, limits[pages % limits.length] ?? 1),
          )
          pages += 1
          got.push(...page.events)
          after = page.reached
        }
        for (const one of acts) {
          await doIt(db, one)
          await readOn()
        }
        while (after < db.store.head) await readOn()
        const { oldest } = db.store.bounds
        const left = got.filter(({ seq, entry }) => seq > oldest || entry?.keep === 'board')
        expect(left.map(shape)).toEqual(modelOf(db, asked).map(shape))
      },
    ),
    { numRuns: 80 },
  )
})

test('[D30] a channel with many separate ranges is read completely, and in order together with another', async () => {
  using db = await TestStore.open()
  for (let n = 0; n < 700; n++)
    await Promise.all([db.say('a', 'x'), db.keep('b'), ...(n % 3 === 0 ? [db.say('c', 'y')] : [])])
  for (const asked of [['attempt:a'], ['attempt:a', 'attempt:c'], ['board:b', 'attempt:c']]) {
    const got: number[] = []
    for (let after = 0; after < db.store.head; ) {
      const page = await db.store.read((snapshot) => snapshot.readAfter(asked, after, 512))
      got.push(...page.events.map(({ seq }) => seq))
      after = page.reached
    }
    expect(got).toEqual(modelOf(db, asked).map(({ seq }) => seq))
  }
})

test('[D32] readLast gives the newest events of a type on a channel, also before a sequence number', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 1, maxLength: 25 }),
      fc.constantFrom(...NAMES),
      fc.integer({ min: 1, max: 12 }),
      fc.nat(60),
      async (acts, name, limit, back) => {
        using db = await TestStore.open()
        for (const one of acts) await doIt(db, one)
        const before = db.store.head + 1 - back
        const lines = modelOf(db, [`board:${name}`]).filter(
          ({ type, seq }) => type === 'attempt.log.appended' && seq < before,
        )
        const found = await db.store.read((snapshot) =>
          snapshot.readLast(`board:${name}`, 'attempt.log.appended', limit, before),
        )
        expect(found.map(shape)).toEqual(lines.slice(-limit).map(shape))
      },
    ),
    { numRuns: 60 },
  )
})
