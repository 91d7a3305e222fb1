import { constants } from 'node:os'

/** Exit codes of every command; the same number means the same thing everywhere. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  authentication: 4,
  lost: 5,
  cannotExecute: 126,
  notFound: 127,
} as const

/** An expected failure. `message` is a sentence for the user that names the fix. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  readonly exitCode: number

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = code
  }
}

/** 128+n, as a shell reports a program that a signal ended. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** Exits after stdout and stderr are flushed; `process.exit` alone would lose what a full pipe has not taken yet. */
export async function exitFlushed(code: number): Promise<never> {
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit(code)
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) return resolve()
    stream.once('error', () => resolve()) // the reader is gone, so there is nothing to flush
    stream.write('', () => resolve())
  })
}
