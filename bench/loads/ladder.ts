import type { Bench, Budget, Case, Load } from '../load.ts'
import { measured, using, warmUp } from '../load.ts'
import { PAD } from '../peers.ts'
import type { Side } from '../side.ts'
import { isPlain } from './delivery.ts'

const RATE = 50

/** From the scheduled time of the POST to its arrival at a listener. */
export const ladder: Load = {
  name: 'latency',
  title: 'Latency from POST to listener',
  sentence: `${RATE} events per second on a fixed schedule. Latency counts from the time at which the POST was due, so it includes waiting for a busy server. Boardcast's includes the fsync.`,
  figures: [
    { name: 'p50Ms', title: 'p50', unit: 'ms', better: 'less' },
    { name: 'p99Ms', title: 'p99', unit: 'ms', better: 'less' },
    { name: 'maxMs', title: 'max', unit: 'ms', better: 'less' },
  ],
  budgets: [within('1', 1, 3), within('100', 1.5, 4), within('1000', 4, 8)],
  cases(bench) {
    const steps = bench.pick({ full: [1, 10, 100, 1000], quick: [1, 1000], tiny: [1, 10] })
    // All sides at every step take too long for a quick run, and `delivery` covers all of them at 1,000 listeners.
    const few = bench.scale === 'quick' ? ['boardcast', 'floor'] : undefined
    const sides = bench.sides.filter((side) => isPlain(side) && (!few || few.includes(side.name)))
    return steps.flatMap((listeners) => sides.map((side) => caseOf(bench, side, listeners)))
  },
}

function caseOf(bench: Bench, side: Side, listeners: number): Case {
  return {
    side: side.name,
    variant: `${listeners}`,
    measure: () =>
      using(side.start(), async (server) => {
        await warmUp(bench, server, { pad: PAD })
        const seconds = bench.pick({ full: 5, quick: 1.2, tiny: 0.3 })
        const warmS = bench.pick({ full: 0.5, quick: 0.2, tiny: 0.1 })
        const { p50Ms, p99Ms, maxMs } = await measured(bench, server, {
          listeners,
          rate: RATE,
          seconds,
          warmS,
          pad: PAD,
        })
        return { p50Ms, p99Ms, maxMs }
      }),
  }
}

function within(listeners: string, p50: number, p99: number): Budget {
  return {
    promise: `${listeners} listeners: p50 ${p50} ms, p99 ${p99} ms`,
    judge(median) {
      const middle = median('boardcast', listeners, 'p50Ms')
      const late = median('boardcast', listeners, 'p99Ms')
      if (middle === undefined || late === undefined) return undefined
      return { measured: `${middle.toFixed(1)} / ${late.toFixed(1)} ms`, kept: middle <= p50 && late <= p99 }
    },
  }
}
