import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import type { MaintenanceOptions } from './maintenance.ts'
import { readEnvironment } from './process/environment.ts'
import { CommandError, exitCode, leave } from './process/exit.ts'

// Every command file is imported when its command is run and not before: `boardcast run` must start quickly and must
// never load the server or SQLite.

interface ServerOption {
  readonly url?: string
  readonly token?: string
}

interface ServeOptions {
  readonly port?: string
  readonly host?: string
  readonly db?: string
}

interface RunOptions extends ServerOption {
  readonly card?: string
  readonly board?: string
  readonly title?: string
  readonly agent?: string
  readonly quiet?: boolean
}

interface DemoOptions extends ServerOption {
  readonly board: string
  readonly speed: number
  readonly seed: number
  readonly once?: boolean
}

/** Slower than this, a pause of seconds would be longer than a timer can be (24 days). */
const leastFactor = 0.001

await start(process.argv)

async function start(argv: readonly string[]): Promise<void> {
  // A reader that went away (`| head`) is no failure of ours; whoever must react to it listens as well.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    await program().parseAsync(argv)
  } catch (error) {
    await leave(report(error))
  }
}

function program(): Command {
  const boardcast = new Command('boardcast')
    .description('An event hub for boards that software agents work on.')
    .version(packageJson.version)
    .enablePositionalOptions()
    .showHelpAfterError('(boardcast --help lists the commands)')
    .exitOverride()

  subcommand(boardcast, 'serve')
    .description('the server')
    .option('--port <number>', 'where to listen, 0 picks a free port (PORT, 3000)', port)
    .option('--host <address>', 'the address to listen on (HOST, 127.0.0.1)')
    .addOption(databaseOption())
    .action(async (options: ServeOptions) => {
      const { applyServerSettings } = await import('./process/environment.ts')
      applyServerSettings({ port: options.port, host: options.host, dbPath: options.db })
      const { serve } = await import('./serve.ts')
      await serve()
    })

  subcommand(boardcast, 'backup')
    .description('copies the database into a new file, also while the server runs')
    .argument('<file>', 'the copy; it must not be there yet')
    .addOption(databaseOption())
    .action(async (file: string, options: MaintenanceOptions) => {
      const { backup } = await import('./maintenance.ts')
      await backup(file, withDatabase(options))
    })

  subcommand(boardcast, 'restore')
    .description('puts a copy in the place of the database, with a new epoch; stop the server first')
    .argument('<file>', 'the copy')
    .addOption(databaseOption())
    .action(async (file: string, options: MaintenanceOptions) => {
      const { restore } = await import('./maintenance.ts')
      await restore(file, withDatabase(options))
    })

  subcommand(boardcast, 'new-epoch')
    .description('makes the cursors of all clients void; stop the server first')
    .addOption(databaseOption())
    .action(async (options: MaintenanceOptions) => {
      const { newEpoch } = await import('./maintenance.ts')
      await newEpoch(withDatabase(options))
    })

  subcommand(boardcast, 'run')
    .description('runs CMD as an attempt: its output is the log, its exit code the status')
    .usage('(--card ID | --board ID --title T) [options] -- CMD...')
    .argument('[cmd...]', 'the program and its arguments, as they are: no shell reads them')
    .option('--card <id>', 'the card to work on')
    .addOption(
      new Option('--board <id>', 'make a new card on this board (and the board, if need be)').conflicts('card'),
    )
    .option('--title <text>', 'the title of the new card')
    .option('--agent <name>', 'who works (the name you are logged in with)')
    .option('-q, --quiet', 'no talk on stderr')
    .addOption(urlOption())
    .addOption(tokenOption())
    .passThroughOptions()
    .action(async (cmd: string[], options: RunOptions, command: Command) => {
      const target = targetOf(options, command)
      if (cmd.length === 0) command.error('error: say what to run: put the program after --, as in -- npm test')
      const { run } = await import('./run/run.ts')
      await leave(await run({ ...options, target, cmd }))
    })

  subcommand(boardcast, 'demo')
    .description('a lively board to look at; starts a server of its own when none is there')
    .option('--board <id>', 'the board to play on', 'demo')
    .option('--speed <factor>', 'how many times faster than life', factor, 1)
    .option('--seed <number>', 'the same seed plays the same stories', wholeNumber, 1)
    .option('--once', 'one round, then exit 0')
    .addOption(urlOption())
    .addOption(tokenOption())
    .action(async (options: DemoOptions) => {
      const { demo } = await import('./demo/demo.ts')
      await leave(await demo(options))
    })

  return boardcast
}

function subcommand(parent: Command, name: string): Command {
  return parent.command(name).showHelpAfterError(`(boardcast ${name} --help lists what it takes)`)
}

function urlOption(): Option {
  return new Option('--url <url>', 'the server (BOARDCAST_URL, http://127.0.0.1:3000)')
}

function databaseOption(): Option {
  return new Option('--db <file>', 'the database (BOARDCAST_DB, ./boardcast.db)')
}

function withDatabase({ db }: MaintenanceOptions): MaintenanceOptions {
  const path = db ?? readEnvironment().dbPath
  return path === undefined ? {} : { db: path }
}

function tokenOption(): Option {
  return new Option('--token <token>', 'the credential (BOARDCAST_TOKEN)')
}

function targetOf(options: RunOptions, command: Command) {
  if (options.card !== undefined) return { cardId: options.card } as const
  if (options.board === undefined) {
    return command.error('error: say what to work on: --card ID, or --board ID --title T for a new card')
  }
  if (options.title === undefined) {
    return command.error(
      `error: a new card needs a title: add --title T (or name a card of ${options.board} with --card)`,
    )
  }
  return { boardId: options.board, title: options.title } as const
}

function port(text: string): string {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('Expected a number from 0 to 65535.')
  }
  return text
}

function factor(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value < leastFactor) {
    throw new InvalidArgumentError(`Expected a number from ${leastFactor} up, such as 2.`)
  }
  return value
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number, such as 42.')
  return Number(text)
}

/** Says what went wrong, where nobody has said it yet, and answers the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage // already said
  if (error instanceof CommandError) {
    process.stderr.write(`boardcast: ${error.message}\n`)
    return error.exitCode
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`boardcast: unexpected failure, please report it: ${text}\n`)
  return exitCode.failed
}
