/** `boardcast record`: events into a file, for as long as a program runs, or as `tail` would print them. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { createApi, endlessPatience } from '../api/api.ts'
import { CommandError, exitCode, firstOf, usageError } from '../process/exit.ts'
import { onInterrupt } from '../process/interrupt.ts'
import { talk as talkOf } from '../process/output.ts'
import { type Program, startProgram } from '../process/program.ts'
import { newestId } from '../stream/log-pages.ts'
import { follow } from './follow.ts'
import { selectionOf } from './selection.ts'
import { parseSince, resolveSince } from './since.ts'
import type { TailOptions } from './tail.ts'

export interface RecordOptions extends Omit<TailOptions, 'format' | 'cursorFile' | 'exec' | 'forwardTo'> {
  readonly file: string
  readonly cmd: readonly string[]
}

/** Resolves to the exit code. */
export async function record(options: RecordOptions): Promise<number> {
  const talk = talkOf(options)
  const selection = selectionOf(options)
  const since = parseSince(options.since)
  const api = createApi(options)
  for (const warning of selection.warnings) talk.info(warning)
  let program: Program | undefined
  let failure: string | undefined
  const interrupt = onInterrupt(() => program?.kill())
  /** Ends the program: a signal, or an end of the recording other than the program's. */
  const over = new AbortController()
  const stop = interrupt.signal
  stop.addEventListener('abort', () => over.abort(), { once: true })

  const file = openFile(options.file)
  let count = 0
  let code: number
  try {
    const newest = options.follow || options.cmd.length > 0 ? undefined : await newestId(api, { signal: stop })
    const begin = await resolveSince(api, selection, since, stop)
    code = await follow({
      ...{ api, selection, talk, stop, since: begin, limit: options.n, timeout: options.timeout },
      ...{ strict: options.strict, transport: options.transport, waitServer: options.waitServer },
      opened() {
        if (options.cmd.length > 0) return runToItsEnd()
        return newest === undefined ? undefined : Promise.resolve(newest)
      },
      async take({ text }) {
        append(file, `${text}\n`, options.file)
        count += 1
        return undefined
      },
    })
  } catch (error) {
    if (!stop.aborted) throw error
    code = exitCode.done
  } finally {
    over.abort()
    await program?.ended
    closeSync(file)
  }
  talk.info(`recorded ${count} ${count === 1 ? 'event' : 'events'} in ${options.file}`)
  if (failure !== undefined) talk.warn(`${options.cmd[0]}: ${failure}`)
  return firstOf([code, failure === undefined ? exitCode.done : exitCode.programFailed, interrupt.exitCode() ?? 0])

  /** Resolves to the id that is newest when the program has ended. */
  async function runToItsEnd(): Promise<string> {
    program = startProgram(options.cmd, { signal: over.signal })
    const ending = await program.ended
    if (!over.signal.aborted) failure = ending
    return newestId(api, { signal: stop, patience: endlessPatience })
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'w')
  } catch (error) {
    throw usageError(`${path} cannot be written (${codeOf(error)}). Name another file.`)
  }
}

/** Whole lines, so that the file can be used however the command ends. */
function append(file: number, line: string, path: string): void {
  const bytes = Buffer.from(line)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
  } catch (error) {
    throw new CommandError(exitCode.failed, `${path} cannot be written (${codeOf(error)}).`)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
}
