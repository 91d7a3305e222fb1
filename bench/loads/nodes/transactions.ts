import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, startCluster } from '../../cluster.ts'
import { type Bench, type Budget, type Case, type Load, measured, using } from '../../load.ts'
import { PAD } from '../../peers.ts'
import { postgresMissing } from '../../postgres.ts'

const NODES = 2
const RATE = 50
const LISTENERS = [1, 100] as const
/** A connection reports its transactions within a second, or when it has been idle for ten. */
const REPORTED_MS = 11_000

/** What a cluster asks of its database. */
export const nodesTransactions: Load = {
  name: 'nodes-transactions',
  title: 'Transactions of the database',
  sentence: `Two nodes. First nobody does anything; then ${RATE} events a second are POSTed to one node, each in its own COMMIT, and listeners of the other node get them. What the same listeners cost without events is subtracted. PostgreSQL counts; its count is read in another database.`,
  figures: [
    { name: 'idlePerS', title: 'idle, per second and node', unit: '', better: 'less' },
    { name: 'perEvent', title: 'per event', unit: '', better: 'less' },
  ],
  budgets: [
    atMost(5, 'a second of an idle node', 1, 'idlePerS'),
    ...LISTENERS.map((listeners) => atMost(6, `an event, ${variantOf(listeners)}`, listeners, 'perEvent')),
  ],
  missing: postgresMissing,
  cases(bench) {
    if (!bench.sides.some(({ name }) => name === 'boardcast')) return []
    return bench
      .pick<readonly number[]>({ full: LISTENERS, quick: [1], tiny: LISTENERS })
      .map((listeners) => caseOf(bench, listeners))
  },
}

function variantOf(listeners: number): string {
  return `${listeners} ${listeners === 1 ? 'listener' : 'listeners'} on the other node`
}

function caseOf(bench: Bench, listeners: number): Case {
  return {
    side: 'boardcast',
    variant: variantOf(listeners),
    measure: () =>
      using(startCluster(NODES), async (cluster) => {
        // The transactions of the start.
        await reported(bench)
        const idle = await count(bench, cluster, () => delay(bench.pick({ full: 20_000, quick: 10_000, tiny: 200 })))
        const still = await count(bench, cluster, () => listen(bench, cluster, listeners, 0))
        const busy = await count(bench, cluster, () => listen(bench, cluster, listeners, 1))
        return {
          idlePerS: idle.transactions / idle.seconds / NODES,
          perEvent: (busy.transactions - still.transactions) / busy.result,
        }
      }),
  }
}

/** Resolves to the number of events. */
async function listen(bench: Bench, { nodes: [a, b] }: Cluster, listeners: number, publishers: number) {
  const { acked } = await measured(bench, a, {
    listenPort: (b ?? a).port,
    listeners,
    publishers,
    rate: RATE,
    seconds: bench.pick({ full: 10, quick: 5, tiny: 0.5 }),
    pad: PAD,
  })
  return acked
}

/** The transactions while `work` runs, and the time in which they were counted. */
async function count<T>(bench: Bench, { postgres, database }: Cluster, work: () => Promise<T>) {
  const read = async () => {
    const [row] = await postgres.query<{ count: string }>(
      'SELECT xact_commit + xact_rollback AS count FROM pg_stat_database WHERE datname = $1',
      [database],
    )
    return Number(row?.count)
  }
  const [began, before] = [performance.now(), await read()]
  const result = await work()
  await reported(bench)
  return { result, transactions: (await read()) - before, seconds: (performance.now() - began) / 1_000 }
}

function reported(bench: Bench): Promise<void> {
  return delay(bench.pick({ full: REPORTED_MS, quick: REPORTED_MS, tiny: 1_100 }))
}

function atMost(most: number, what: string, listeners: number, figure: 'idlePerS' | 'perEvent'): Budget {
  return {
    promise: `at most ${most} transactions for ${what}`,
    judge(median) {
      const is = median('boardcast', variantOf(listeners), figure)
      return is === undefined ? undefined : { measured: is.toFixed(1), kept: is <= most }
    },
  }
}
