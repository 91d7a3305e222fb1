/** Cuts the sockets of peers that have fallen silent. One timer for all of them. */
import { SILENT_HEARTBEATS } from '../../shared/src/protocol.ts'

export interface Living {
  /** When it last gave a sign of life, by the clock of `performance.now()`. */
  heardAt(now: number): number
  /** It has given none for too long. */
  onSilence(): void
}

export interface Liveness {
  /** Returns the undo, safe to call twice. */
  add(peer: Living): () => void
  stop(): void
}

const CHECKS_PER_HEARTBEAT = 15

export function createLiveness(heartbeatMs: number): Liveness {
  const peers = new Set<Living>()
  const limitMs = heartbeatMs * SILENT_HEARTBEATS
  const timer = setInterval(() => {
    const now = performance.now()
    // A peer that is cut takes itself out, which a Set allows while it is walked.
    for (const peer of peers) if (now - peer.heardAt(now) >= limitMs) peer.onSilence()
  }, heartbeatMs / CHECKS_PER_HEARTBEAT)
  timer.unref()
  return {
    add(peer) {
      peers.add(peer)
      return () => peers.delete(peer)
    },
    stop: () => clearInterval(timer),
  }
}
