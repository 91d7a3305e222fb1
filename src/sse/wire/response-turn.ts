import type { ServerResponse } from 'node:http'

/**
 * Resolves when a response has its socket: once the one before it on the connection is finished, or the connection is
 * closed. That happens without pipelining too: an answer with a Content-Length, such as a file of the web app, is whole
 * for the client before it is finished here, and the client may send its next request.
 */
export function responseTurn(outgoing: ServerResponse): Promise<void> {
  // A socket that has closed already says nothing more, and the response behind another one does not know of it.
  if (outgoing.socket || outgoing.destroyed || outgoing.req.socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const { assignSocket } = outgoing
    outgoing.assignSocket = (socket) => {
      assignSocket.call(outgoing, socket)
      resolve()
    }
    outgoing.req.socket.once('close', () => resolve())
  })
}
