import type { Metrics } from '../../../shared/src/types/metrics.ts'
import { NO_METRICS } from '../stores/initial.ts'
import '../stores/makers.ts'
import { useConnected } from './connection.ts'
import { type Framework, useStoreOf, useValue } from './framework.ts'

export interface RealtimeMetrics {
  readonly metrics: Metrics | null
  /** The last ten minutes since the page is open, oldest first, the newest included. */
  readonly history: readonly Metrics[]
  readonly connected: boolean
  readonly error: Error | null
}

/** Figures of the service, every five seconds. */
export function useMetrics(fw: Framework): RealtimeMetrics {
  const { metrics, history, error } = useValue(
    fw,
    useStoreOf(fw, (hub) => hub.metrics(), ''),
    NO_METRICS,
  )
  const { connected } = useConnected(fw)
  return { metrics, history, connected, error }
}
