import { startCluster } from '../../cluster.ts'
import { type Bench, type Budget, type Case, type Load, measured, using, warmUp } from '../../load.ts'
import { PAD } from '../../peers.ts'
import { postgresMissing } from '../../postgres.ts'
import { type Redis, redisMissing, startRedis } from '../../redis.ts'

const RATE = 50
const DOORBELLS = ['postgres', 'redis', 'poll'] as const
type Doorbell = (typeof DOORBELLS)[number]

/** How much later the other node delivers. */
export const nodesDoorbell: Load = {
  name: 'nodes-doorbell',
  title: 'Latency on another node',
  sentence: `${RATE} events a second on a fixed schedule, POSTed to node A. One listener, first on A, then on B, which the doorbell wakes. Latency counts from the time at which the POST was due.`,
  figures: [
    { name: 'laterMs', title: 'p50 on B after p50 on A', unit: 'ms', better: 'less' },
    { name: 'aP50Ms', title: 'p50 on A', unit: 'ms', better: 'less' },
    { name: 'aP99Ms', title: 'p99 on A', unit: 'ms', better: 'less' },
    { name: 'bP50Ms', title: 'p50 on B', unit: 'ms', better: 'less' },
    { name: 'bP99Ms', title: 'p99 on B', unit: 'ms', better: 'less' },
    { name: 'bMaxMs', title: 'max on B', unit: 'ms', better: 'less' },
  ],
  budgets: [atMost('postgres', 'laterMs', 5), atMost('redis', 'laterMs', 5), atMost('poll', 'bMaxMs', 1_500)],
  missing: postgresMissing,
  cases(bench) {
    if (!bench.sides.some(({ name }) => name === 'boardcast')) return []
    const wanted = bench.pick<readonly Doorbell[]>({ full: DOORBELLS, quick: DOORBELLS, tiny: ['postgres'] })
    const isMissing = redisMissing() !== undefined
    return wanted.filter((one) => one !== 'redis' || !isMissing).map((doorbell) => caseOf(bench, doorbell))
  },
}

function caseOf(bench: Bench, doorbell: Doorbell): Case {
  return {
    side: 'boardcast',
    variant: doorbell,
    measure: () =>
      doorbell === 'redis' ? using(startRedis(), ({ url }: Redis) => measure(bench, url)) : measure(bench, doorbell),
  }
}

function measure(bench: Bench, setting: string) {
  return using(startCluster(2, { BOARDCAST_DOORBELL: setting }), async ({ nodes: [a, b] }) => {
    if (!b) throw new Error('the second node is missing')
    const on = async (node: typeof b) => {
      await warmUp(bench, a, { listenPort: node.port, pad: PAD })
      return measured(bench, a, {
        listenPort: node.port,
        listeners: 1,
        rate: RATE,
        seconds: bench.pick({ full: 6, quick: 3, tiny: 0.5 }),
        warmS: bench.pick({ full: 0.5, quick: 0.2, tiny: 0.1 }),
        pad: PAD,
      })
    }
    const [here, there] = [await on(a), await on(b)]
    return {
      laterMs: there.p50Ms - here.p50Ms,
      aP50Ms: here.p50Ms,
      aP99Ms: here.p99Ms,
      bP50Ms: there.p50Ms,
      bP99Ms: there.p99Ms,
      bMaxMs: there.maxMs,
    }
  })
}

function atMost(doorbell: Doorbell, figure: 'laterMs' | 'bMaxMs', most: number): Budget {
  return {
    promise: `${doorbell}: ${figure === 'laterMs' ? 'p50 on B at most' : 'on B within'} ${most} ms${figure === 'laterMs' ? ' after A' : ''}`,
    judge(median) {
      const is = median('boardcast', doorbell, figure)
      return is === undefined ? undefined : { measured: `${is.toFixed(1)} ms`, kept: is <= most }
    },
  }
}
