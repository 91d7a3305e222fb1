import { get } from 'node:http'
import { type Boardcast, startBoardcast } from '../boardcast.ts'
import type { Bench, Case, Load } from '../load.ts'
import { ratio, using } from '../load.ts'

/** The size of a board when a stream opens, plain and compressed. */
export const openingState: Load = {
  name: 'state',
  title: 'A board when a stream opens',
  sentence: 'Bytes of a stream of a board with 200 cards until its state has arrived, without the HTTP head.',
  figures: [{ name: 'bytes', title: 'bytes', unit: 'B', better: 'less' }],
  budgets: [
    {
      promise: '`state` events at most 1/5 of their size',
      judge(median) {
        const is = ratio(median('boardcast', 'gzip', 'bytes'), median('boardcast', 'plain', 'bytes'))
        return is === undefined ? undefined : { measured: `1/${(1 / is).toFixed(1)}`, kept: is <= 1 / 5 }
      },
    },
  ],
  cases: (bench) =>
    bench.sides.some(({ name }) => name === 'boardcast') ? [caseOf(bench, 'plain'), caseOf(bench, 'gzip')] : [],
}

function caseOf(bench: Bench, variant: 'plain' | 'gzip'): Case {
  const cards = bench.pick({ full: 200, quick: 200, tiny: 5 })
  return {
    side: 'boardcast',
    variant,
    measure: () =>
      using(startBoardcast(), async (server) => {
        const path = `/boards/${server.boards[0]?.id}/cards`
        for (let n = 0; n < cards; n++) {
          await server.post(path, {
            title: `Retry the upload of part ${n} when the connection drops`,
            description: 'Seen twice this week: the upload stops half way and nothing says so.',
            labels: ['bug', 'upload'],
            priority: 'high',
          })
        }
        return { bytes: await openingBytes(server, variant === 'gzip' ? { 'Accept-Encoding': 'gzip' } : {}) }
      }),
  }
}

/** Reads a stream that the server ends when it has sent its opening events. */
function openingBytes({ port, addresses }: Boardcast, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get({ port, host: '127.0.0.1', path: `${addresses.stream}&timeout=0.2`, headers }, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('end', () => resolve(bytes))
      response.on('error', reject)
    })
    request.on('error', reject)
  })
}
