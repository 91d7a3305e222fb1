/**
 * `boardcast expect` with a command that causes its event at once, while others write: no event is lost, and none is judged
 * that was there before. Rule CMD22 of docs/cli.md. BOARDCAST_TEST_ROUNDS=500 runs it at length.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { boardcast } from './support/program.ts'
import { startHub } from './support/server.ts'

const ROUNDS = Number(process.env.BOARDCAST_TEST_ROUNDS ?? 8)
const AT_ONCE = 2

let hub: Awaited<ReturnType<typeof startHub>>
let folder: string
beforeAll(async () => {
  hub = await startHub()
  folder = mkdtempSync(join(tmpdir(), 'boardcast-races-'))
})
afterAll(async () => {
  await hub[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** Programs whose first deed is the event. The id that the server answers is on stdout. */
function commandFor(round: number, board: string): string[] {
  const address = `${hub.url}/api/v1/boards/${board}/cards`
  const body = JSON.stringify({ title: `in ${round}` })
  if (round % 2 === 0) return ['curl', '-sS', '--json', body, address]
  const script = `fetch('${address}', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '${body}' }).then((r) => r.text()).then(console.log)`
  return [process.execPath, '-e', script]
}

/** On a board alone, and on `global` among the events of others, in turns. */
function optionsFor(round: number, board: string): string[] {
  const where = ['--where', `card.title=in ${round}`, '--count', '1']
  if (round % 4 < 2) return ['--board', board, '--order', 'exact', '--type', 'card_created', ...where]
  const before = ['--absent', 'card.created', '--where', `boardId=${board}`, '--where', 'card.title~^before']
  return ['--type', 'card.created', '--where', `boardId=${board}`, ...where, ...before]
}

test(
  `[CMD22] ${ROUNDS} commands that cause an event at once: each is judged, and nothing from before`,
  async () => {
    await hub.ask('POST', '/boards', { id: 'noise', name: 'Noise' })
    let isOver = false
    async function makeNoise() {
      for (let n = 0; !isOver; n += 1) {
        await hub.ask('POST', '/boards/noise/cards', { title: `noise ${n}` })
        await new Promise((resolve) => setTimeout(resolve, 5)) // a pace, not a wait
      }
    }
    const failures: string[] = []
    async function round(n: number) {
      const board = `round-${n}`
      await hub.ask('POST', '/boards', { id: board, name: board })
      await hub.ask('POST', `/boards/${board}/cards`, { title: `before ${n}` })
      const words = ['--url', hub.url, '--settle', '50ms', '--format', 'json', ...optionsFor(n, board)]
      const program = boardcast(['expect', ...words, '--', ...commandFor(n, board)], { HOME: folder }, { cwd: folder })
      const code = await program.ended
      const verdict = JSON.parse(program.stdout().toString() || '{}')
      const [matched] = verdict.expectations?.[0]?.matched ?? []
      const [, made] = await hub.cards(board)
      if (code !== 0 || matched === undefined || made?.title !== `in ${n}`) {
        failures.push(`round ${n}: ${code} ${JSON.stringify(verdict)} ${program.stderr()}`)
      }
    }
    const noise = makeNoise()
    try {
      for (let n = 0; n < ROUNDS; n += AT_ONCE) {
        await Promise.all(Array.from({ length: Math.min(AT_ONCE, ROUNDS - n) }, (_, at) => round(n + at)))
      }
    } finally {
      isOver = true
      await noise
    }
    expect(failures).toEqual([])
  },
  60_000 + ROUNDS * 3_000,
)
