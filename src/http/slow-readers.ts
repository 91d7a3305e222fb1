/**
 * Clients that do not read the answer that they asked for. It waits in memory for them, so a connection of which nothing was
 * taken for too long is ended. Streams have limits of their own (stall-cutter.ts), and so do sockets.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { HEADER } from '../../shared/src/protocol.ts'
import type { OpenConnections } from './open-connections.ts'

interface Stall {
  /** Changes when the client takes something. */
  readonly mark: string
  readonly since: number
}

/** Looks at the connections every `everyMs`. The function returned stops that. */
export function cutSlowReaders({ all }: OpenConnections, limitMs: number, everyMs: number): () => void {
  const stalls = new WeakMap<Socket, Stall>()

  function look(): void {
    const now = performance.now()
    for (const socket of all) {
      if (socket.writableLength === 0) continue
      // A long answer is one write, of which the part that the kernel has taken shows in the handle's queue only.
      const mark = `${socket.bytesWritten} ${socket.writableLength} ${queueOf(socket)}`
      const stall = stalls.get(socket)
      if (stall?.mark !== mark) stalls.set(socket, { mark, since: now })
      else if (now - stall.since >= limitMs && isAnswer(socket)) socket.destroy()
    }
  }
  const timer = setInterval(look, everyMs).unref()
  return () => clearInterval(timer)
}

/** Not a stream, whose head is written without setting headers before. */
function isAnswer(socket: Socket): boolean {
  // Not a public interface of Node: the response that has the socket.
  const { _httpMessage: answer } = socket as Socket & { readonly _httpMessage?: ServerResponse | null }
  return answer?.hasHeader(HEADER.requestId) === true
}

/** What libuv holds of the writes that have begun. Not a public interface of Node. */
function queueOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null }
  return handle?.writeQueueSize
}
