import type { Bench, Case, Load } from '../load.ts'
import { atMostTimes, measured, using, warmUp } from '../load.ts'
import type { Side } from '../side.ts'

const SIDES = ['boardcast', 'floor', 'res-write', 'hono-stream-sse', 'better-sse', 'nchan']
const QUICK_SIDES = ['boardcast']
const RATE = 50
const PAD = 3_000
const MIB = 1024

/** Listeners that stop reading, beside others that continue. */
export const stalled: Load = {
  name: 'stalled',
  title: 'Stalled listeners',
  sentence: `500 listeners that read and 500 that stop, at ${RATE} events of 3 KB per second. Measuring starts 4 seconds after they stop, because until their buffers are full they are written to like any other. Afterwards they read again, and must get everything too. Their segment size and receive buffer are those of a client across a network.`,
  figures: [
    { name: 'mib', title: 'memory gained during the stall', unit: 'MiB', better: 'less' },
    { name: 'leftMib', title: 'of it left after all have closed', unit: 'MiB', better: 'less' },
    { name: 'p99Ms', title: "the others' p99", unit: 'ms', better: 'less' },
    { name: 'exact', title: 'stalled listeners that got everything', unit: '', better: 'more' },
  ],
  budgets: [
    {
      promise: "the others' p99 within 1.5 × of the p99 without stalled listeners",
      judge: (median) =>
        atMostTimes(1.5, median('boardcast', 'half stalled', 'p99Ms'), median('boardcast', 'none stalled', 'p99Ms')),
    },
  ],
  cases: (bench) =>
    bench.sides
      .filter(({ name }) => (bench.scale === 'quick' ? QUICK_SIDES : SIDES).includes(name))
      .flatMap((side) => [caseOf(bench, side, 0, 'none stalled'), caseOf(bench, side, 0.5, 'half stalled')])
      .filter(({ variant, side }) => variant !== 'none stalled' || side === 'boardcast'),
}

function caseOf(bench: Bench, side: Side, share: number, variant: string): Case {
  // Both variants have the same number of readers.
  const readers = bench.pick({ full: 500, quick: 200, tiny: 5 })
  const listeners = Math.round(readers / (1 - share))
  const seconds = bench.pick({ full: 10, quick: 1.5, tiny: 0.3 })
  return {
    side: side.name,
    variant,
    measure: () =>
      using(side.start(), async (server) => {
        await warmUp(bench, server, { pad: PAD })
        const report = await measured(bench, server, {
          listeners,
          stalled: listeners - readers,
          rate: RATE,
          seconds,
          warmS: bench.pick({ full: 4, quick: 3, tiny: 0.2 }),
          pad: PAD,
          afterMs: bench.pick({ full: 3000, quick: 500, tiny: 50 }),
        })
        return {
          mib: (report.rssLargestKb - report.rssIdleKb) / MIB,
          leftMib: (report.rssAfterKb - report.rssIdleKb) / MIB,
          p99Ms: report.p99Ms,
          exact: (report.exact - report.readingExact) / Math.max(1, listeners - readers),
        }
      }),
  }
}
