/**
 * Connections without a request so far: browsers and proxies open some in advance. Node does not count them as idle, so
 * a shutdown would wait for them.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** Watches the connections of a server. The function returned ends those that are unused. */
export function watchUnused(server: Server): () => void {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    // A connection whose upgrade is ignored is emitted a second time.
    if (open.has(socket)) return
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return () => {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy()
  }
}
