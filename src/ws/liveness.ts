/**
 * Cuts the sockets of peers that have fallen silent. One timer for all of them. Silence is measured in the time for which
 * this process has run: while it was stopped, or its machine asleep, nobody could be heard.
 */
import { SILENT_HEARTBEATS } from '../../shared/src/protocol.ts'

export interface Living {
  /** When it last gave a sign of life, by the time of `Liveness.now`. */
  heardAt(now: number): number
  /** It has given none for too long. */
  onSilence(): void
}

export interface Liveness {
  /** Milliseconds for which this process has run. */
  now(): number
  /** Returns the undo, safe to call twice. */
  add(peer: Living): () => void
  stop(): void
}

const CHECKS_PER_HEARTBEAT = 15
/** A check that comes later than this many of its intervals was kept from running: the rest of the wait does not count. */
const LATE_INTERVALS = 3

/** `onPause` is called after a pause of the process, before anything that came meanwhile has been read. */
export function createLiveness(heartbeatMs: number, onPause: () => void = () => {}): Liveness {
  const peers = new Set<Living>()
  const limitMs = heartbeatMs * SILENT_HEARTBEATS
  const intervalMs = heartbeatMs / CHECKS_PER_HEARTBEAT
  const mostMs = intervalMs * LATE_INTERVALS
  let checkedAt = performance.now()
  let ranMs = 0

  function now(): number {
    return ranMs + Math.min(performance.now() - checkedAt, mostMs)
  }

  const timer = setInterval(() => {
    const hasPaused = performance.now() - checkedAt > mostMs
    ranMs = now()
    checkedAt = performance.now()
    if (hasPaused) onPause()
    // A peer that is cut takes itself out, which a Set allows while it is walked.
    for (const peer of peers) if (ranMs - peer.heardAt(ranMs) >= limitMs) peer.onSilence()
  }, intervalMs)
  timer.unref()
  return {
    now,
    add(peer) {
      peers.add(peer)
      return () => peers.delete(peer)
    },
    stop: () => clearInterval(timer),
  }
}
