/**
 * Connections that have not asked for anything yet: browsers and proxies open some in advance. Node does not count them
 * among those that are idle, so a server that goes down would wait for them.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Watches from now on; the answer ends those there are. */
export function watchUnused(server: Server): () => void {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    // A connection whose upgrade is passed over comes again.
    if (open.has(socket)) return
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
  }
}
