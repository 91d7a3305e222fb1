import { isStartedByNpm } from './process/environment.ts'
import { startFailure } from './process/start-failure.ts'

/** Starts the server. Resolves once it listens; the signal handlers that `main` installs end it. */
export async function serve(): Promise<void> {
  const parent = process.ppid
  const { main } = await import('../main.ts')
  try {
    await main()
  } catch (error) {
    throw await startFailure(error)
  }
  if (isStartedByNpm() && parent > 1) endWithParent(parent)
}

const CHECK_MS = 500

/**
 * Stops the server when npm or its shell dies. npm forwards SIGTERM and SIGINT to the shell that it starts and dies of
 * other signals; either may leave its child behind as an orphan that still holds the port and the database.
 */
function endWithParent(parent: number): void {
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGHUP')
  }, CHECK_MS)
  timer.unref()
}
