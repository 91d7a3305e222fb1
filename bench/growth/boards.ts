import { startBoardcast } from '../boardcast.ts'
import type { Readings } from '../load.ts'
import { measured, using, warmUp } from '../load.ts'
import { PAD } from '../peers.ts'
import type { Axis } from './axis.ts'

/** The same listeners and events, spread over more boards. */
export const boards: Axis = {
  name: 'boards',
  title: 'More boards for the same listeners',
  sentence:
    '1,000 listeners and the events are spread over the boards, so every event reaches 1,000 divided by the number of boards.',
  unit: 'boards',
  sizes: (bench) => bench.pick({ full: [1, 10, 100, 1_000], quick: [1, 100], tiny: [1, 10] }),
  async measure(bench, sizes, progress) {
    const listeners = bench.pick({ full: 1_000, quick: 1_000, tiny: 10 })
    const seconds = bench.pick({ full: 4, quick: 1, tiny: 0.3 })
    const found: Readings[] = []
    for (const size of sizes) {
      progress(`boards: ${size}`)
      found.push(
        await using(startBoardcast({ boards: size }), async (server) => {
          await warmUp(bench, server, { pad: PAD })
          const common = { listeners, routes: server.routes, seconds, warmS: 0.5, pad: PAD }
          const slow = await measured(bench, server, { ...common, rate: 50 })
          const fast = await measured(bench, server, { ...common, publishers: 32 })
          return {
            p50: slow.p50Ms,
            p99: slow.p99Ms,
            events: fast.ackedPerS,
            deliveries: fast.deliveriesPerS,
            cpuEvent: (fast.serverCpuS / (fast.ackedPerS * fast.spanS)) * 1e6,
          }
        }),
      )
    }
    return found
  },
  panels: [
    {
      title: 'POST to listener at 50/s, ms',
      curves: [
        { reading: 'p50', title: 'p50' },
        { reading: 'p99', title: 'p99' },
      ],
    },
    {
      title: 'per second, 32 publishers',
      curves: [
        { reading: 'events', title: 'events' },
        { reading: 'deliveries', title: 'deliveries' },
      ],
    },
    { title: 'CPU per event, 32 publishers, µs', curves: [{ reading: 'cpuEvent', title: 'Boardcast' }] },
  ],
}
