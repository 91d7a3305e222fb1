/** The commands that put work on a board: `run` and `demo`. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ApiOptions } from '../api/api.ts'
import { exitAsProgram, exitFlushed } from '../process/exit.ts'
import type { OutputOptions } from '../process/output.ts'
import { addOutputOptions, addServerOptions, quietOption, subcommand } from './options.ts'

interface RunOptions extends ApiOptions {
  readonly card?: string
  readonly board?: string
  readonly title?: string
  readonly agent?: string
  readonly quiet?: boolean
}

interface DemoOptions extends ApiOptions, OutputOptions {
  readonly board: string
  readonly speed: number
  readonly seed: number
  readonly once?: boolean
}

/** At a lower speed, a pause of seconds would exceed the longest timer (24 days). */
const minSpeed = 0.001

export function addRun(boardcast: Command): void {
  const command = subcommand(boardcast, 'run', [
    'boardcast run --card crd_123 -- npm test',
    'boardcast run --board demo --title "Nightly build" -- make all',
  ])
    .description('run a program as an attempt: its output becomes the log, its exit code the status')
    .usage('(--card ID | --board ID --title T) [options] -- CMD...')
    .argument('[cmd...]', 'the program and its arguments; no shell interprets them')
    .option('--card <id>', 'card to work on')
    .addOption(
      new Option('--board <id>', 'create a card on this board; creates the board if necessary').conflicts('card'),
    )
    .option('--title <text>', 'title of the new card')
    .option('--agent <name>', 'id of the agent that works (default: your login name)')
    .addOption(quietOption())
  addServerOptions(command)
    .passThroughOptions()
    .action(async (cmd: string[], options: RunOptions, command: Command) => {
      const target = targetOf(options, command)
      if (cmd.length === 0) command.error('error: no program to run: put it after --, as in -- npm test')
      const { run } = await import('../run/run.ts')
      await exitAsProgram(await run({ ...options, target, cmd }))
    })
}

export function addDemo(boardcast: Command): void {
  const command = subcommand(boardcast, 'demo', ['boardcast demo', 'boardcast demo --board demo --speed 4 --once'])
    .description('show simulated agents at work on a board; starts a server if none is running')
    .usage('[--board ID] [--speed N] [--seed N] [--once] [options]')
    .option('--board <id>', 'board to use; created if it does not exist', 'demo')
    .option('--speed <factor>', 'speed relative to real time', speedFactor, 1)
    .option('--seed <number>', 'seed of the simulation; the same seed gives the same work', wholeNumber, 1)
    .option('--once', 'exit when all cards are done')
  addServerOptions(addOutputOptions(command)).action(async (options: DemoOptions) => {
    const { demo } = await import('../demo/demo.ts')
    await exitFlushed(await demo(options))
  })
}

function targetOf(options: RunOptions, command: Command) {
  if (options.card !== undefined) return { cardId: options.card } as const
  if (options.board === undefined) {
    return command.error('error: no card to work on: use --card ID, or --board ID --title T for a new card')
  }
  if (options.title === undefined) {
    return command.error(
      `error: a new card needs a title: add --title T (or name a card of ${options.board} with --card)`,
    )
  }
  return { boardId: options.board, title: options.title } as const
}

function speedFactor(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value < minSpeed) {
    throw new InvalidArgumentError(`Expected a number of at least ${minSpeed}, such as 2.`)
  }
  return value
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number, such as 42.')
  return Number(text)
}
