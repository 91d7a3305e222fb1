import { readFileSync } from 'node:fs'
import { type ClientRequest, get } from 'node:http'
import { type Boardcast, startBoardcast } from '../boardcast.ts'
import type { Bench, Case, Load, Readings } from '../load.ts'
import { ratio, using } from '../load.ts'

const EVERY_MS = 100
/** Ticks of /proc are a hundredth of a second. */
const TICK_MS = 10
/** Begins a snapshot on a board's stream, and stands nowhere else: JSON has no bare line break. */
const STATE = Buffer.from('event: state\n')

const READ_WHOLE = 'read whole, by GET'
const ONE_LISTENER = 'a card moved, 1 listener'

/** What a large board costs that is watched in its full view while cards are moved. */
export const fullView: Load = {
  name: 'full-view',
  title: 'A large board in its full view',
  sentence:
    "A board of 2,000 cards, of which one is moved every 100 ms; each listener gets the whole board after every move. The server's processor time for each move, its POST included. In the last row nothing is moved, and the whole board is rendered for each of as many GETs.",
  figures: [
    { name: 'cpuMs', title: 'CPU per move', unit: 'ms', better: 'less' },
    { name: 'kib', title: 'state', unit: 'KiB', better: 'less' },
  ],
  budgets: [
    {
      promise: 'a moved card of 2,000 in the full view at most 1/3 of a whole rendering',
      judge(median) {
        const is = ratio(median('boardcast', ONE_LISTENER, 'cpuMs'), median('boardcast', READ_WHOLE, 'cpuMs'))
        return is === undefined ? undefined : { measured: `1/${(1 / is).toFixed(1)}`, kept: is <= 1 / 3 }
      },
    },
  ],
  cases: (bench) =>
    bench.sides.some(({ name }) => name === 'boardcast')
      ? [
          caseOf(bench, 'a card moved, nobody listens', (board, moves) => moveCards(board, moves, 0)),
          caseOf(bench, ONE_LISTENER, (board, moves) => moveCards(board, moves, 1)),
          caseOf(bench, 'a card moved, 10 listeners', (board, moves) => moveCards(board, moves, 10)),
          caseOf(bench, READ_WHOLE, readWhole),
        ]
      : [],
}

interface LargeBoard {
  readonly server: Boardcast
  readonly id: string
  readonly cardIds: readonly string[]
}

function caseOf(bench: Bench, variant: string, measure: (board: LargeBoard, times: number) => Promise<Readings>): Case {
  const cards = bench.pick({ full: 2_000, quick: 2_000, tiny: 20 })
  const times = bench.pick({ full: 60, quick: 20, tiny: 3 })
  return {
    side: 'boardcast',
    variant,
    measure: () =>
      using(startBoardcast(), async (server) => {
        const board = await makeLarge(server, cards)
        // The first are for the compiler.
        await measure(board, Math.ceil(times / 3))
        return measure(board, times)
      }),
  }
}

async function makeLarge(server: Boardcast, cards: number): Promise<LargeBoard> {
  const id = server.boards[0]?.id ?? ''
  const cardIds: string[] = []
  while (cardIds.length < cards) {
    const made = await Promise.all(
      Array.from({ length: Math.min(50, cards - cardIds.length) }, (_, n) =>
        server.post<{ id: string }>(`/boards/${id}/cards`, {
          title: `Retry the upload of part ${cardIds.length + n} when the connection drops`,
          description: 'Seen twice this week: the upload stops half way and nothing says so.',
          columnKey: ['backlog', 'review', 'done'][n % 3],
          labels: ['bug', 'upload'],
          priority: 'high',
        }),
      ),
    )
    cardIds.push(...made.map((card) => card.id))
  }
  return { server, id, cardIds }
}

/** Moves cards at a fixed rate, while so many listeners get the board after each move. */
async function moveCards({ server, id, cardIds }: LargeBoard, moves: number, listeners: number): Promise<Readings> {
  const streams = Array.from({ length: listeners }, () => watch(server, `/sse?boardId=${id}&view=full`))
  for (const { opened } of streams) await opened
  const before = cpuMs(server)
  const began = performance.now()
  for (let n = 0; n < moves; n++) {
    const card = cardIds[(n * 997) % cardIds.length]
    await server.post(`/cards/${card}/move`, { columnKey: n % 2 ? 'backlog' : 'review', index: 0 })
    await until(began + (n + 1) * EVERY_MS)
  }
  const used = cpuMs(server) - before
  for (const { states, request } of streams) {
    request.destroy()
    // What opens the stream, and one for each move; a busy machine may have joined a few.
    if (states() < moves / 2) throw new Error(`a listener got ${states()} states for ${moves} moves`)
  }
  return { cpuMs: used / moves, kib: (streams[0]?.stateBytes() ?? 0) / 1024 }
}

async function readWhole({ server, id }: LargeBoard, times: number): Promise<Readings> {
  const before = cpuMs(server)
  let bytes = 0
  for (let n = 0; n < times; n++) {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/v1/boards/${id}`)
    bytes = (await response.arrayBuffer()).byteLength
  }
  return { cpuMs: (cpuMs(server) - before) / times, kib: bytes / 1024 }
}

interface Watched {
  readonly request: ClientRequest
  /** When the first state has begun to come. */
  readonly opened: Promise<void>
  states(): number
  /** On average. */
  stateBytes(): number
}

function watch({ port }: Boardcast, path: string): Watched {
  let states = 0
  let bytes = 0
  let open: () => void
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const request = get({ port, host: '127.0.0.1', path }, (response) => {
    let tail: Buffer = Buffer.alloc(0)
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      const text = Buffer.concat([tail, chunk])
      for (let at = text.indexOf(STATE); at >= 0; at = text.indexOf(STATE, at + STATE.length)) states += 1
      tail = text.subarray(Math.max(0, text.length - STATE.length + 1))
      if (states > 0) open()
    })
    response.on('error', () => undefined)
  })
  request.on('error', () => undefined)
  return { request, opened, states: () => states, stateBytes: () => bytes / Math.max(1, states) }
}

/** The processor time that the server has used. */
function cpuMs({ pids }: Boardcast): number {
  return pids.reduce((sum, pid) => {
    // Fields 14 and 15 of the file; the second, a name in parentheses, may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_MS
  }, 0)
}

async function until(at: number): Promise<void> {
  const ms = at - performance.now()
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
}
