/** The server, and the commands that work on its database. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { NamedDatabase } from '../../main.ts'
import { readEnvironment } from '../process/environment.ts'
import { CommandError, exitCode } from '../process/exit.ts'
import type { EpochOptions, MaintenanceOptions } from '../server/maintenance.ts'
import { quietOption, subcommand } from './options.ts'

const DEFAULT_DB = './boardcast.db'

interface ServeOptions {
  readonly databaseUrl?: string
  readonly open?: boolean
  readonly quiet?: boolean
  readonly port?: string
  readonly host?: string
  readonly db?: string
}

export function addServe(boardcast: Command): void {
  subcommand(boardcast, 'serve', ['boardcast serve', 'boardcast serve --port 8080 --db /var/lib/boardcast/board.db'])
    .description('start the server; SIGTERM or Ctrl-C stops it')
    .usage('[--port N] [--host A] [--db FILE | --database-url URL] [--open] [options]')
    .option('--port <number>', 'port to listen on; 0 picks a free one (PORT, default 3000)', port)
    .option('--host <address>', 'address to listen on, or unix:/path of a socket (HOST, default 127.0.0.1)')
    .addOption(databaseOption())
    .addOption(databaseUrlOption())
    .option('--open', 'open the page in a browser, signed in, and print the link')
    .option('-q, --quiet', 'only errors on stderr (LOG_LEVEL, default info)')
    .addHelpText('after', '\nThe other settings are environment variables: see docs/operations.md.')
    .action(async (options: ServeOptions) => {
      const { applyServerSettings } = await import('../process/environment.ts')
      applyServerSettings({
        port: options.port,
        host: options.host,
        dbPath: options.db,
        databaseUrl: options.databaseUrl,
        logLevel: options.quiet ? 'error' : undefined,
      })
      const { serve } = await import('../server/serve.ts')
      await serve(options)
    })
}

export function addMaintenance(boardcast: Command): void {
  subcommand(boardcast, 'backup', ['boardcast backup board-copy.db', 'boardcast backup copy.db --db /var/lib/board.db'])
    .description('copy the database to a new file; the server may be running')
    .usage('FILE [--db FILE] [options]')
    .argument('<file>', 'the copy to write; it must not exist yet')
    .addOption(databaseOption())
    .addOption(quietOption())
    .action(async (file: string, options: MaintenanceOptions) => {
      const { backup } = await import('../server/maintenance.ts')
      await backup(file, withDatabase(options, 'use pg_dump, or "boardcast copy"'))
    })

  subcommand(boardcast, 'restore', ['boardcast restore board-copy.db', 'boardcast restore copy.db --db board.db'])
    .description('replace the database with a copy and start a new epoch; stop the server first')
    .usage('FILE [--db FILE] [options]')
    .argument('<file>', 'the copy to restore')
    .addOption(databaseOption())
    .addOption(quietOption())
    .action(async (file: string, options: MaintenanceOptions) => {
      const { restore } = await import('../server/maintenance.ts')
      await restore(file, withDatabase(options, 'use pg_restore, or "boardcast copy"'))
    })

  subcommand(boardcast, 'copy', [
    'boardcast copy boardcast.db postgres://user:password@localhost:5432/boardcast',
    'boardcast copy "$BOARDCAST_DATABASE_URL" boardcast.db',
  ])
    .description('copy a database to another place, such as from a file to PostgreSQL; stop the servers first')
    .usage('SOURCE TARGET [options]')
    .argument('<source>', 'a database file, or the URL of a database of PostgreSQL')
    .argument('<target>', 'the same; it must be empty, or a file that does not exist')
    .addOption(quietOption())
    .action(async (source: string, target: string, options: MaintenanceOptions) => {
      const { copy } = await import('../server/maintenance.ts')
      await copy(source, target, options)
    })

  subcommand(boardcast, 'epoch', ['boardcast epoch', 'boardcast epoch --new --db board.db'])
    .description('print the epoch of a database, or start a new one')
    .usage('[--new] [--db FILE | --database-url URL] [options]')
    .option(
      '--new',
      'start a new epoch, which invalidates the cursors of all clients; with a file, stop the server first',
    )
    .addOption(databaseOption())
    .addOption(databaseUrlOption().conflicts('db'))
    .addOption(quietOption())
    .action(async ({ db, databaseUrl, ...options }: EpochOptions & MaintenanceOptions & { databaseUrl?: string }) => {
      const { epoch } = await import('../server/maintenance.ts')
      await epoch(namedDatabase(db, databaseUrl), options)
    })

  subcommand(boardcast, 'new-epoch', ['boardcast new-epoch', 'boardcast new-epoch --db board.db'])
    .description('start a new epoch, which invalidates the cursors of all clients; stop the server first')
    .usage('[--db FILE] [options]')
    .addOption(databaseOption())
    .addOption(quietOption())
    .action(async (options: MaintenanceOptions) => {
      const { newEpoch } = await import('../server/maintenance.ts')
      await newEpoch(withDatabase(options, 'use "boardcast epoch --new"'))
    })
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

/** Of a command for files. With a database of PostgreSQL in the environment, the file is hardly the one that is meant. */
function withDatabase({ db, ...options }: MaintenanceOptions, instead: string): MaintenanceOptions {
  const { databaseUrl, dbPath } = readEnvironment()
  if (db === undefined && databaseUrl !== undefined) {
    throw new CommandError(
      exitCode.usage,
      `this command is for files, and BOARDCAST_DATABASE_URL is set: ${instead}; or name a file with --db`,
    )
  }
  const path = db ?? dbPath
  return path === undefined ? options : { ...options, db: path }
}

function port(text: string): string {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError('Expected a number from 0 to 65535.')
  }
  return text
}
