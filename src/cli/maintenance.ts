/** The commands that work on the database itself. Each reports on stderr what it has done. */
import { CommandError, exitCode } from './process/exit.ts'

const DEFAULT_DB = './boardcast.db'

export interface MaintenanceOptions {
  readonly db?: string
}

/** Copies the database; a server may be using it. */
export async function backup(file: string, { db = DEFAULT_DB }: MaintenanceOptions): Promise<void> {
  const { backUp } = await import('../main.ts')
  const bytes = await orCommandError(() => backUp(db, file))
  print(`copied ${db} to ${file} (${(bytes / 2 ** 20).toFixed(1)} MiB)`)
}

/** Replaces the database with a copy, with a new epoch. */
export async function restore(file: string, { db = DEFAULT_DB }: MaintenanceOptions): Promise<void> {
  const main = await import('../main.ts')
  const epoch = await orCommandError(() => main.restore(file, db))
  print(`restored ${db} from ${file}, with the new epoch ${epoch}`)
}

/** Gives the database a new epoch, which invalidates all earlier cursors. */
export async function newEpoch({ db = DEFAULT_DB }: MaintenanceOptions): Promise<void> {
  const { renewEpoch } = await import('../main.ts')
  print(`${db} has the new epoch ${await orCommandError(() => renewEpoch(db))}`)
}

async function orCommandError<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new CommandError(exitCode.failed, cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function print(text: string): void {
  process.stderr.write(`boardcast: ${text}\n`)
}
