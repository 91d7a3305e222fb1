/**
 * The connections of the server. Browsers and proxies open some in advance, without a request so far. Node does not count
 * those as idle, so a shutdown would wait for them.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface OpenConnections {
  readonly all: ReadonlySet<Socket>
  /** Ends those without a request so far. */
  endUnused(): void
}

export function watchConnections(server: Server): OpenConnections {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    // A connection whose upgrade is ignored is emitted a second time.
    if (open.has(socket)) return
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return {
    all: open,
    endUnused() {
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
    },
  }
}
