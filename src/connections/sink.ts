/** What a transport provides for each connection, beside the framing that all its connections share. */
import type { EndReason, Sink } from '../sse/delivery/framing.ts'

/**
 * Why the server ends a connection, beside the reasons of its subscription: it could not be opened; the client shows no
 * sign of life; the client sends more messages than it may.
 */
export type CloseReason = EndReason | 'unopened' | 'silent' | 'flooding'

export interface ConnectionSink extends Sink {
  /** Total for this connection, including pending bytes. */
  readonly bytesWritten: number
  /** Sends what is pending, then ends the connection. A protocol with close codes has one for each reason. */
  end(reason: CloseReason): void
  /** Cuts the connection at once. Pending bytes are lost. */
  destroy(): void
  /** Called with each heartbeat, if the protocol has a ping that clients answer. */
  ping?(): void
}

export interface SinkOwner {
  /** The connection was lost: the client closed it, the network failed, or `destroy` cut it. At most once, never after `end`. */
  onClose(): void
}
