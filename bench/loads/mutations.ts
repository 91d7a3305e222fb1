import { setTimeout } from 'node:timers/promises'
import { type Boardcast, startBoardcast } from '../boardcast.ts'
import type { Load as Options } from '../generator.ts'
import type { Bench, Budget, Case, Load } from '../load.ts'
import { measured, using } from '../load.ts'

const IN_FLIGHT = 64
const OPENING_MS = 2_000

interface Mutation {
  readonly variant: string
  /** Listeners on a board without events. */
  readonly elsewhere?: number
  options(server: Boardcast): Options
}

const LINES: Mutation = { variant: 'log lines, one a request', options: () => ({}) }
const CARDS: Mutation = {
  variant: 'new cards on one board',
  options: ({ boards }) => ({ publish: `/api/v1/boards/${boards[0]?.id}/cards`, before: '{"title":"' }),
}
const ELSEWHERE: Mutation = { ...LINES, variant: `${LINES.variant}, 1,000 listen to another board`, elsewhere: 1000 }
const TOPIC: Mutation = {
  variant: 'events on a topic',
  options: () => ({ publish: '/api/v1/topics/bench/events', before: '{"event":"tick","data":"' }),
}

/** Committed and fsynced before the answer. */
export const mutations: Load = {
  name: 'mutations',
  title: `Durable mutations, ${IN_FLIGHT} in flight`,
  sentence: `${IN_FLIGHT} connections, each with one request in flight. There are no listeners, or only some on another board, which must cost nothing. Every mutation is committed and fsynced before it is answered. The peers store nothing, so there is nothing to compare with. \`process\` is Boardcast with BOARDCAST_DURABILITY=process, which leaves the fsync to the system.`,
  figures: [
    { name: 'perS', title: 'mutations', unit: '/s', better: 'more' },
    { name: 'answerP50Ms', title: 'answer p50', unit: 'ms', better: 'less' },
    { name: 'answerP99Ms', title: 'answer p99', unit: 'ms', better: 'less' },
    { name: 'cpuUs', title: 'CPU per mutation', unit: 'µs', better: 'less' },
  ],
  budgets: [atLeast(LINES.variant), atLeast(CARDS.variant)],
  cases(bench) {
    const durable = [LINES, ELSEWHERE, CARDS, TOPIC].map((mutation) => caseOf(bench, mutation, {}))
    const { variant } = LINES
    const lazy = caseOf(bench, { ...LINES, variant: `${variant}, process` }, { BOARDCAST_DURABILITY: 'process' })
    if (!bench.sides.some(({ name }) => name === 'boardcast')) return []
    return bench.scale === 'quick' ? durable.slice(0, 3) : [...durable, lazy]
  },
}

function caseOf(bench: Bench, { variant, options, elsewhere = 0 }: Mutation, env: Record<string, string>): Case {
  return {
    side: 'boardcast',
    variant,
    measure: () =>
      using(startBoardcast({ env, boards: 2 }), async (server) => {
        const others = listenElsewhere(bench, server, elsewhere)
        // They must be open before the measurement.
        if (elsewhere > 0) await setTimeout(OPENING_MS)
        const report = await measured(bench, server, {
          publishers: bench.pick({ full: IN_FLIGHT, quick: IN_FLIGHT, tiny: 4 }),
          seconds: bench.pick({ full: 4, quick: 1.2, tiny: 0.3 }),
          warmS: bench.pick({ full: 2, quick: 0.8, tiny: 0.1 }),
          pad: 40,
          ...options(server),
        })
        await others
        return {
          perS: report.ackedPerS,
          answerP50Ms: report.answerP50Ms,
          answerP99Ms: report.answerP99Ms,
          cpuUs: (report.serverCpuS / (report.ackedPerS * report.spanS)) * 1e6,
        }
      }),
  }
}

/** Listeners that must get nothing; the run fails when one does. */
async function listenElsewhere(bench: Bench, server: Boardcast, listeners: number): Promise<void> {
  if (listeners === 0) return
  const seconds = bench.pick({ full: 9, quick: 4, tiny: 3 })
  const stream = `/sse?boardId=${server.boards[1]?.id}&view=diff`
  await measured(bench, server, {
    listeners: bench.pick({ full: listeners, quick: listeners, tiny: 10 }),
    publishers: 0,
    seconds,
    stream,
  })
}

function atLeast(variant: string): Budget {
  return {
    promise: `at least 10,000/s: ${variant}`,
    judge(median) {
      const is = median('boardcast', variant, 'perS')
      return is === undefined ? undefined : { measured: `${Math.round(is).toLocaleString('en')}/s`, kept: is >= 10_000 }
    },
  }
}
