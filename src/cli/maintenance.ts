/** The commands that work on the database itself. Each says on stderr what it did. */
import { CommandError, exitCode } from './process/exit.ts'

const DEFAULT_DB = './boardcast.db'

export interface MaintenanceOptions {
  readonly db?: string
}

/** Copies the database, while a server uses it or not. */
export async function backup(file: string, { db = DEFAULT_DB }: MaintenanceOptions): Promise<void> {
  const { backUp } = await import('../main.ts')
  const bytes = await orSay(() => backUp(db, file))
  say(`${db} is copied to ${file} (${(bytes / 2 ** 20).toFixed(1)} MiB)`)
}

/** Puts a copy in the place of the database. */
export async function restore(file: string, { db = DEFAULT_DB }: MaintenanceOptions): Promise<void> {
  const main = await import('../main.ts')
  const epoch = await orSay(() => main.restore(file, db))
  say(`${db} is what ${file} holds, with the new epoch ${epoch}`)
}

/** Makes every cursor of before void. */
export async function newEpoch({ db = DEFAULT_DB }: MaintenanceOptions): Promise<void> {
  const { renewEpoch } = await import('../main.ts')
  say(`${db} has the new epoch ${await orSay(() => renewEpoch(db))}`)
}

async function orSay<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new CommandError(exitCode.failed, cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

function say(text: string): void {
  process.stderr.write(`boardcast: ${text}\n`)
}
