import { Agent, request } from 'node:http'
import { type Boardcast, startBoardcast } from '../boardcast.ts'
import type { Bench, Case, Load } from '../load.ts'
import { atMostTimes, measured, using, warmUp } from '../load.ts'
import { headerOf, RIGHTS_ON, signToken } from '../token.ts'

const RATE = 50
const IN_FLIGHT = 16
const QUIET = 'nobody floods'
const LOUD = 'one floods'

/** A publisher far beyond its limit, beside others. */
export const flood: Load = {
  name: 'flood',
  title: 'A flooding publisher',
  sentence: `500 listeners and ${RATE} events a second of one subject, while another posts log lines to another board as fast as it is answered, ${IN_FLIGHT} in flight. Its limit is the default of 100 a second; the rest is refused with 429. The flood comes from this machine too, and takes processor time from everybody.`,
  figures: [
    { name: 'p99Ms', title: "the others' p99", unit: 'ms', better: 'less' },
    { name: 'refusedPerS', title: 'refusals', unit: '/s', better: 'more' },
  ],
  budgets: [
    {
      promise: "the others' p99 within 1.5 × of the p99 without a flood",
      judge: (median) => atMostTimes(1.5, median('boardcast', LOUD, 'p99Ms'), median('boardcast', QUIET, 'p99Ms')),
    },
  ],
  cases(bench) {
    if (!bench.sides.some(({ name }) => name === 'boardcast')) return []
    return [caseOf(bench, QUIET), caseOf(bench, LOUD)]
  },
}

function caseOf(bench: Bench, variant: string): Case {
  return {
    side: 'boardcast',
    variant,
    async measure() {
      const [token, loud] = [await signToken('bench', 'board:*'), await signToken('flooder', 'board:bench-1')]
      return using(startBoardcast({ env: RIGHTS_ON, token, boards: 2 }), async (server) => {
        const headers = headerOf(token)
        await warmUp(bench, server, { publishers: 0, rate: RATE, headers })
        const flooding = variant === LOUD ? startFlood(server, loud) : undefined
        const begun = performance.now()
        const report = await measured(bench, server, {
          listeners: bench.pick({ full: 500, quick: 200, tiny: 5 }),
          rate: RATE,
          seconds: bench.pick({ full: 10, quick: 2, tiny: 0.3 }),
          warmS: bench.pick({ full: 2, quick: 1, tiny: 0.2 }),
          headers,
        })
        const seconds = (performance.now() - begun) / 1_000
        // A p99 of nothing would be 0, the best figure of all.
        if (report.deliveries === 0) throw new Error('nothing was delivered while it was measured')
        const refused = (await flooding?.stop()) ?? 0
        return { p99Ms: report.p99Ms, refusedPerS: refused / seconds }
      })
    },
  }
}

/** `stop` resolves to the number of refusals, when the last answer has arrived. */
function startFlood({ port, boards }: Boardcast, token: string): { stop(): Promise<number> } {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT })
  const path = `/api/v1/attempts/${boards[1]?.attemptId}/logs`
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }
  let refused = 0
  let isOver = false
  const post = () =>
    new Promise<void>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, method: 'POST', path, headers, agent }, (answer) => {
        if (answer.statusCode === 429) refused += 1
        answer.resume().once('end', resolve)
      })
      asked.once('error', reject)
      asked.end('{"message":"flood"}')
    })
  const lanes = Array.from({ length: IN_FLIGHT }, async () => {
    while (!isOver) await post()
  })
  return {
    async stop() {
      isOver = true
      await Promise.all(lanes)
      agent.destroy()
      return refused
    },
  }
}
