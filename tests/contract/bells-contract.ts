/** The rules of doorbells (docs/nodes.md), over each kind of them between nodes on one database of PostgreSQL. */
import { describe, expect, test } from 'vitest'
import type { DoorbellKind } from '../../src/db/peers.ts'
import type { PostgresServer } from '../support/postgres.ts'
import { BellCluster, type BellNode, SOUND, tampering, type Wire } from './bell-nodes.ts'
import { expectAllPublished } from './expectations.ts'

const HEADS = /:(\d+)$/
/** The poll makes up for everything, and machines may be slow. */
export const SOON = { timeout: 10_000 }

const WIRES: ReadonlyArray<readonly [name: string, wire: Wire]> = [
  ['get through', SOUND],
  ['are lost', tampering(() => {})],
  [
    'are doubled',
    tampering((text, hear) => {
      hear(text)
      hear(text)
    }),
  ],
  ['are early', tampering((text, hear) => hear(text.replace(HEADS, (_, head) => `:${Number(head) + 3}`)))],
  ['are late', tampering((text, hear) => setTimeout(() => hear(text), 30))],
]

export function bellsContract(kind: DoorbellKind, server: () => PostgresServer): void {
  describe(`the doorbell ${kind}`, () => {
    test.each(WIRES)('[N7a] [N7c] nodes publish everything once and in order when rings %s', async (_, wire) => {
      await using cluster = await BellCluster.open(server(), kind)
      const nodes = await Promise.all(['a', 'b', 'c'].map((name) => cluster.node(name, wire)))
      await Promise.all(nodes.map(({ tried }) => tried))
      for (let round = 0; round < 10; round++) await Promise.all(nodes.map((node) => node.commit(1 + (round % 3))))
      await expectSameHead(nodes)
      for (const { node } of nodes) {
        await expectAllPublished(node)
        expect(node.errors).toEqual([])
      }
      expect(nodes.map(({ status, reports }) => [status, reports])).toEqual(nodes.map(() => ['ok', []]))
    })

    test('[N8a] [N7c] heartbeats reach the listeners of every node once, though every ring is lost', async () => {
      await using cluster = await BellCluster.open(server(), kind)
      const lost = WIRES[1]?.[1]
      const nodes = await Promise.all(['a', 'b', 'c'].map((name) => cluster.node(name, lost)))
      for (let n = 0; n < 4; n++) await nodes[n % 3]?.heartbeat(n)
      const all = [0, 1, 2, 3].map((n) => ({ n }))
      for (const node of nodes) {
        await expect.poll(() => node.heartbeats.toSorted(byNumber), SOON).toEqual(all)
      }
      const [a, b] = nodes
      // Whatever was sent twice has come by the time that a later one has.
      await a?.heartbeat(4)
      await expect.poll(() => b?.heartbeats.length, SOON).toBe(5)
      expect(nodes[2]?.heartbeats.slice(0, 4).toSorted(byNumber)).toEqual(all)
    })
  })
}

function byNumber(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
}

export async function expectSameHead(nodes: readonly BellNode[]): Promise<void> {
  const head = Math.max(...nodes.map(({ store }) => store.head))
  await expect.poll(() => nodes.map(({ store }) => store.head), SOON).toEqual(nodes.map(() => head))
}
