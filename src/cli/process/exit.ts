import { constants } from 'node:os'

/** Exit codes of every command; the same number means the same thing everywhere. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  /** The time is up before what was waited for has come. */
  timeUp: 3,
  authentication: 4,
  lost: 5,
  /** What came breaks the schema of its event. */
  invalidEvent: 6,
  gap: 7,
  /** A program that the command ran has failed. */
  programFailed: 8,
  cannotExecute: 126,
  notFound: 127,
} as const

/** Of several reasons for an end, the one that comes first here decides. Signals come after usage. */
const PRECEDENCE: readonly number[] = [
  exitCode.authentication,
  exitCode.gap,
  exitCode.invalidEvent,
  exitCode.lost,
  exitCode.programFailed,
  exitCode.failed,
  exitCode.timeUp,
]

/** The exit code when several reasons apply; 0 if none does. */
export function firstOf(codes: Iterable<number>): number {
  const given = new Set(codes)
  if (given.has(exitCode.usage)) return exitCode.usage
  const signalled = [...given].find((code) => code > 128)
  return signalled ?? PRECEDENCE.find((code) => given.has(code)) ?? exitCode.done
}

/** An expected failure. `message` is a sentence for the user that names the fix. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  readonly exitCode: number

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = code
  }
}

export function usageError(message: string): CommandError {
  return new CommandError(exitCode.usage, message)
}

/** 128+n, as a shell reports a program that a signal ended. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

let isOutputLost = false

/** Data could not be written although somebody waits for it: a command that succeeded otherwise has failed. */
export function noteLostOutput(): void {
  isOutputLost = true
  process.exitCode = exitCode.failed
}

/** Exits after stdout and stderr are flushed; `process.exit` alone would lose what a full pipe has not taken yet. */
export async function exitFlushed(code: number): Promise<never> {
  await allFlushed()
  process.exit(isOutputLost && code === exitCode.done ? exitCode.failed : code)
}

/** As `exitFlushed`, with the code of a program, whatever became of the output. */
export async function exitAsProgram(code: number): Promise<never> {
  await allFlushed()
  process.exit(code)
}

async function allFlushed(): Promise<void> {
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) return resolve()
    stream.once('error', () => resolve()) // the reader is gone, so there is nothing to flush
    stream.write('', () => resolve())
  })
}
