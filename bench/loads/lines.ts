import { startBoardcast } from '../boardcast.ts'
import type { Bench, Case, Load } from '../load.ts'
import { measured, using } from '../load.ts'

/** Bytes of a line, including the mark. */
const LINE_BYTES = 64
/** Bytes of the mark (`%t`) that the generator writes before the padding (`%p`). */
const MARK_BYTES = 13
const PUBLISHERS = 4

/** Output of programs: many lines per request, with and without listeners. */
export const lines: Load = {
  name: 'lines',
  title: 'Log lines by batch',
  sentence: `${PUBLISHERS} publishers post lines of ${LINE_BYTES} bytes, each batch after the answer to the last. Every line is an event, committed and fsynced. The streams are those of one agent, /events/AGENT, and must get every line once and in order.`,
  figures: [
    { name: 'linesPerS', title: 'lines', unit: '/s', better: 'more' },
    { name: 'answerP99Ms', title: 'answer p99', unit: 'ms', better: 'less' },
    { name: 'cpuUs', title: 'CPU per line', unit: 'µs', better: 'less' },
  ],
  budgets: [0, 100].map((streams) => ({
    promise: `at least 100,000 lines/s by batch, ${streams} streams`,
    judge(median) {
      const rate = median('boardcast', variantOf(500, streams), 'linesPerS')
      return rate === undefined
        ? undefined
        : { measured: `${Math.round(rate).toLocaleString('en')}/s`, kept: rate >= 100_000 }
    },
  })),
  cases(bench) {
    const batches = bench.pick({ full: [1, 10, 100, 500, 1000], quick: [500], tiny: [10] })
    if (!bench.sides.some(({ name }) => name === 'boardcast')) return []
    return [0, bench.pick({ full: 100, quick: 100, tiny: 10 })].flatMap((streams) =>
      batches.map((batch) => caseOf(bench, batch, streams)),
    )
  },
}

function variantOf(batch: number, streams: number): string {
  return `${batch} a request, ${streams} streams`
}

function caseOf(bench: Bench, batch: number, streams: number): Case {
  return {
    side: 'boardcast',
    variant: variantOf(batch, streams),
    measure: () =>
      using(startBoardcast(), async (server) => {
        const report = await measured(bench, server, {
          listeners: streams,
          publishers: PUBLISHERS,
          seconds: bench.pick({ full: 4, quick: 1.2, tiny: 0.3 }),
          warmS: bench.pick({ full: 2, quick: 0.8, tiny: 0.1 }),
          stream: '/events/bench',
          batch,
          before: '{"lines":[',
          item: '{"message":"%t%p"}',
          after: ']}',
          pad: LINE_BYTES - MARK_BYTES,
        })
        const perS = report.ackedPerS * batch
        return {
          linesPerS: perS,
          answerP99Ms: report.answerP99Ms,
          cpuUs: (report.serverCpuS / (perS * report.spanS)) * 1e6,
        }
      }),
  }
}
