import { isStartedByNpm } from './process/environment.ts'
import { startFailure } from './process/start-failure.ts'

/** Runs the server until a signal ends it; `main` installs the handlers, so returning only means "listening". */
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

const LOOK_MS = 500

/**
 * npm passes SIGTERM and SIGINT on to the shell that it starts, and dies of other signals. Either may end and leave its
 * child behind: a server that nobody would look for, with the port and the database in its hands.
 */
function endWithParent(parent: number): void {
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGHUP')
  }, LOOK_MS)
  timer.unref()
}
