import { boardcast } from './program.ts'
import type { startHub } from './server.ts'

let boards = 0

/** A run on a new board of this server, with what the board shows of it. */
export function runOnNewBoard(
  hub: Awaited<ReturnType<typeof startHub>>,
  cmd: readonly string[],
  { url = hub.url, options = [] as readonly string[], env = {} as Readonly<Record<string, string>> } = {},
) {
  boards += 1
  const board = `run-${boards}`
  const words = ['run', '--url', url, '--board', board, '--title', 'the title', ...options, '--', ...cmd]
  const program = boardcast(words, env)
  const card = async () => {
    const [only] = await hub.cards(board)
    if (only?.attempt === undefined || only.attempt === null) throw new Error(`${board} has no attempt yet`)
    return { ...only, attempt: only.attempt }
  }
  const attempt = async () => hub.attempt((await card()).attempt.id)
  const log = async () => hub.log((await card()).attempt.id)
  return { board, program, card, attempt, log }
}
