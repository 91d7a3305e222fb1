import { type Settings, startBoardcast } from '../boardcast.ts'
import type { Bench, Budget, Case, Load } from '../load.ts'
import { atMostTimes, measured, using } from '../load.ts'
import { headerOf, RIGHTS_ON, signToken } from '../token.ts'

const RATE = 50
const IN_FLIGHT = 64
const DELIVERY = 'a delivery'
const MUTATION = 'a mutation'

/** The same loads with and without rights: what it costs that every request is asked for its token. */
export const rights: Load = {
  name: 'rights',
  title: 'What rights cost',
  sentence: `Processor time of the server per delivery (1,000 listeners, ${RATE} events a second) and per mutation (log lines, one a request, ${IN_FLIGHT} in flight), without rights, and with rights on, where every request carries a token of HS256 for this board alone and a limit of mutations that is not reached.`,
  figures: [{ name: 'cpuUs', title: 'CPU', unit: 'µs', better: 'less' }],
  budgets: [atMost(DELIVERY, 1.05), atMost(MUTATION, 1.1)],
  cases(bench) {
    if (!bench.sides.some(({ name }) => name === 'boardcast')) return []
    return [DELIVERY, MUTATION].flatMap((what) => [false, true].map((areOn) => caseOf(bench, what, areOn)))
  },
}

function variantOf(what: string, areOn: boolean): string {
  return `${what}, rights ${areOn ? 'on' : 'off'}`
}

function caseOf(bench: Bench, what: string, areOn: boolean): Case {
  return {
    side: 'boardcast',
    variant: variantOf(what, areOn),
    async measure() {
      const { settings, headers } = areOn ? await withRights() : { settings: {}, headers: '' }
      return using(startBoardcast(settings), async (server) => {
        const report = await measured(bench, server, {
          ...(what === DELIVERY
            ? { listeners: bench.pick({ full: 1000, quick: 1000, tiny: 10 }), rate: RATE }
            : { publishers: bench.pick({ full: IN_FLIGHT, quick: IN_FLIGHT, tiny: 4 }) }),
          seconds: bench.pick({ full: 6, quick: 2, tiny: 0.3 }),
          warmS: bench.pick({ full: 2, quick: 1, tiny: 0.1 }),
          headers,
        })
        const count = what === DELIVERY ? report.deliveries : report.ackedPerS * report.spanS
        return { cpuUs: (report.serverCpuS / count) * 1e6 }
      })
    },
  }
}

async function withRights(): Promise<{ settings: Settings; headers: string }> {
  const token = await signToken('bench')
  const env = { ...RIGHTS_ON, BOARDCAST_RATE_MUTATIONS: '1000000', BOARDCAST_RATE_BURST: '1000000' }
  return { settings: { env, token }, headers: headerOf(token) }
}

function atMost(what: string, times: number): Budget {
  return {
    promise: `${what} with rights costs at most ${times} × one without`,
    judge(median) {
      const [on, off] = [true, false].map((areOn) => median('boardcast', variantOf(what, areOn), 'cpuUs'))
      return atMostTimes(times, on, off)
    },
  }
}
