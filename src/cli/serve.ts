import { CommandError, exitCode } from './exit.ts'

/** Runs the server until a signal ends it; `main` installs the handlers, so returning only means "listening". */
export async function serve(): Promise<void> {
  const { ConfigError, main } = await import('../main.ts')
  try {
    await main()
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandError(exitCode.usage, error.message, { cause: error })
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new CommandError(
        exitCode.failed,
        `${error.message}. Stop what is listening there, or choose another port with --port or PORT.`,
        { cause: error },
      )
    }
    throw error
  }
}
