import { startBoardcast } from '../boardcast.ts'
import type { Bench, Readings } from '../load.ts'
import { measured, using, warmUp } from '../load.ts'
import { PAD, peers } from '../peers.ts'
import type { Running } from '../side.ts'
import type { Axis } from './axis.ts'

const RATE = 10

/** More listeners on one board. */
export const listeners: Axis = {
  name: 'listeners',
  title: 'More listeners on one board',
  sentence: `CPU and latency at ${RATE} events per second, and deliveries per second with 32 publishers, beside the C floor and a loop of \`res.write\`.`,
  unit: 'listeners',
  sizes: (bench) => bench.pick({ full: [1, 10, 100, 1_000, 10_000], quick: [1, 100, 1_000], tiny: [1, 10] }),
  async measure(bench, sizes, progress) {
    const found: Readings[] = []
    for (const size of sizes) {
      progress(`listeners: ${size}`)
      found.push(await measureAt(bench, size))
    }
    return found
  },
  panels: [
    {
      title: 'CPU per delivery, µs',
      curves: [
        { reading: 'cpu', title: 'Boardcast' },
        { reading: 'floorCpu', title: 'C floor' },
        { reading: 'loopCpu', title: 'res.write' },
      ],
    },
    {
      title: 'latency p50, ms',
      curves: [
        { reading: 'p50', title: 'Boardcast' },
        { reading: 'floorP50', title: 'C floor' },
        { reading: 'loopP50', title: 'res.write' },
      ],
    },
    {
      title: 'deliveries per second, 32 publishers',
      curves: [
        { reading: 'rate', title: 'Boardcast' },
        { reading: 'floorRate', title: 'C floor' },
        { reading: 'loopRate', title: 'res.write' },
      ],
    },
  ],
}

async function measureAt(bench: Bench, size: number): Promise<Readings> {
  const all = peers(bench.programs.floor)
  const floor = all.find(({ name }) => name === 'floor')
  const loop = all.find(({ name }) => name === 'res-write')
  if (!floor || !loop) throw new Error('there are no sides floor and res-write')
  const ours = await readingsOf(bench, () => startBoardcast(), size)
  const floors = await readingsOf(bench, () => floor.start(), size)
  const loops = await readingsOf(bench, () => loop.start(), size)
  return {
    ...ours,
    floorCpu: floors.cpu,
    floorP50: floors.p50,
    floorRate: floors.rate,
    loopCpu: loops.cpu,
    loopP50: loops.p50,
    loopRate: loops.rate,
  }
}

function readingsOf(bench: Bench, start: () => Promise<Running>, size: number) {
  return using(start(), async (server) => {
    await warmUp(bench, server, { pad: PAD })
    const seconds = bench.pick({ full: 4, quick: 1, tiny: 0.3 })
    const common = { listeners: size, seconds, warmS: 0.5, pad: PAD }
    const slow = await measured(bench, server, { ...common, rate: RATE })
    const fast = await measured(bench, server, { ...common, publishers: 32 })
    return {
      cpu: (slow.serverCpuS / slow.deliveries) * 1e6,
      p50: slow.p50Ms,
      p99: slow.p99Ms,
      rate: fast.deliveriesPerS,
    }
  })
}
