import { startBoardcast } from '../boardcast.ts'
import { generate, type Report } from '../generator.ts'
import type { Bench, Case, Load } from '../load.ts'
import { measured, using } from '../load.ts'
import { PAD } from '../peers.ts'
import type { Running, Side } from '../side.ts'

const RATE = 50
const GZIP = 'Accept-Encoding: gzip\r\n'
/** Heartbeats differ between streams; without them all streams must get the same bytes. */
const QUIET = { BOARDCAST_HEARTBEAT_MS: '3600000' }

/** One gzip stream shared by all listeners with the same selection, against one for each. */
export const compression: Load = {
  name: 'compression',
  title: 'Compression, shared and not',
  sentence: `1,000 listeners, ${RATE} events per second. Off: plain streams. On: all accept gzip, and the bench checks that all of them get the same bytes. The peer gives every listener its own gzip stream and flushes it after every event.`,
  figures: [
    { name: 'cpuUs', title: 'CPU per delivery', unit: 'µs', better: 'less' },
    { name: 'bytes', title: 'bytes per delivery', unit: 'B', better: 'less' },
    { name: 'kib', title: 'memory per listener', unit: 'KiB', better: 'less' },
  ],
  budgets: [],
  cases(bench) {
    const ours = (env: Record<string, string>) => startBoardcast({ env })
    const has = (name: string) => bench.sides.find((side) => side.name === name)
    const own = has('res-write-gzip')
    return [
      ...(has('boardcast') ? [plain(bench, () => ours(QUIET)), shared(bench, () => ours(QUIET))] : []),
      ...(own ? [each(bench, own)] : []),
    ]
  },
}

function plain(bench: Bench, start: () => Promise<Running>): Case {
  return {
    side: 'boardcast',
    variant: 'off',
    measure: () =>
      using(start(), async (server) => {
        const report = await measured(bench, server, optionsOf(bench))
        return readings(report, report.deliveries)
      }),
  }
}

function shared(bench: Bench, start: () => Promise<Running>): Case {
  return {
    side: 'boardcast',
    variant: 'on',
    measure: () =>
      using(start(), async (server) => {
        const options = { ...optionsOf(bench), headers: GZIP, sameBytes: true }
        const report = await generate(bench.programs.generator, server, options)
        requireArrived(report)
        if (report.distinct !== 1) throw new Error(`${report.distinct} different streams of compressed bytes`)
        return readings(report, report.ackedPerS * report.spanS * report.listeners)
      }),
  }
}

function each(bench: Bench, side: Side): Case {
  return {
    side: side.name,
    variant: 'on',
    measure: () =>
      using(side.start(), async (server) => {
        const options = { ...optionsOf(bench), headers: GZIP, sameBytes: true }
        const report = await generate(bench.programs.generator, server, options)
        requireArrived(report)
        return readings(report, report.ackedPerS * report.spanS * report.listeners)
      }),
  }
}

/** Compressed streams are not decoded, so the check is weaker: every listener got some bytes for every event. */
function requireArrived({ bytes, listeners, acked, closed, refused, cut }: Report): void {
  if (closed + refused + cut > 0) throw new Error(`${closed} streams ended, ${refused + cut} requests failed`)
  if (bytes < 10 * acked * listeners) throw new Error(`${bytes} bytes are too few for ${acked} events to ${listeners}`)
}

function optionsOf(bench: Bench) {
  return {
    listeners: bench.pick({ full: 1000, quick: 500, tiny: 10 }),
    rate: bench.pick({ full: RATE, quick: 10, tiny: 10 }),
    seconds: bench.pick({ full: 5, quick: 1, tiny: 0.5 }),
    warmS: bench.pick({ full: 2, quick: 0.5, tiny: 0.1 }),
    pad: PAD,
  }
}

function readings(report: Report, deliveries: number) {
  return {
    cpuUs: (report.serverCpuS / deliveries) * 1e6,
    bytes: report.bytes / deliveries,
    kib: (report.rssLoadedKb - report.rssBeforeKb) / report.listeners,
  }
}
