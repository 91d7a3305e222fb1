/** The id of the last event that was dealt with, kept over restarts. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { parseCursor } from '../../../shared/src/cursor.ts'
import { CommandError, exitCode, usageError } from '../process/exit.ts'

export interface CursorFile {
  /** What the file held at the start; undefined if there was none. */
  readonly cursor: string | undefined
  /** Replaces the file, so that it holds an id whenever the process ends. Throws a CommandError. */
  store(cursor: string): void
}

/** Throws a usage error for a file that holds something else. */
export function openCursorFile(path: string): CursorFile {
  const text = contentsOf(path)?.trim()
  if (text && parseCursor(text) === null) {
    throw usageError(`--cursor-file ${path} does not hold an id. Name another file, or remove it to begin anew.`)
  }
  return {
    cursor: text || undefined,
    store(cursor) {
      const next = `${path}.next`
      try {
        writeFileSync(next, `${cursor}\n`)
        renameSync(next, path)
      } catch (error) {
        throw new CommandError(exitCode.failed, `--cursor-file ${path} cannot be written (${codeOf(error)}).`)
      }
    },
  }
}

function contentsOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw usageError(`--cursor-file ${path} cannot be read (${codeOf(error)}).`)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
}
