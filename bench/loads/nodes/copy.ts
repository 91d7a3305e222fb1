import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CLI, startBoardcast } from '../../boardcast.ts'
import { type Bench, type Load, using } from '../../load.ts'
import { postgresMissing, startPostgres } from '../../postgres.ts'
import { DISK, removeFolder, tempFolder } from '../../temp.ts'
import { fill } from '../log.ts'

const run = promisify(execFile)
const LEAST = 20_000
const TO_FILE = 'PostgreSQL to a file'
const FROM_FILE = 'a file to PostgreSQL'

/** `boardcast copy` in both directions. */
export const nodesCopy: Load = {
  name: 'nodes-copy',
  title: 'Copying a database',
  sentence:
    'boardcast copy from PostgreSQL to a new file, and from that file to a new database: log lines of 64 bytes. Measured from the start of the program to its end.',
  figures: [
    { name: 'toFilePerS', title: `${TO_FILE}: events`, unit: '/s', better: 'more' },
    { name: 'fromFilePerS', title: `${FROM_FILE}: events`, unit: '/s', better: 'more' },
  ],
  budgets: [
    { figure: 'toFilePerS', direction: TO_FILE },
    { figure: 'fromFilePerS', direction: FROM_FILE },
  ].map(({ figure, direction }) => ({
    promise: `at least ${LEAST.toLocaleString('en')} events/s from ${direction}`,
    judge(median) {
      const is = median('boardcast', '', figure)
      return is === undefined ? undefined : { measured: `${Math.round(is).toLocaleString('en')}/s`, kept: is >= LEAST }
    },
  })),
  missing: postgresMissing,
  cases(bench) {
    if (!bench.sides.some(({ name }) => name === 'boardcast')) return []
    return [{ side: 'boardcast', variant: '', measure: () => measure(bench) }]
  },
}

function measure(bench: Bench) {
  const events = bench.pick({ full: 200_000, quick: 50_000, tiny: 2_000 })
  return using(startPostgres(), async (postgres) => {
    const [source, target] = [await postgres.createDatabase('source'), await postgres.createDatabase('target')]
    await using(startBoardcast({ env: { BOARDCAST_DATABASE_URL: source } }), (server) => fill(bench, server, events))
    const folder = tempFolder('copy', DISK)
    try {
      const file = join(folder, 'boardcast.db')
      return { toFilePerS: await copy(source, file, events), fromFilePerS: await copy(file, target, events) }
    } finally {
      removeFolder(folder)
    }
  })
}

/** Events per second. */
async function copy(source: string, target: string, least: number): Promise<number> {
  const began = performance.now()
  const { stdout } = await run(process.execPath, [CLI, 'copy', source, target])
  const seconds = (performance.now() - began) / 1_000
  const { events } = JSON.parse(stdout) as { events: number }
  if (events < least) throw new Error(`${events} of ${least} events were copied`)
  return events / seconds
}
