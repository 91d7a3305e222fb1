import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import type { NamedDatabase } from '../main.ts'
import type { EpochOptions, MaintenanceOptions } from './maintenance.ts'
import { readEnvironment } from './process/environment.ts'
import { CommandError, exitCode, exitFlushed } from './process/exit.ts'
import type { TokenOptions } from './token.ts'

// Each command's file is imported only when the command runs: `boardcast run` must start quickly and never load the server
// or SQLite.

interface ServerOption {
  readonly url?: string
  readonly token?: string
}

interface ServeOptions {
  readonly databaseUrl?: string
  readonly open?: boolean
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

const DEFAULT_DB = './boardcast.db'

/** At a lower speed, a pause of seconds would exceed the longest timer (24 days). */
const minSpeed = 0.001

await start(process.argv)

async function start(argv: readonly string[]): Promise<void> {
  // A reader that has gone away (`| head`) is not an error here. Code that must react to it has its own listener.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  try {
    await program().parseAsync(argv)
  } catch (error) {
    await exitFlushed(report(error))
  }
}

function program(): Command {
  const boardcast = new Command('boardcast')
    .description('An event hub for boards that software agents work on.')
    .version(packageJson.version)
    .addHelpText(
      'after',
      `
"boardcast COMMAND --help" shows the options of a command. Names in capitals are
environment variables; options take precedence over them.

Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 4 not authorised, 5 no
server. "run" exits with the code of its program: 126 if it cannot be executed,
127 if it is not found, 128 plus the number of the signal that ended it.`,
    )
    .enablePositionalOptions()
    .showHelpAfterError('(see boardcast --help for the commands)')
    .exitOverride()

  subcommand(boardcast, 'serve')
    .description('start the server; SIGTERM or Ctrl-C stops it')
    .option('--port <number>', 'port to listen on; 0 picks a free one (PORT, default 3000)', port)
    .option('--host <address>', 'address to listen on, or unix:/path of a socket (HOST, default 127.0.0.1)')
    .addOption(databaseOption())
    .addOption(databaseUrlOption())
    .option('--open', 'open the page in a browser, signed in, and print the link')
    .addHelpText('after', '\nThe other settings are environment variables: see docs/operations.md.')
    .action(async (options: ServeOptions) => {
      const { applyServerSettings } = await import('./process/environment.ts')
      applyServerSettings({
        port: options.port,
        host: options.host,
        dbPath: options.db,
        databaseUrl: options.databaseUrl,
      })
      const { serve } = await import('./serve.ts')
      await serve(options)
    })

  subcommand(boardcast, 'backup')
    .description('copy the database to a new file; the server may be running')
    .argument('<file>', 'the copy to write; it must not exist yet')
    .addOption(databaseOption())
    .action(async (file: string, options: MaintenanceOptions) => {
      const { backup } = await import('./maintenance.ts')
      await backup(file, withDatabase(options))
    })

  subcommand(boardcast, 'restore')
    .description('replace the database with a copy and start a new epoch; stop the server first')
    .argument('<file>', 'the copy to restore')
    .addOption(databaseOption())
    .action(async (file: string, options: MaintenanceOptions) => {
      const { restore } = await import('./maintenance.ts')
      await restore(file, withDatabase(options))
    })

  subcommand(boardcast, 'copy')
    .description('copy a database to another place, such as from a file to PostgreSQL; stop the servers first')
    .argument('<source>', 'a database file, or the URL of a database of PostgreSQL')
    .argument('<target>', 'the same; it must be empty, or a file that does not exist')
    .addHelpText(
      'after',
      `
Examples:
  boardcast copy boardcast.db postgres://user:password@localhost:5432/boardcast
  boardcast copy "$BOARDCAST_DATABASE_URL" boardcast.db`,
    )
    .action(async (source: string, target: string) => {
      const { copy } = await import('./maintenance.ts')
      await copy(source, target)
    })

  subcommand(boardcast, 'epoch')
    .description('print the epoch of a database, or start a new one')
    .option(
      '--new',
      'start a new epoch, which invalidates the cursors of all clients; with a file, stop the server first',
    )
    .addOption(databaseOption())
    .addOption(databaseUrlOption().conflicts('db'))
    .action(async ({ db, databaseUrl, ...options }: EpochOptions & MaintenanceOptions & { databaseUrl?: string }) => {
      const { epoch } = await import('./maintenance.ts')
      await epoch(namedDatabase(db, databaseUrl), options)
    })

  subcommand(boardcast, 'new-epoch')
    .description('start a new epoch, which invalidates the cursors of all clients; stop the server first')
    .addOption(databaseOption())
    .action(async (options: MaintenanceOptions) => {
      const { newEpoch } = await import('./maintenance.ts')
      await newEpoch(withDatabase(options))
    })

  subcommand(boardcast, 'run')
    .description('run a program as an attempt: its output becomes the log, its exit code the status')
    .usage('(--card ID | --board ID --title T) [options] -- CMD...')
    .argument('[cmd...]', 'the program and its arguments; no shell interprets them')
    .option('--card <id>', 'card to work on')
    .addOption(
      new Option('--board <id>', 'create a card on this board; creates the board if necessary').conflicts('card'),
    )
    .option('--title <text>', 'title of the new card')
    .option('--agent <name>', 'id of the agent that works (default: your login name)')
    .option('-q, --quiet', 'print only errors to stderr')
    .addOption(urlOption())
    .addOption(tokenOption())
    .addHelpText(
      'after',
      `
Examples:
  boardcast run --card crd_123 -- npm test
  boardcast run --board demo --title "Nightly build" -- make all`,
    )
    .passThroughOptions()
    .action(async (cmd: string[], options: RunOptions, command: Command) => {
      const target = targetOf(options, command)
      if (cmd.length === 0) command.error('error: no program to run: put it after --, as in -- npm test')
      const { run } = await import('./run/run.ts')
      await exitFlushed(await run({ ...options, target, cmd }))
    })

  subcommand(boardcast, 'demo')
    .description('show simulated agents at work on a board; starts a server if none is running')
    .option('--board <id>', 'board to use; created if it does not exist', 'demo')
    .option('--speed <factor>', 'speed relative to real time', speedFactor, 1)
    .option('--seed <number>', 'seed of the simulation; the same seed gives the same work', wholeNumber, 1)
    .option('--once', 'exit when all cards are done')
    .addOption(urlOption())
    .addOption(tokenOption())
    .action(async (options: DemoOptions) => {
      const { demo } = await import('./demo/demo.ts')
      await exitFlushed(await demo(options))
    })

  subcommand(boardcast, 'token')
    .description('make a token for a server, or read one')
    .usage('--subscribe P... --publish P... [options] | --read TOKEN')
    .option('--subscribe <pattern...>', 'channels that the holder may listen to, such as board:demo or agent:*')
    .option('--publish <pattern...>', 'channels that the holder may change things on')
    .option('--admin', 'the holder may read the statistics and metrics of the server')
    .option('--sub <name>', 'who the holder is: named as the author of events')
    .option('--agent <id>', 'the holder speaks for this agent only')
    .option('--session <id>', 'the holder speaks for this session only')
    .option('--expires <duration>', 'how long the token is valid', '1h')
    .option('--key <pem>', 'file of a private key to sign with (default: the first secret of BOARDCAST_JWT_SECRET)')
    .addOption(
      new Option('--read <token>', 'print the claims of a token, or of the one on stdin (-)').conflicts([
        ...['subscribe', 'publish', 'admin', 'sub', 'agent', 'session', 'key'],
      ]),
    )
    .addHelpText(
      'after',
      `
Examples:
  boardcast token --sub ann --subscribe '*' --publish board:demo --expires 12h
  printenv BOARDCAST_TOKEN | boardcast token --read -`,
    )
    .action(async (options: TokenOptions) => {
      const { token } = await import('./token.ts')
      await token(options)
    })

  return boardcast
}

function subcommand(parent: Command, name: string): Command {
  return parent.command(name).showHelpAfterError(`(see boardcast ${name} --help for its options)`)
}

function urlOption(): Option {
  return new Option('--url <url>', 'address of the server (BOARDCAST_URL, default http://127.0.0.1:3000)')
}

function databaseOption(): Option {
  return new Option('--db <file>', 'database file (BOARDCAST_DB, default ./boardcast.db)')
}

function databaseUrlOption(): Option {
  return new Option('--database-url <url>', 'database of PostgreSQL in place of the file (BOARDCAST_DATABASE_URL)')
}

/** What `serve` would use; an option takes precedence over both variables. */
function namedDatabase(db: string | undefined, databaseUrl: string | undefined): NamedDatabase {
  if (db !== undefined) return { file: db }
  const environment = readEnvironment()
  const url = databaseUrl ?? environment.databaseUrl
  return url === undefined ? { file: environment.dbPath ?? DEFAULT_DB } : { url }
}

function withDatabase({ db }: MaintenanceOptions): MaintenanceOptions {
  const path = db ?? readEnvironment().dbPath
  return path === undefined ? {} : { db: path }
}

function tokenOption(): Option {
  return new Option('--token <token>', 'access token; @FILE reads it from a file (BOARDCAST_TOKEN)')
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

function port(text: string): string {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('Expected a number from 0 to 65535.')
  }
  return text
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

/** Prints the error, unless commander has already done so, and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage
  if (error instanceof CommandError) {
    process.stderr.write(`boardcast: ${error.message}\n`)
    return error.exitCode
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`boardcast: unexpected failure, please report it: ${text}\n`)
  return exitCode.failed
}
