/** What holds of any snapshot and of any node, whoever writes. */
import { expect } from 'vitest'
import { ALL, type Snapshot } from '../../src/db/snapshot.ts'
import type { TestNode } from './nodes.ts'

/** Reads the same thing several ways, and expects all of them to agree. Resolves to the head. */
export async function expectOneInstant(snapshot: Snapshot): Promise<number> {
  const { sql, head, bounds } = snapshot
  const count = () => sql.get<{ n: number; newest: number }>('SELECT count(*) AS n, max(seq) AS newest FROM ledger')
  const before = await count()
  // At the same time: the queries of a snapshot may be answered in any order.
  const [seqs, counts, page] = await Promise.all([
    sql.values<readonly [number]>('SELECT seq FROM ledger ORDER BY seq'),
    sql.get<{ mutations: number; numbers: number; taken: number }>(
      `SELECT (SELECT count(*) FROM mutations) AS mutations, (SELECT count(DISTINCT n) FROM mutations) AS numbers,
        (SELECT n FROM counter) AS taken`,
    ),
    snapshot.readAfter(ALL, 0, Number.MAX_SAFE_INTEGER),
  ])
  expect(await count()).toEqual(before)
  const all = Array.from({ length: head }, (_, n) => n + 1)
  expect(seqs.map(([seq]) => seq)).toEqual(all)
  expect(page.events.map(({ seq }) => seq)).toEqual(all)
  expect(page.reached).toBe(head)
  expect([counts?.mutations, counts?.numbers]).toEqual([counts?.taken, counts?.taken])
  expect(bounds).toEqual({ oldest: 0, newest: head })
  return head
}

/** Expects that a node has published every event since it was opened, once and in order, and nothing else. */
export async function expectAllPublished(node: TestNode): Promise<void> {
  const { store, openedAt, published } = node
  const head = await store.read(async (snapshot) => snapshot.head)
  expect(store.head).toBeGreaterThanOrEqual(head)
  const seqs = Array.from({ length: store.head - openedAt }, (_, n) => openedAt + n + 1)
  expect(node.publishedSeqs).toEqual(seqs)
  const heads = published.map((one) => one.head)
  expect(heads).toEqual(heads.toSorted((a, b) => a - b))
}
