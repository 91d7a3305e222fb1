import type { Bench, Case, Load } from '../load.ts'
import { measured, ratio, using, warmUp } from '../load.ts'
import type { Side } from '../side.ts'

const SIDES = ['boardcast', 'floor', 'res-write', 'hono-stream-sse', 'better-sse', 'nchan']
const SIDES_IN_HASTE = ['boardcast']
const RATE = 50
const PAD = 3_000
const MIB = 1024

/** Listeners that stop reading, beside others that go on. */
export const stalled: Load = {
  name: 'stalled',
  title: 'Stalled listeners',
  sentence: `500 listeners that read and as many that stop, under ${RATE} events of 3 KB a second; counted from when these have stood for 4 seconds, as they are written to like any other until what waits for them has filled its room. Afterwards they read on, and must have had everything too. Segment size and receive buffer of these are those of a client across a network.`,
  figures: [
    { name: 'mib', title: 'memory gained while they stand', unit: 'MiB', better: 'less' },
    { name: 'leftMib', title: 'of it left when all have gone', unit: 'MiB', better: 'less' },
    { name: 'p99Ms', title: "the others' p99", unit: 'ms', better: 'less' },
    { name: 'exact', title: 'of the stalled, got everything', unit: '', better: 'more' },
  ],
  budgets: [
    {
      promise: "the others' p99 within 1.5 × of what it is with nobody stalled",
      judge(median) {
        const is = ratio(median('boardcast', 'half stalled', 'p99Ms'), median('boardcast', 'none stalled', 'p99Ms'))
        return is === undefined ? undefined : { measured: `${is.toFixed(2)} ×`, kept: is <= 1.5 }
      },
    },
  ],
  cases: (bench) =>
    bench.sides
      .filter(({ name }) => (bench.scale === 'quick' ? SIDES_IN_HASTE : SIDES).includes(name))
      .flatMap((side) => [caseOf(bench, side, 0, 'none stalled'), caseOf(bench, side, 0.5, 'half stalled')])
      .filter(({ variant, side }) => variant !== 'none stalled' || side === 'boardcast'),
}

function caseOf(bench: Bench, side: Side, share: number, variant: string): Case {
  // Those that read are as many in both variants.
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
