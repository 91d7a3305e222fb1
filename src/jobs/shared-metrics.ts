/**
 * `metric.update` for several nodes: the leader computes it while somebody listens on any of them, and all send the same.
 * It travels as an ephemeral event.
 */
import { METRICS_EVERY_MS, SNAPSHOT } from '../../shared/src/protocol.ts'
import { now } from '../base/clock.ts'
import type { Leader } from '../db/lease.ts'
import { metricsSnapshot } from '../domain/metrics.ts'
import type { Membership } from './membership.ts'

/** Runs every 5 s. Returns a function that stops it. */
export function shareMetrics(
  leader: Leader,
  membership: Pick<Membership, 'wantsMetrics'>,
  onError: (error: unknown) => void,
): () => void {
  const timer = setInterval(() => {
    if (!membership.wantsMetrics) return
    leader
      .transact(async (tx) => {
        const payload = await metricsSnapshot(tx.sql, now())
        tx.publishEphemeral({ event: SNAPSHOT.metricUpdate, channels: ['metrics'], payload })
      })
      .catch(onError)
  }, METRICS_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
