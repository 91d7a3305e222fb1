import { CommandError, exitCode } from './exit.ts'

/** Turns a known reason why a server did not start into a `CommandError`; returns any other error unchanged. */
export async function startFailure(error: unknown): Promise<unknown> {
  const { ConfigError, StartError } = await import('../../main.ts')
  if (error instanceof ConfigError) return new CommandError(exitCode.usage, error.message, { cause: error })
  if (error instanceof StartError) return new CommandError(exitCode.failed, error.message, { cause: error })
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return new CommandError(
      exitCode.failed,
      `${error.message}. Stop what is listening there, or choose another ${'port' in error ? 'port with --port or PORT' : 'path with --host or HOST'}.`,
      { cause: error },
    )
  }
  return error
}
