import type { Bench, Budget, Load } from '../load.ts'
import { atMostTimes, measured, using, warmUp } from '../load.ts'
import { PAD } from '../peers.ts'
import type { Side } from '../side.ts'

const RATE = 50

/** One event per tick: the worst case, where no events can share a write. */
export const delivery: Load = {
  name: 'delivery',
  title: 'CPU per delivery, one event per tick',
  sentence: `1,000 listeners, ${RATE} events per second, each in its own turn of the event loop. All of the server's processor time, divided by the messages that arrived.`,
  figures: [
    { name: 'cpuUs', title: 'CPU per delivery', unit: 'µs', better: 'less' },
    { name: 'p50Ms', title: 'p50', unit: 'ms', better: 'less' },
    { name: 'p99Ms', title: 'p99', unit: 'ms', better: 'less' },
    { name: 'bytes', title: 'bytes per delivery', unit: 'B', better: 'less' },
    { name: 'ownCpuUs', title: "generator's CPU per delivery", unit: 'µs', better: 'less' },
  ],
  budgets: [
    atMost('at most 1.3 × the C floor', 'floor', 1.3),
    atMost('at most 1/4 of Hono streamSSE', 'hono-stream-sse', 1 / 4),
  ],
  cases: (bench) => bench.sides.filter(isPlain).map((side) => caseOf(bench, side, '')),
}

/** The same over WebSocket. */
export const websocketDelivery: Load = {
  ...delivery,
  name: 'ws-delivery',
  title: 'CPU per delivery over WebSocket, one event per tick',
  budgets: [],
  cases: (bench) => bench.sides.filter(({ kind }) => kind !== 'sse').map((side) => caseOf(bench, side, '')),
}

/** The sides that use Server-Sent Events, and the two WebSocket libraries. */
export function isPlain({ name, kind }: Side): boolean {
  return (kind === 'sse' && name !== 'res-write-gzip') || name === 'ws' || name === 'socket-io'
}

function caseOf(bench: Bench, side: Side, variant: string) {
  const listeners = bench.pick({ full: 1000, quick: 1000, tiny: 10 })
  const seconds = bench.pick({ full: 6, quick: 1.2, tiny: 0.3 })
  return {
    side: side.name,
    variant,
    measure: () =>
      using(side.start(), async (server) => {
        await warmUp(bench, server, { pad: PAD })
        const warmS = bench.pick({ full: 1, quick: 0.3, tiny: 0.1 })
        const report = await measured(bench, server, { listeners, rate: RATE, seconds, warmS, pad: PAD })
        return {
          cpuUs: (report.serverCpuS / report.deliveries) * 1e6,
          p50Ms: report.p50Ms,
          p99Ms: report.p99Ms,
          bytes: report.bytes / report.deliveries,
          ownCpuUs: (report.ownCpuS / report.deliveries) * 1e6,
        }
      }),
  }
}

function atMost(promise: string, peer: string, times: number): Budget {
  return {
    promise,
    judge: (median) => atMostTimes(times, median('boardcast', '', 'cpuUs'), median(peer, '', 'cpuUs')),
  }
}
