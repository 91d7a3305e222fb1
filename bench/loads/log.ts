/** The log: reading it back, and starting with a large one. */
import { type Boardcast, startBoardcast } from '../boardcast.ts'
import type { Bench, Load } from '../load.ts'
import { measured, using } from '../load.ts'

const BATCH = 1_000

/** Writes that many lines to the attempt of the first board. */
export async function fill(bench: Bench, server: Boardcast, events: number): Promise<void> {
  await measured(bench, server, {
    publishers: 1,
    requests: Math.ceil(events / BATCH),
    seconds: 150,
    batch: BATCH,
    before: '{"lines":[',
    item: '{"message":"%t%p"}',
    after: ']}',
    pad: 51,
  })
}

export const replay: Load = {
  name: 'replay',
  title: 'Replay from the log to one stream',
  sentence:
    'One client connects with the oldest cursor and reads until it has everything: lines of 64 bytes, each a separate SSE event on a board stream. Measured from opening the connection to the last byte.',
  figures: [
    { name: 'eventsPerS', title: 'events', unit: '/s', better: 'more' },
    { name: 'mibPerS', title: 'MiB per second', unit: '', better: 'more' },
  ],
  budgets: [
    {
      promise: 'at least 300,000 events/s to one socket',
      judge(median) {
        const is = median('boardcast', '', 'eventsPerS')
        return is === undefined
          ? undefined
          : { measured: `${Math.round(is).toLocaleString('en')}/s`, kept: is >= 300_000 }
      },
    },
  ],
  cases(bench) {
    const events = bench.pick({ full: 300_000, quick: 100_000, tiny: 2_000 })
    if (!bench.sides.some(({ name }) => name === 'boardcast')) return []
    return [
      {
        side: 'boardcast',
        variant: '',
        measure: () =>
          using(startBoardcast(), async (server) => {
            await fill(bench, server, events)
            const stream = `${server.addresses.stream}&since=earliest`
            // The first run warms up the compiler and the page cache.
            let report = await measured(bench, server, { listeners: 1, expect: events, seconds: 60, stream })
            for (let n = 0; n < 2; n++) {
              report = await measured(bench, server, { listeners: 1, expect: events, seconds: 60, stream })
            }
            return { eventsPerS: events / report.replayS, mibPerS: report.bytes / report.replayS / 2 ** 20 }
          }),
      },
    ]
  },
}

export const start: Load = {
  name: 'start',
  title: 'Start with a large log',
  sentence:
    'The program is stopped cleanly and started again on its database. Measured from the start of the process until it answers /health/ready.',
  figures: [
    { name: 'readyMs', title: 'until ready', unit: 'ms', better: 'less' },
    { name: 'mib', title: 'memory when ready', unit: 'MiB', better: 'less' },
  ],
  budgets: [
    {
      promise: 'ready in under 0.5 s with 1,000,000 events',
      judge(median) {
        const is = median('boardcast', '1,000,000 events', 'readyMs')
        return is === undefined ? undefined : { measured: `${Math.round(is)} ms`, kept: is < 500 }
      },
    },
  ],
  cases(bench) {
    const sizes = bench.pick({ full: [1_000, 1_000_000], quick: [100_000], tiny: [1_000] })
    if (!bench.sides.some(({ name }) => name === 'boardcast')) return []
    return sizes.map((events) => ({
      side: 'boardcast',
      variant: `${events.toLocaleString('en')} events`,
      async measure() {
        const first = await startBoardcast()
        let again: Awaited<ReturnType<typeof first.restart>> | undefined
        try {
          await fill(bench, first, events)
          again = await first.restart()
          const { rssBeforeKb } = await measured(bench, again.server, { publishers: 0, seconds: 0.05, settleMs: 50 })
          return { readyMs: again.readyMs, mib: rssBeforeKb / 1024 }
        } finally {
          await (again?.server ?? first).stop()
        }
      },
    }))
  },
}
