/** The rules of the tail and of ephemeral events (docs/store.md), over any store. */
import { describe, expect, test } from 'vitest'
import { chooseSeed, createRandom } from '../support/random.ts'
import { expectAllPublished, expectOneInstant } from './expectations.ts'
import { print } from './kinds.ts'
import { record } from './ledger.ts'
import { diskError, type StoreKind, type TestNode } from './nodes.ts'

const ephemeral = (n: number) => ({ event: 'agent.heartbeat', channels: ['global'], payload: { n } })

export function tailContract(kind: StoreKind): void {
  describe(`the tail, ${kind.name}`, () => {
    test('[PO12] publishes every event once and in order, however commits, rings and reads interleave', async () => {
      const seed = chooseSeed()
      const random = createRandom(seed)
      await using cluster = await kind.open()
      const nodes = [await cluster.node(), await cluster.node()]
      const acts: Array<(node: TestNode) => Promise<unknown>> = [
        ({ store }) => store.transact((tx) => record(tx, 'own', random.below(4))),
        ({ store }) => Promise.all([1, 2, 3].map((n) => store.transact((tx) => record(tx, 'own', n)))),
        () => cluster.other.commit(1 + random.below(3)),
        ({ store }) => store.read(expectOneInstant),
        async ({ bell, store }) => bell.hear(store.head + random.below(5)),
        async ({ bell, store }) => {
          bell.hear(store.head + 1)
          bell.hear(store.head + 1)
        },
      ]
      for (let round = 0; round < 12; round++) {
        const together = Array.from({ length: 1 + random.below(5) }, () => {
          const node = nodes[random.below(2)]
          return node && random.pick(acts)?.(node)
        })
        await Promise.all(together)
      }
      await cluster.quiet()
      for (const node of nodes) await expectAllPublished(node).catch((error) => fail(seed, error))
    })

    test('[PO13] publishes a COMMIT that continues the log in its turn, without a query in between', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const node = await cluster.node()
      node.sql.seen.length = 0
      for (let i = 0; i < 3; i++) await node.store.transact((tx) => record(tx, 'a'))
      expect(node.published.map(({ events, after }) => [events.length, after])).toEqual(Array(3).fill([1, 'COMMIT']))
      expect(node.sql.seen.filter((query) => query.includes('FROM events WHERE'))).toEqual([])
    })

    test('[PO12] publishes the events of others that lie before its own first', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const node = await cluster.node()
      const theirs = await cluster.other.commit(600)
      const own = await node.store.transact((tx) => record(tx, 'a'))
      expect(node.publishedSeqs).toEqual([...theirs, ...own])
    })

    test('[PO24] passes over the events of others while nobody is watching, and publishes those after them', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      let isWatched = false
      const node = await cluster.node({ isWatched: () => isWatched })
      const passed = await cluster.other.commit(3)
      await cluster.quiet()
      node.sql.seen.length = 0
      const head = await node.store.read(async (snapshot) => snapshot.head)
      expect([node.store.head, node.publishedSeqs]).toEqual([head, []])
      expect(node.sql.seen.filter((query) => query.includes('FROM events WHERE'))).toEqual([])
      isWatched = true
      const seen = await cluster.other.commit(2)
      await cluster.quiet()
      await node.store.read(async () => {})
      expect(node.publishedSeqs).toEqual(seen)
      expect(Math.min(...seen)).toBeGreaterThan(Math.max(...passed))
    })

    test('[PO14] publishes ephemeral events once, after the events of their COMMIT', async () => {
      await using cluster = await kind.open()
      const node = await cluster.node()
      const owner: number[] = []
      for (let n = 0; n < 6; n++) {
        if (n % 2 === 1) await cluster.other.commit(1)
        const [seq = 0] = await node.store.transact(async (tx) => {
          tx.publishEphemeral(ephemeral(n))
          return record(tx, 'a')
        })
        owner.push(seq)
      }
      // Without an event of its own.
      await node.store.transact(async (tx) => tx.publishEphemeral(ephemeral(6)))
      const numbers: unknown[] = []
      const seqs: number[] = []
      for (const publication of node.published) {
        seqs.push(...publication.events.map(({ seq }) => seq))
        for (const { payload } of publication.ephemeral) {
          const { n } = payload as { n: number }
          if (n < 6) expect(seqs).toContain(owner[n])
          numbers.push(n)
        }
      }
      expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6])
    })

    test('[PO14] drops ephemeral events with the mutation that published them', async () => {
      await using cluster = await kind.open()
      const node = await cluster.node()
      await Promise.allSettled([
        node.store.transact(async (tx) => {
          tx.publishEphemeral(ephemeral(0))
          throw new Error('of this test')
        }),
        node.store.transact(async (tx) => tx.publishEphemeral(ephemeral(1))),
      ])
      node.sql.failOn = (query) => (query === 'COMMIT' ? diskError() : undefined)
      await expect(node.store.transact(async (tx) => tx.publishEphemeral(ephemeral(2)))).rejects.toThrow()
      node.sql.failOn = () => undefined
      await node.store.transact((tx) => record(tx, 'a'))
      expect(node.published.flatMap((one) => one.ephemeral.map(({ payload }) => payload))).toEqual([{ n: 1 }])
    })

    test('[PO15] answers what is committed though the log cannot be read, and publishes it later', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const node = await cluster.node()
      const theirs = await cluster.other.commit(2)
      // Reads fail, transactions that write do not.
      node.sql.failOn = (query) => (query === 'BEGIN' ? diskError() : undefined)
      const own = await node.store.transact(async (tx) => {
        tx.publishEphemeral(ephemeral(0))
        return record(tx, 'a')
      })
      expect(node.publishedSeqs).toEqual([])
      expect(node.errors).toHaveLength(1)
      node.sql.failOn = () => undefined
      node.bell.hear(own[0] ?? 0)
      await expect.poll(() => node.publishedSeqs).toEqual([...theirs, ...own])
      expect(node.published.flatMap((one) => one.ephemeral)).toEqual([ephemeral(0)])
    })

    test('[PO16] reports events that were trimmed before they could be published, before it goes on', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const node = await cluster.node()
      const published = await node.store.transact((tx) => record(tx, 'a'))
      await cluster.other.print(5)
      await cluster.other.commit(1)
      await cluster.other.print(2)
      await cluster.other.trim(1)
      const { head } = await node.store.read(async (snapshot) => snapshot)
      expect(node.losses).toEqual(published)
      expect(node.publishedSeqs).toEqual([...published, head - 2, head])
      expect(node.store.head).toBe(head)
      // All that is left is gone as well: the head goes on without an event.
      await cluster.other.print(1)
      await cluster.other.trim(0)
      await node.store.read(async () => {})
      expect([node.store.head, node.losses.length]).toEqual([head + 1, 2])
      expect(node.published.at(-1)).toMatchObject({ events: [], head: head + 1 })
    })

    test('[PO16] reports nothing when what was trimmed had been published', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const node = await cluster.node()
      await node.store.transact((tx) => print(tx, 5))
      await cluster.other.trim(0)
      await node.store.transact((tx) => record(tx, 'a'))
      await cluster.other.commit(1)
      await expectAllPublished(node)
      expect(node.losses).toEqual([])
    })
  })
}

function fail(seed: number, error: Error): never {
  throw new Error(`BOARDCAST_TEST_SEED=${seed}: ${error.message}`, { cause: error })
}
