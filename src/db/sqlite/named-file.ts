/** The file that a command names, with errors as sentences that name it. */
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseRefused } from '../copying.ts'
import { findDatabase, InUse } from './database-lock.ts'
import { takeUnused, type UnusedFile } from './unused-file.ts'

export interface NamedFile {
  /** As messages begin: what the command calls the file, and the path that it was given. */
  readonly name: string
  /** Without symbolic links. */
  readonly path: string
  /** `failure` completes the sentence, such as `cannot be read`. */
  refuse(failure: string, error: unknown): DatabaseRefused
}

/** `label`: what the command calls the file, such as SOURCE; '' for nothing. Throws DatabaseRefused. */
export function nameFile(given: string, label: string): NamedFile {
  const name = label === '' ? given : `${label} ${given}`
  function refuse(failure: string, error: unknown): DatabaseRefused {
    if (error instanceof DatabaseRefused) return error
    const why = error instanceof Error ? error.message : String(error)
    return new DatabaseRefused(`${name} ${failure}: ${why.replace(/\.?$/, '.')}`, { cause: error })
  }
  let path: string
  try {
    path = findDatabase(given)
  } catch (error) {
    throw refuse('cannot be used', error)
  }
  if (!existsSync(dirname(path))) {
    throw new DatabaseRefused(`${name} cannot be used: the folder ${dirname(path)} does not exist.`, { isUsage: true })
  }
  return { name, path, refuse }
}

/** Throws DatabaseRefused. */
export function refuseMissing({ name, path }: NamedFile): void {
  if (!existsSync(path)) throw new DatabaseRefused(`${name} does not exist.`, { isUsage: true })
}

/** Keeps servers off the file. Rejects with DatabaseRefused. */
export async function keepServersOff({ name, path, refuse }: NamedFile): Promise<UnusedFile> {
  try {
    return await takeUnused(path)
  } catch (error) {
    if (!(error instanceof InUse)) throw refuse('cannot be used', error)
    throw new DatabaseRefused(`${name} is in use by a Boardcast server, or by another command. Stop it first.`, {
      cause: error,
    })
  }
}

/** Whether both paths name one file, by symbolic links and hard links too. */
export function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false, bigint: true }))
  return one === other || (a !== undefined && a.dev === b?.dev && a.ino === b.ino)
}
