/**
 * Node hands a connection over for an upgrade as soon as it has read the request, though requests before it on the
 * connection (pipelining) may not have been answered. What they are owed would be written into whatever comes next.
 */
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Calls back when nothing is owed on the connection any more; at once nearly always, never when it is gone by then. */
export function afterEarlierAnswers(socket: Duplex, then: () => void): void {
  // Not Node's public interface: the answer that has the socket. Those behind it get the socket one after the other.
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
