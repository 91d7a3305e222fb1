/**
 * Node hands a connection over for an upgrade as soon as it has read the request, even if earlier requests on the
 * connection (pipelining) have not been answered. Their responses would be written into whatever follows.
 */
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Calls back when all earlier requests are answered: nearly always at once, never if the connection is lost by then. */
export function afterEarlierAnswers(socket: Duplex, then: () => void): void {
  // Not a public interface of Node: the response that has the socket. Those behind it get the socket one after the other.
  const { _httpMessage: answer } = socket as Duplex & { readonly _httpMessage?: ServerResponse | null }
  if (!answer || answer.writableFinished) then()
  else {
    answer.once('close', () => {
      setImmediate(() => {
        if (!socket.destroyed) afterEarlierAnswers(socket, then)
      })
    })
  }
}
