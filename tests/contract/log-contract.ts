/** The rules of the log (docs/store.md), over any store. */
import { describe, expect, test } from 'vitest'
import { ALL } from '../../src/db/snapshot.ts'
import { createRandom } from '../support/random.ts'
import { emitLine } from '../support/test-store.ts'
import { expectAllPublished, expectOneInstant } from './expectations.ts'
import { print, trimAll } from './kinds.ts'
import { record } from './ledger.ts'
import type { StoreKind, TestNode } from './nodes.ts'

const COUNTED = `SELECT count(*) AS events, coalesce(sum(octet_length(data)), 0) AS bytes
  FROM events WHERE chatter = 1`

export function logContract(kind: StoreKind): void {
  describe(`the log, ${kind.name}`, () => {
    test('[PO8] numbers events 1, 2, 3 ... in the order of commit, whoever commits and whatever fails', async () => {
      await using cluster = await kind.open()
      const nodes = [await cluster.node(), await cluster.node()]
      const answered: number[] = []
      const random = createRandom(8)
      const work = nodes.map(async ({ store }) => {
        for (let i = 0; i < 12; i++) {
          const fails = random.chance(0.3)
          const group = Array.from({ length: 1 + random.below(4) }, (_, n) =>
            store.transact(async (tx) => {
              const seqs = await record(tx, 'n', random.below(3))
              if (fails && n === 1) throw new Error('of this test')
              return seqs
            }),
          )
          for (const outcome of await Promise.allSettled(group)) {
            if (outcome.status === 'fulfilled') answered.push(...outcome.value)
          }
        }
      })
      await Promise.all([...work, cluster.other.commit(3).then((seqs) => answered.push(...seqs))])
      await cluster.quiet()
      expect(new Set(answered).size).toBe(answered.length)
      for (const node of nodes) {
        await node.store.read(expectOneInstant)
        await expectAllPublished(node)
      }
    })

    test('[PO9] is read in pages, up to the head of the snapshot and no further', async () => {
      await using cluster = await kind.open()
      const [a, b] = [await cluster.node(), await cluster.node()]
      await a.store.transact((tx) => print(tx, 20))
      await cluster.other.commit(7)
      let writing: Promise<unknown> | undefined
      await b.store.read(async (snapshot) => {
        for (const channels of [ALL, ['board:other', 'board:printer']] as const) {
          const all = await snapshot.readAfter(channels, 0, Number.MAX_SAFE_INTEGER)
          writing ??= Promise.all([a.store.transact((tx) => print(tx, 20)), cluster.other.commit(2)])
          const seqs: number[] = []
          for (let after = 0; after < snapshot.head; ) {
            const page = await snapshot.readAfter(channels, after, 3)
            seqs.push(...page.events.map(({ seq }) => seq))
            after = page.reached
            expect(after).toBeLessThanOrEqual(snapshot.head)
          }
          expect(seqs).toEqual(all.events.map(({ seq }) => seq))
        }
        const last = await snapshot.readLast('board:other', 'board.updated', 2)
        const page = await snapshot.readAfter(['board:other'], 0, Number.MAX_SAFE_INTEGER)
        expect(last.map(({ seq }) => seq)).toEqual(page.events.slice(-2).map(({ seq }) => seq))
      })
      await writing
    })

    test('[PO10] keeps its head when the newest events are trimmed, and never gives a number again', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const [a, b] = [await cluster.node(), await cluster.node()]
      await a.store.transact((tx) => record(tx, 'a'))
      await a.store.transact((tx) => print(tx, 5))
      const head = await b.store.read(async (snapshot) => snapshot.head)
      await cluster.other.trim(2)
      for (const { store } of [a, b]) {
        expect(await store.read(async ({ bounds }) => bounds)).toEqual({ oldest: head - 2, newest: head })
      }
      await cluster.other.trim(0)
      for (const { store } of [a, b]) {
        expect(await store.read(async ({ bounds }) => bounds)).toEqual({ oldest: head, newest: head })
        expect(
          await store.read(({ sql }) => sql.get("SELECT seq FROM events WHERE type = 'attempt.log.appended'")),
        ).toBe(undefined)
        expect(await store.read((snapshot) => snapshot.oldestOf(['board:printer'], null))).toBe(head)
        expect(await store.read((snapshot) => snapshot.oldestOf(['board:a'], (name) => name === 'board_updated'))).toBe(
          0,
        )
      }
      expect(await b.store.transact((tx) => record(tx, 'b'))).toEqual([head + 1])
      expect(await cluster.other.commit(1)).toEqual([head + 2])
      // A node that is opened now goes on from there, too.
      expect(await (await cluster.node()).store.transact((tx) => record(tx, 'c'))).toEqual([head + 3])
    })

    test('[PO11] undoes a trimming with the mutation that made it', async () => {
      await using cluster = await kind.open()
      const node = await cluster.node()
      await node.store.transact((tx) => print(tx, 10))
      await Promise.allSettled([
        node.store.transact(async (tx) => {
          await trimAll(tx, 0)
          throw new Error('of this test')
        }),
        node.store.transact((tx) => trimAll(tx, 4)),
      ])
      const counted = await node.store.read(({ sql }) => sql.get<{ events: number }>(COUNTED))
      expect(counted?.events).toBe(4)
    })

    test('[PO11] counts its transient events exactly, whoever writes and trims', async () => {
      await using cluster = await kind.open()
      const nodes = [await cluster.node(), await cluster.node()]
      const random = createRandom(11)
      const acts: Array<(node: TestNode) => Promise<unknown>> = [
        ({ store }) => store.transact((tx) => print(tx, 1 + random.below(4))),
        ({ store }) => store.transact((tx) => record(tx, 'kept')),
        ({ store }) => store.transact((tx) => trimAll(tx, random.below(12))),
        () => cluster.other.print(1 + random.below(3)),
        () => cluster.other.trim(random.below(12)),
        ({ store }) =>
          Promise.allSettled([
            store.transact((tx) => print(tx, 2)),
            store.transact(async (tx) => {
              emitLine(tx, 'lost', 'x')
              await trimAll(tx, 0)
              throw new Error('of this test')
            }),
            store.transact((tx) => trimAll(tx, 6)),
          ]),
      ]
      for (let i = 0; i < 30; i++) {
        const node = nodes[random.below(2)]
        if (node) await random.pick(acts)?.(node)
        for (const { store } of nodes) {
          const [known, counted] = await store.read(async (snapshot) => [
            await store.countTransient(snapshot),
            await snapshot.sql.get(COUNTED),
          ])
          expect({ events: known?.events, bytes: known?.bytes }).toEqual(counted)
        }
      }
    })
  })
}
