/** The commands that work on the database itself. Each reports on stderr what it has done. */
import type { NamedDatabase } from '../../main.ts'
import { CommandError, exitCode, signalExitCode } from '../process/exit.ts'
import { onEndingSignal } from '../process/signals.ts'
import { ProgressLine } from './progress-line.ts'

const DEFAULT_DB = './boardcast.db'

export interface MaintenanceOptions {
  readonly db?: string
  readonly quiet?: boolean
}

/** Copies the database; a server may be using it. */
export async function backup(file: string, { db = DEFAULT_DB, quiet }: MaintenanceOptions): Promise<void> {
  const { backUp } = await import('../../main.ts')
  const bytes = await orCommandError(() => backUp(db, file))
  print(quiet, `copied ${db} to ${file} (${(bytes / 2 ** 20).toFixed(1)} MiB)`)
}

/** Replaces the database with a copy, with a new epoch. */
export async function restore(file: string, { db = DEFAULT_DB, quiet }: MaintenanceOptions): Promise<void> {
  const main = await import('../../main.ts')
  const epoch = await orCommandError(() => main.restore(file, db))
  print(quiet, `restored ${db} from ${file}, with the new epoch ${epoch}`)
}

/** Gives the database a new epoch, which invalidates all earlier cursors. */
export async function newEpoch({ db = DEFAULT_DB, quiet }: MaintenanceOptions): Promise<void> {
  const { renewEpoch } = await import('../../main.ts')
  const epoch = await orCommandError(() => renewEpoch(db))
  print(quiet, `${db} has the new epoch ${epoch}`)
}

export interface EpochOptions {
  readonly new?: boolean
  readonly quiet?: boolean
}

/** Prints the epoch, with `new` after another one has been drawn. */
export async function epoch(database: NamedDatabase, { new: isNew = false, quiet }: EpochOptions): Promise<void> {
  const main = await import('../../main.ts')
  const found = await orRefusal(main, () => (isNew ? main.newEpoch(database) : main.readEpoch(database)))
  if (isNew) print(quiet, `${main.shownDatabase(database)} has a new epoch`)
  process.stdout.write(`${found}\n`)
}

/** Copies a database to another place. Prints the result as one line of JSON on stdout. */
export async function copy(source: string, target: string, { quiet }: MaintenanceOptions): Promise<void> {
  const main = await import('../../main.ts')
  const progress = new ProgressLine(process.stderr)
  const interrupted = new AbortController()
  let exit: number | undefined
  onEndingSignal((signal) => {
    exit ??= signalExitCode(signal)
    interrupted.abort(new CommandError(exit, `stopped by ${signal}; nothing was copied`))
  })
  try {
    const result = await orRefusal(main, () =>
      main.copyDatabase(source, target, {
        onProgress: (counts) => (quiet ? undefined : progress.show(counts)),
        signal: interrupted.signal,
      }),
    )
    progress.clear()
    print(quiet, `copied ${result.events} events and ${result.rows} rows`)
    process.stdout.write(`${JSON.stringify(result)}\n`)
  } finally {
    progress.clear()
  }
}

type Main = typeof import('../../main.ts')

async function orRefusal<T>({ DatabaseRefused }: Main, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof CommandError) throw cause
    const isUsage = cause instanceof DatabaseRefused && cause.isUsage
    throw new CommandError(isUsage ? exitCode.usage : exitCode.failed, messageOf(cause), { cause })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function orCommandError<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new CommandError(exitCode.failed, messageOf(cause), { cause })
  }
}

function print(quiet: boolean | undefined, text: string): void {
  if (!quiet) process.stderr.write(`boardcast: ${text}\n`)
}
