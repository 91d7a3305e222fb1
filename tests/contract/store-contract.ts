/** The rules of `Store` (docs/store.md), over any store. */
import { describe, expect, test } from 'vitest'
import { ALL } from '../../src/db/snapshot.ts'
import type { Tx } from '../../src/db/store.ts'
import { expectAllPublished, expectOneInstant } from './expectations.ts'
import { record } from './ledger.ts'
import { diskError, failOnce, type StoreKind } from './nodes.ts'

const HEARTBEAT = { event: 'agent.heartbeat', channels: ['global'], payload: {} }
const unavailable = { status: 'rejected', reason: { code: 'storage_unavailable' } }

export function storeContract(kind: StoreKind): void {
  describe(`the store, ${kind.name}`, () => {
    test('[PO1] shows nothing before COMMIT has returned, and everything after it', async () => {
      await using cluster = await kind.open()
      const [a, b] = [await cluster.node(), await cluster.node()]
      const seen: Array<[published: boolean, rows: number | undefined]> = []
      const look = async (seq: number) => {
        const row = await b.store.read(({ sql }) =>
          sql.get<{ n: number }>("SELECT count(*) AS n FROM ledger WHERE author = 'a' AND seq >= ?", [seq]),
        )
        seen.push([a.publishedSeqs.includes(seq), row?.n])
      }
      const seqs = await a.store.transact(async (tx) => {
        const made = await record(tx, 'a', 2)
        a.sql.before = async (query) => {
          if (query !== 'COMMIT') return
          a.sql.before = undefined
          await look(made[0] ?? 0)
        }
        return made
      })
      await look(seqs[0] ?? 0)
      expect(seen).toEqual([
        [false, 0],
        [true, 2],
      ])
    })

    test('[PO2] undoes a mutation that fails, alone, and gives its numbers to the next', async () => {
      await using cluster = await kind.open()
      const node = await cluster.node()
      const failing = async (tx: Tx) => {
        await record(tx, 'lost', 3)
        tx.publishEphemeral({ ...HEARTBEAT, event: 'lost' })
        throw new Error('of this test')
      }
      const [first, lost, refused, second] = await Promise.allSettled([
        node.store.transact((tx) => record(tx, 'a')),
        node.store.transact(failing),
        node.store.transact(async (tx) => {
          await record(tx, 'lost')
          await tx.sql.run('INSERT INTO counter (id, n) VALUES (1, 1)')
        }),
        node.store.transact((tx) => record(tx, 'b')),
      ])
      expect([lost.status, refused.status]).toEqual(['rejected', 'rejected'])
      expect(second).toMatchObject({ value: [1 + Number(first.status === 'fulfilled' && first.value[0])] })
      // Alone in its group as well.
      await expect(node.store.transact(failing)).rejects.toThrow('of this test')
      await cluster.quiet()
      await node.store.read(expectOneInstant)
      await expectAllPublished(node)
      expect(node.published.flatMap(({ ephemeral }) => ephemeral)).toEqual([])
      const lostRows = await node.store.read(({ sql }) => sql.all("SELECT seq FROM ledger WHERE author = 'lost'"))
      expect(lostRows).toEqual([])
    })

    test('[PO23] gives the events of a mutation its actor, in a group and alone', async () => {
      await using cluster = await kind.open()
      const [a, b] = [await cluster.node(), await cluster.node()]
      const made = await Promise.all([
        a.store.transact((tx) => record(tx, 'a', 2), { actor: 'ann' }),
        a.store.transact((tx) => record(tx, 'b')),
        a.store.tryAnyway((tx) => record(tx, 'c'), { actor: 'line\u2028 "break"' }),
      ])
      made.push(await a.store.transact((tx) => record(tx, 'd'), { actor: null }))
      await cluster.quiet()
      const authors = ['ann', null, 'line\u2028 "break"', null]
      const expected = made.flatMap((seqs, index) => seqs.map((seq) => [seq, authors[index]]))
      const published = a.published.flatMap(({ events }) => events)
      for (const store of [a.store, b.store]) {
        const { events } = await store.read((snapshot) => snapshot.readAfter(ALL, 0, 1_000))
        for (const all of [events, published]) {
          const own = all.filter(({ seq }) => made.flat().includes(seq)).map(({ seq, actor }) => [seq, actor])
          expect(own).toEqual(expected)
        }
      }
    })

    test.each(['COMMIT', 'SAVEPOINT mutation', 'RELEASE mutation'])(
      '[PO3] answers storage_unavailable to the whole group when %s fails, and publishes nothing of it',
      async (query) => {
        await using cluster = await kind.open()
        const node = await cluster.node()
        await node.store.transact((tx) => record(tx, 'a'))
        const outcomes = await Promise.allSettled([
          node.store.transact(async (tx) => {
            failOnce(node, query)
            return record(tx, 'lost')
          }),
          node.store.transact(async (tx) => {
            tx.publishEphemeral(HEARTBEAT)
            throw new Error('of this test')
          }),
          node.store.transact((tx) => record(tx, 'lost')),
        ])
        expect(outcomes).toMatchObject([unavailable, unavailable, unavailable])
        await node.store.transact((tx) => record(tx, 'b'))
        await cluster.quiet()
        await node.store.read(expectOneInstant)
        await expectAllPublished(node)
        const authors = node.published.flatMap(({ events }) => events.map(({ payload }) => payload.boardId))
        expect(authors).toContain('b')
        expect(authors).not.toContain('lost')
      },
    )

    test('[PO3] answers storage_unavailable when a transaction cannot begin', async () => {
      await using cluster = await kind.open()
      const node = await cluster.node()
      node.sql.failOn = () => diskError()
      const outcomes = await Promise.allSettled([
        node.store.transact((tx) => record(tx, 'lost')),
        node.store.transact((tx) => record(tx, 'lost')),
      ])
      node.sql.failOn = () => undefined
      expect(outcomes).toMatchObject([unavailable, unavailable])
      await node.store.transact((tx) => record(tx, 'a'))
      await cluster.quiet()
      await node.store.read(expectOneInstant)
    })

    test('[PO4] [PO5] reads one instant with the head that belongs to it, while all nodes write', async () => {
      await using cluster = await kind.open()
      const [a, b] = [await cluster.node(), await cluster.node()]
      const heads: number[] = []
      const writing = [a, b].map(async ({ store }, n) => {
        for (let i = 0; i < 12; i++) {
          await Promise.all([
            store.transact((tx) => record(tx, `w${n}`, i % 3)),
            store.transact((tx) => record(tx, 'x')),
          ])
        }
      })
      const reading = [a, b, a].map(async ({ store }) => {
        for (let i = 0; i < 8; i++) {
          heads.push(await store.read(expectOneInstant))
          await new Promise(setImmediate)
        }
      })
      await Promise.all([...writing, ...reading])
      expect(new Set(heads).size).toBeGreaterThan(1)
    })

    test('[PO6] shows a mutation to every read after it, on every node, and publishes what a read has seen', async () => {
      await using cluster = await kind.open()
      const [a, b] = [await cluster.node(), await cluster.node()]
      for (let i = 0; i < 10; i++) {
        const [writer, reader] = i % 2 === 0 ? [a, b] : [b, a]
        const [seq = 0] = await writer.store.transact((tx) => record(tx, 'a'))
        expect(writer.publishedSeqs).toContain(seq)
        const row = await reader.store.read(({ sql }) => sql.get('SELECT seq FROM ledger WHERE seq = ?', [seq]))
        expect(row).toEqual({ seq })
        expect(reader.publishedSeqs).toContain(seq)
        const refusal = reader.store.read(async ({ head }) => {
          throw new Error(String(head))
        })
        const head = await refusal.catch((error: Error) => Number(error.message))
        expect(reader.store.head).toBeGreaterThanOrEqual(head)
      }
    })

    test('[PO7] loses no update, whichever nodes make it', async () => {
      await using cluster = await kind.open()
      const nodes = [await cluster.node(), await cluster.node()]
      const others = [cluster.other.commit(1), ...nodes.map(({ store }) => store.transact((tx) => record(tx, 'n')))]
      for (let i = 0; i < 15; i++) others.push(...nodes.map(({ store }) => store.transact((tx) => record(tx, 'n'))))
      await Promise.all(others)
      await cluster.quiet()
      for (const { store } of nodes) await store.read(expectOneInstant)
    })
  })
}
