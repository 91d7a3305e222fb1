/** Listens on a Unix socket. Whoever may write its file may connect; a stale file of an earlier server is replaced. */
import { chmodSync, existsSync, lstatSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { ConfigError } from '../base/config.ts'

interface SocketFile {
  readonly path: string
  readonly mode: number
  readonly backlog: number
}

/** Rejects with a ConfigError for a path that cannot be used, and with EADDRINUSE if a server answers there. */
export async function listenOnSocket(server: Server, { path, mode, backlog }: SocketFile): Promise<void> {
  // Binding would report that as a missing permission.
  if (!existsSync(dirname(path))) {
    throw new ConfigError(
      `HOST=unix:${path} cannot be listened on: the folder ${dirname(path)} does not exist. Make it, or choose another path.`,
    )
  }
  try {
    if (await isStale(path)) unlinkSync(path)
    await bound(server, { path, mode, backlog })
    // The umask can only take permissions away.
    chmodSync(path, mode)
  } catch (error) {
    throw socketFault(path, error) ?? error
  }
}

/** Node binds before `listen` returns, so that the file never has more permissions than `mode`. */
function bound(server: Server, { path, mode, backlog }: SocketFile): Promise<void> {
  const umask = process.umask(0o777 & ~mode)
  try {
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ path, backlog }, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } finally {
    process.umask(umask)
  }
}

/** Whether there is a socket on which nobody listens. */
async function isStale(path: string): Promise<boolean> {
  const file = lstatSync(path, { throwIfNoEntry: false })
  if (!file) return false
  if (!file.isSocket()) {
    throw new ConfigError(`HOST=unix:${path} is a file that is not a socket. Choose another path, or remove it.`)
  }
  const code = await connectionFault(path)
  if (code === undefined) {
    throw Object.assign(new Error(`EADDRINUSE: another server listens on unix:${path}`), { code: 'EADDRINUSE' })
  }
  return code === 'ECONNREFUSED'
}

/** The code of the error on connecting; undefined: somebody answers. */
function connectionFault(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'))
  })
}

function socketFault(path: string, error: unknown): ConfigError | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code)) return undefined
  return new ConfigError(
    `HOST=unix:${path} cannot be listened on: the user of this process may not create or replace it. Allow that in ${dirname(path)}, or choose another path.`,
    { cause: error },
  )
}
