/** The rules of doorbells, ephemeral events across nodes and leases (docs/store.md), over any store. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { NO_DOORBELL, Poll } from '../../src/db/doorbell.ts'
import type { EphemeralEvent } from '../../src/db/ephemeral.ts'
import { createLeader } from '../../src/db/lease.ts'
import { expectAllPublished } from './expectations.ts'
import { record } from './ledger.ts'
import { failOnce, type StoreKind } from './nodes.ts'

const HEARTBEAT: EphemeralEvent = { event: 'agent.heartbeat', channels: ['global'], payload: { n: 1 } }

export function doorbellContract(kind: StoreKind): void {
  describe(`the doorbell, ${kind.name}`, () => {
    test('[PO17] is rung once for each COMMIT with events, when they can be read', async () => {
      await using cluster = await kind.open()
      const reader = await cluster.node()
      const looks: Array<Promise<boolean>> = []
      const rung: number[] = []
      const bell = {
        ...NO_DOORBELL,
        ring(head: number) {
          rung.push(head)
          looks.push(reader.store.read(async (snapshot) => snapshot.head >= head))
        },
      }
      const node = await cluster.node({ doorbell: bell })
      const seqs = await Promise.all([1, 2, 3].map((n) => node.store.transact((tx) => record(tx, 'a', n))))
      expect(rung).toEqual([seqs.flat().at(-1)])
      await node.store.transact((tx) => record(tx, 'a', 0))
      failOnce(node, 'COMMIT')
      await expect(node.store.transact((tx) => record(tx, 'a'))).rejects.toMatchObject({ code: 'storage_unavailable' })
      expect(rung).toHaveLength(1)
      expect(await Promise.all(looks)).toEqual([true])
    })

    test('[PO18] costs nothing but time when a ring is lost, doubled, early or late', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const node = await cluster.node()
      const { bell, store } = node
      // Early: there is nothing yet.
      bell.hear(store.head + 2)
      await store.read(async () => {})
      expect(node.published).toEqual([])
      await cluster.other.commit(2)
      // Doubled.
      const head = store.head + 2
      bell.hear(head)
      bell.hear(head)
      await expect.poll(() => store.head).toBe(head)
      // Late.
      bell.hear(head - 1)
      bell.hear(0)
      // Lost: the next one makes up for it.
      await cluster.other.commit(1)
      const seqs = await cluster.other.commit(1)
      bell.hear(seqs[0] ?? 0)
      await expect.poll(() => store.head).toBe(seqs[0])
      await expectAllPublished(node)
      expect(node.errors).toEqual([])
    })

    test('[PO19] that polls looks at the head once per interval, and publishes what it finds', async () => {
      await using cluster = await kind.open()
      const node = await cluster.node()
      const poll = new Poll(() => node.store.read(async ({ head }) => head), 5)
      onTestFinished(() => poll.stop())
      const seqs = await cluster.other.commit(2)
      await expect.poll(() => node.publishedSeqs).toEqual(expect.arrayContaining([...seqs]))
      await expectAllPublished(node)
    })

    test('[PO19] that polls asks a slow database once at a time, and is degraded while it fails', async () => {
      let isFailing = false
      let asked = 0
      let answer = () => {}
      const poll = new Poll(() => {
        asked += 1
        if (isFailing) return Promise.reject(new Error('of this test'))
        return new Promise((resolve) => {
          answer = () => resolve(asked)
        })
      }, 2)
      onTestFinished(() => poll.stop())
      const heard: number[] = []
      const undo = poll.onRing((head) => heard.push(head))
      await expect.poll(() => asked).toBe(1)
      // Many intervals pass.
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect([asked, poll.status]).toEqual([1, 'ok'])
      isFailing = true
      answer()
      await expect.poll(() => poll.status).toBe('degraded')
      expect(heard).toEqual([1])
      isFailing = false
      const before = asked
      await expect.poll(() => asked).toBe(before + 1)
      undo()
      answer()
      await expect.poll(() => poll.status).toBe('ok')
      expect(heard).toEqual([1])
    })
  })

  describe(`the other nodes, ${kind.name}`, () => {
    test('[PO20] are passed ephemeral events inside the transaction, and publish them', async () => {
      await using cluster = await kind.open()
      const passed: string[] = []
      const listeners: Array<(events: readonly EphemeralEvent[]) => void> = []
      const seam = {
        async pass(sql: { get(query: string): Promise<unknown> }, events: readonly EphemeralEvent[]) {
          // Its own transaction sees what the mutations wrote.
          passed.push(JSON.stringify([await sql.get("SELECT count(*) AS n FROM ledger WHERE author = 'a'"), events]))
        },
        onPassed(listener: (events: readonly EphemeralEvent[]) => void) {
          listeners.push(listener)
          return () => {}
        },
      }
      const node = await cluster.node({ ephemeral: seam })
      await node.store.transact(async (tx) => {
        await record(tx, 'a')
        tx.publishEphemeral(HEARTBEAT)
      })
      await node.store.transact((tx) => record(tx, 'a'))
      expect(passed).toEqual([JSON.stringify([{ n: 1 }, [HEARTBEAT]])])
      const before = node.published.length
      for (const listener of listeners) listener([{ ...HEARTBEAT, payload: { n: 2 } }])
      expect(node.published.slice(before).map((one) => [one.events, one.ephemeral])).toEqual([
        [[], [{ ...HEARTBEAT, payload: { n: 2 } }]],
      ])
    })

    test('[PO21] leave the work of the leader to the one that leads when the transaction has begun', async () => {
      await using cluster = await kind.open()
      const { store } = await cluster.node()
      const asked: unknown[] = []
      let isHeld = true
      const leader = createLeader(store, {
        async isHeld(sql) {
          asked.push(await sql.get("SELECT count(*) AS n FROM ledger WHERE author = 'a'"))
          return isHeld
        },
      })
      expect(await leader.transact((tx) => record(tx, 'a'))).toHaveLength(1)
      isHeld = false
      expect(await leader.transact((tx) => record(tx, 'a'))).toBe(undefined)
      expect(asked).toEqual([{ n: 0 }, { n: 1 }])
      expect(await store.read(({ sql }) => sql.get("SELECT count(*) AS n FROM ledger WHERE author = 'a'"))).toEqual({
        n: 1,
      })
    })
  })
}
