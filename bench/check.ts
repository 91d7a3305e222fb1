/**
 * Checks that the generator is not the bottleneck. It runs against the C floor at full load, with and without a pause after
 * every round of its loop. With the pause it reads several messages at once and needs a fraction of its processor time. If
 * the floor delivers as much as before, the generator did not limit it.
 */
import { type Bench, measured, using } from './load.ts'
import { PAD, peers } from './peers.ts'
import { number, table } from './table.ts'

const NAPS_US = [0, 1_000, 5_000]

export async function check(bench: Bench, rounds: number): Promise<string> {
  const floor = peers(bench.programs.floor)[0]
  if (!floor) throw new Error('there is no floor')
  const rows: string[][] = []
  for (let round = 0; round < rounds; round++) {
    for (const napUs of NAPS_US) {
      const report = await using(floor.start(), (server) =>
        measured(bench, server, {
          listeners: 1000,
          publishers: 32,
          seconds: 2,
          warmS: 0.5,
          pad: PAD,
          ...(napUs > 0 && { napUs }),
        }),
      )
      rows.push([
        napUs === 0 ? 'none' : `${napUs / 1000} ms`,
        number(report.deliveriesPerS),
        `${Math.round((report.serverCpuS / report.spanS) * 100)} %`,
        `${Math.round((report.ownCpuS / report.spanS) * 100)} %`,
        number((report.ownCpuS / report.deliveries) * 1e6),
      ])
    }
  }
  rows.sort((a, b) => (a[0] ?? '').localeCompare(b[0] ?? ''))
  return table(['pause', 'deliveries/s', "floor's core", "generator's core", 'generator, µs per delivery'], rows)
}
