import type { Bench, Case, Figure, Load } from '../load.ts'
import { measured, ratio, using } from '../load.ts'
import { PAD } from '../peers.ts'
import type { Side } from '../side.ts'
import { isPlain } from './delivery.ts'

const PUBLISHERS = 32
const PEERS = ['floor', 'ws', 'socket-io', 'better-sse', 'hono-stream-sse']

const FIGURES: readonly Figure[] = [
  { name: 'deliveriesPerS', title: 'deliveries', unit: '/s', better: 'more' },
  { name: 'eventsPerS', title: 'events', unit: '/s', better: 'more' },
  { name: 'cpuUs', title: 'CPU per delivery', unit: 'µs', better: 'less' },
  { name: 'p50Ms', title: 'p50', unit: 'ms', better: 'less' },
  { name: 'p99Ms', title: 'p99', unit: 'ms', better: 'less' },
  { name: 'ownCores', title: "generator's cores", unit: '', better: 'less' },
]

/** The highest rate: publishers that send the next event when the last one is answered. */
export const saturation: Load = {
  name: 'saturation',
  title: `Saturation, ${PUBLISHERS} publishers`,
  sentence: `1,000 listeners; ${PUBLISHERS} publishers, each of which sends its next event when the last one is answered.`,
  figures: FIGURES,
  budgets: PEERS.map((peer) => ({
    promise: `at least 20 × ${peer}`,
    judge(median) {
      const is = ratio(median('boardcast', '', 'deliveriesPerS'), median(peer, '', 'deliveriesPerS'))
      return is === undefined ? undefined : { measured: `${is.toFixed(1)} ×`, kept: is >= 20 }
    },
  })),
  cases: (bench) => bench.sides.filter(isPlain).map((side) => saturate(bench, side)),
}

/** The same over WebSocket. */
export const websocketSaturation: Load = {
  ...saturation,
  name: 'ws-saturation',
  title: `Saturation over WebSocket, ${PUBLISHERS} publishers`,
  budgets: [],
  cases: (bench) => bench.sides.filter(({ kind }) => kind !== 'sse').map((side) => saturate(bench, side)),
}

function saturate(bench: Bench, side: Side): Case {
  const listeners = bench.pick({ full: 1000, quick: 1000, tiny: 10 })
  const seconds = bench.pick({ full: 5, quick: 1.2, tiny: 0.3 })
  const warmS = bench.pick({ full: 2, quick: 0.6, tiny: 0.1 })
  return {
    side: side.name,
    variant: '',
    measure: () =>
      using(side.start(), async (server) => {
        const report = await measured(bench, server, { listeners, publishers: PUBLISHERS, seconds, warmS, pad: PAD })
        return {
          deliveriesPerS: report.deliveriesPerS,
          eventsPerS: report.ackedPerS,
          cpuUs: (report.serverCpuS / report.deliveries) * 1e6,
          p50Ms: report.p50Ms,
          p99Ms: report.p99Ms,
          ownCores: report.ownCpuS / report.spanS,
        }
      }),
  }
}
