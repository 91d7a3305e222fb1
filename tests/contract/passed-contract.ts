/** Ephemeral events across nodes (docs/nodes.md), over any store. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { Poll } from '../../src/db/doorbell.ts'
import type { EphemeralEvent } from '../../src/db/ephemeral.ts'
import { look } from '../../src/db/look.ts'
import { OF_OTHERS, PassedEvents } from '../../src/db/passed-events.ts'
import { record } from './ledger.ts'
import { type Cluster, failOnce, type StoreKind, type TestNode } from './nodes.ts'

const beat = (n: number): EphemeralEvent => ({ event: 'agent.heartbeat', channels: ['global'], payload: { n } })

interface PassingNode extends TestNode {
  readonly passed: PassedEvents
  look(): Promise<number>
  send(...numbers: number[]): Promise<void>
  /** The ephemeral events that listeners here were sent. */
  heard(): number[]
}

async function openNode(cluster: Cluster, name: string, clock?: { now: number }): Promise<PassingNode> {
  const passed = new PassedEvents({ node: name, newest: 0, ...(clock && { now: () => clock.now }) })
  const node = await cluster.node({ ephemeral: passed })
  return Object.assign(node, {
    passed,
    look: () => look(node.store, passed),
    async send(...numbers: number[]) {
      await node.store.transact(async (tx) => {
        for (const n of numbers) tx.publishEphemeral(beat(n))
      })
    },
    heard: () =>
      node.published.flatMap(({ ephemeral }) => ephemeral.map(({ payload }) => (payload as { n: number }).n)),
  })
}

export function passedContract(kind: StoreKind): void {
  describe(`ephemeral events, ${kind.name}`, () => {
    test('[N8a] reach the listeners of every node once, in the order of their commits', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const nodes = [await openNode(cluster, 'a'), await openNode(cluster, 'b'), await openNode(cluster, 'c')] as const
      const [a, b, c] = nodes
      await a.send(1, 2)
      await b.send(3)
      await Promise.all([a.look(), b.look(), c.look()])
      await a.send(4)
      for (let i = 0; i < 2; i++) await Promise.all(nodes.map((node) => node.look()))
      expect(nodes.map((node) => node.heard())).toEqual([
        [1, 2, 3, 4],
        [3, 1, 2, 4],
        [1, 2, 3, 4],
      ])
    })

    test('[N8a] follow the events of their COMMIT on other nodes, too', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const [a, b] = [await openNode(cluster, 'a'), await openNode(cluster, 'b')]
      await a.store.transact(async (tx) => {
        tx.publishEphemeral(beat(1))
        await record(tx, 'a', 2)
      })
      await b.look()
      const seen = b.published.flatMap(({ events, ephemeral }) => [...events.map(({ seq }) => seq), ...ephemeral])
      expect(seen).toEqual([a.store.head - 1, a.store.head, beat(1)])
    })

    test('[N8a] are read again after a look that failed, and not at all from a mutation that did', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const [a, b] = [await openNode(cluster, 'a'), await openNode(cluster, 'b')]
      await expect(
        a.store.transact(async (tx) => {
          tx.publishEphemeral(beat(1))
          throw new Error('of this test')
        }),
      ).rejects.toThrow('of this test')
      failOnce(a, 'COMMIT')
      await expect(a.send(2)).rejects.toMatchObject({ code: 'storage_unavailable' })
      await a.send(3)
      failOnce(b, OF_OTHERS)
      await expect(b.look()).rejects.toThrow()
      await b.look()
      await b.look()
      expect(b.heard()).toEqual([3])
    })

    test('[N8a] arrive with the poll, whatever else wakes the node', async () => {
      await using cluster = await kind.open()
      const [a, b] = [await openNode(cluster, 'a'), await openNode(cluster, 'b')]
      const poll = new Poll(() => b.look(), 5)
      onTestFinished(() => poll.stop())
      for (let n = 1; n <= 5; n++) await a.send(n)
      await expect.poll(b.heard).toEqual([1, 2, 3, 4, 5])
    })

    test('[N8b] live for a minute: then the next one that a node passes on deletes them', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const clock = { now: 0 }
      const [a, b] = [await openNode(cluster, 'a', clock), await openNode(cluster, 'b')]
      const rows = () =>
        a.store.read(async ({ sql }) => (await sql.values<[number]>('SELECT id FROM passed_events ORDER BY id')).flat())
      await a.send(1)
      await a.send(2)
      await a.look()
      clock.now = 30_000
      await a.send(3)
      await a.look()
      clock.now = 59_999
      await a.send(4)
      expect(await rows()).toEqual([1, 2, 3, 4])
      clock.now = 60_000
      await a.send(5)
      expect(await rows()).toEqual([3, 4, 5])
      clock.now = 1e9
      await a.look()
      await a.send(6)
      // The newest is never deleted, so that no id is used twice.
      expect((await rows()).at(-1)).toBe(6)
      await b.look()
      expect(b.heard().at(-1)).toBe(6)
    })

    test('[N8b] that were there before a node started are not news to it', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const a = await openNode(cluster, 'a')
      await a.send(1)
      const b = await cluster.node()
      const passed = await b.store.read(async ({ sql }) => PassedEvents.after(sql, 'b'))
      passed.onPassed((events) => b.published.push({ events: [], ephemeral: events, head: 0, after: undefined }))
      await a.send(2)
      await look(b.store, passed)
      expect(b.published.flatMap(({ ephemeral }) => ephemeral)).toEqual([beat(2)])
    })

    test('[N8b] start anew after an older copy of the database has taken its place', async () => {
      await using cluster = await kind.open()
      await cluster.quiet()
      const [a, b] = [await openNode(cluster, 'a'), await openNode(cluster, 'b')]
      await a.send(1)
      await a.send(2)
      await b.look()
      await a.store.transact((tx) => tx.sql.run('DELETE FROM passed_events'))
      await b.look()
      await a.send(3)
      await b.look()
      expect(b.heard()).toEqual([1, 2, 3])
    })
  })
}
