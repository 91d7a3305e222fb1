import type { Load } from '../load.ts'
import { measured, using } from '../load.ts'
import { isPlain } from './delivery.ts'

/** The memory of a stream without events. */
export const memory: Load = {
  name: 'memory',
  title: 'Memory per idle stream',
  sentence:
    'Resident memory of the server with 10,000 open streams, minus its memory before, divided by the number of streams. Kernel memory is not included.',
  figures: [
    { name: 'kibPerStream', title: 'memory per stream', unit: 'KiB', better: 'less' },
    { name: 'beforeMib', title: 'server without streams', unit: 'MiB', better: 'less' },
    { name: 'openingS', title: 'time to open all', unit: 's', better: 'less' },
  ],
  budgets: [
    {
      promise: 'at most 12 KiB per stream at 10,000',
      judge(median) {
        const is = median('boardcast', '10000', 'kibPerStream')
        return is === undefined ? undefined : { measured: `${is.toFixed(1)} KiB`, kept: is <= 12 }
      },
    },
  ],
  cases(bench) {
    const listeners = bench.pick({ full: 10_000, quick: 2_000, tiny: 10 })
    const few = bench.scale === 'quick' ? ['boardcast', 'res-write', 'ws'] : undefined
    const sides = bench.sides.filter((side) => isPlain(side) && (!few || few.includes(side.name)))
    return sides.map((side) => ({
      side: side.name,
      variant: `${listeners}`,
      measure: () =>
        using(side.start(), async (server) => {
          const settleMs = bench.pick({ full: 3000, quick: 500, tiny: 50 })
          const report = await measured(bench, server, { listeners, publishers: 0, seconds: 0.1, settleMs, atOnce: 64 })
          return {
            kibPerStream: (report.rssIdleKb - report.rssBeforeKb) / listeners,
            beforeMib: report.rssBeforeKb / 1024,
            openingS: report.openingS,
          }
        }),
    }))
  },
}
