import { type Boardcast, startBoardcast } from '../../boardcast.ts'
import { startCluster } from '../../cluster.ts'
import type { Load as Options } from '../../generator.ts'
import { type Bench, type Budget, type Case, type Load, measured, ratio, using } from '../../load.ts'
import { postgresMissing } from '../../postgres.ts'
import type { Running } from '../../side.ts'

const IN_FLIGHT = 64

interface Mutation {
  readonly title: string
  /** Mutations in one request. */
  readonly batch: number
  /** What two nodes make of the rate of SQLite, at least. */
  readonly least: number
  options(server: Boardcast): Options
}

const CARDS: Mutation = {
  title: 'new cards on one board',
  batch: 1,
  least: 1 / 4,
  options: ({ boards }) => ({ publish: `/api/v1/boards/${boards[0]?.id}/cards`, before: '{"title":"', pad: 40 }),
}
const LINES: Mutation = {
  title: 'log lines, batches of 100',
  batch: 100,
  least: 1 / 2,
  options: () => ({ before: '{"lines":[', item: '{"message":"%t%p"}', after: ']}', pad: 51 }),
}

/** The nodes on one database of PostgreSQL; none: SQLite. */
const STORES = [
  { title: 'SQLite', nodes: 0 },
  { title: 'one node', nodes: 1 },
  { title: 'two nodes', nodes: 2 },
] as const
type Store = (typeof STORES)[number]

/** What PostgreSQL costs beside SQLite, and what the second node costs. */
export const nodesThroughput: Load = {
  name: 'nodes',
  title: 'Durable mutations on PostgreSQL',
  sentence: `${IN_FLIGHT} requests in flight, half of them on each of two nodes. PostgreSQL has its default settings, so both stores fsync every COMMIT. PostgreSQL, the nodes and the generator share the machine.`,
  figures: [
    { name: 'perS', title: 'mutations', unit: '/s', better: 'more' },
    { name: 'answerP50Ms', title: 'answer p50', unit: 'ms', better: 'less' },
    { name: 'answerP99Ms', title: 'answer p99', unit: 'ms', better: 'less' },
    { name: 'cpuUs', title: 'CPU of the nodes per mutation', unit: 'µs', better: 'less' },
  ],
  budgets: [CARDS, LINES].map(atLeast),
  missing: postgresMissing,
  cases(bench) {
    if (!bench.sides.some(({ name }) => name === 'boardcast')) return []
    return [CARDS, LINES].flatMap((mutation) => STORES.map((store) => caseOf(bench, mutation, store)))
  },
}

function variantOf({ title }: Mutation, store: Pick<Store, 'title'>): string {
  return `${title}, ${store.title}`
}

function caseOf(bench: Bench, mutation: Mutation, store: Store): Case {
  const count = bench.pick({ full: IN_FLIGHT, quick: IN_FLIGHT, tiny: 4 })
  return {
    side: 'boardcast',
    variant: variantOf(mutation, store),
    measure: () =>
      store.nodes === 0
        ? using(startBoardcast(), (server) => measure(bench, mutation, [server, []], count))
        : using(startCluster(store.nodes), ({ nodes: [first, ...others] }) =>
            measure(bench, mutation, [first, others], count),
          ),
  }
}

async function measure(
  bench: Bench,
  { batch, options }: Mutation,
  [first, others]: readonly [Boardcast, readonly Running[]],
  inFlight: number,
) {
  const nodes = [first, ...others]
  const reports = await Promise.all(
    nodes.map((node) =>
      measured(bench, node, {
        publishers: inFlight / nodes.length,
        seconds: bench.pick({ full: 4, quick: 1.2, tiny: 0.3 }),
        warmS: bench.pick({ full: 2, quick: 0.8, tiny: 0.1 }),
        batch,
        ...options(first),
      }),
    ),
  )
  const sum = (of: (report: (typeof reports)[number]) => number) => reports.reduce((total, one) => total + of(one), 0)
  const perS = sum(({ ackedPerS }) => ackedPerS) * batch
  return {
    perS,
    answerP50Ms: sum(({ answerP50Ms }) => answerP50Ms) / reports.length,
    answerP99Ms: Math.max(...reports.map(({ answerP99Ms }) => answerP99Ms)),
    cpuUs: (sum(({ serverCpuS, spanS }) => serverCpuS / spanS) / perS) * 1e6,
  }
}

function atLeast(mutation: Mutation): Budget {
  return {
    promise: `two nodes make at least ${mutation.least} × the ${mutation.title} of SQLite`,
    judge(median) {
      const [sqlite, two] = [STORES[0], STORES[2]].map((store) =>
        median('boardcast', variantOf(mutation, store), 'perS'),
      )
      const is = ratio(two, sqlite)
      return is === undefined ? undefined : { measured: `${is.toFixed(2)} ×`, kept: is >= mutation.least }
    },
  }
}
