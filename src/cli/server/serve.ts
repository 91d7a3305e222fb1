import type { RunningServer } from '../../main.ts'
import { openInBrowser } from '../process/browser.ts'
import { isStartedByNpm } from '../process/environment.ts'
import { startFailure } from '../process/start-failure.ts'

/** Starts the server. Resolves once it listens; the signal handlers that `main` installs end it. */
export async function serve({ open = false } = {}): Promise<void> {
  const parent = process.ppid
  const server = await start()
  if (open) await openPage(server)
  if (isStartedByNpm() && parent > 1) endWithParent(parent)
}

async function start(): Promise<RunningServer> {
  const { main } = await import('../../main.ts')
  try {
    return await main()
  } catch (error) {
    throw await startFailure(error)
  }
}

/** Prints a link that signs the browser in, and opens it. Its ticket works once, so it is not a log line. */
async function openPage(server: RunningServer): Promise<void> {
  const link = await server.pageLink()
  if (link === null) {
    process.stderr.write('boardcast: a browser cannot open a Unix socket; --open needs a HOST that is an address.\n')
    return
  }
  process.stdout.write(`boardcast opens ${link}\n`)
  openInBrowser(link)
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
