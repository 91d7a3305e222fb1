/** Figures of the service, and how they were. */
import type { Metrics } from '../../../shared/src/types/metrics.ts'
import type { HubCore } from '../core/hub-core.ts'
import { type ResourceStore, resourceStore, type Standing } from './resource.ts'
import { Tail } from './tail.ts'

export interface MetricsValue extends Standing {
  readonly metrics: Metrics | null
  /** Oldest first, the newest included. */
  readonly history: readonly Metrics[]
}

/** Ten minutes, at one every five seconds. */
const HISTORY = 120

export function metricsStore(hub: HubCore): ResourceStore<MetricsValue> {
  return resourceStore<Tail<Metrics>, MetricsValue>(hub, {
    channels: ['metrics'],
    types: ['metric.update'],
    load: async () => ({
      value: new Tail([(await hub.request<Metrics>('GET', '/metrics/snapshot')).body], HISTORY),
    }),
    fold(history, { data }) {
      const next = data as Metrics
      if (next.timestamp > (history.list.at(-1)?.timestamp ?? 0)) history.push(next)
      return undefined
    },
    show: (history, standing) => ({ ...standing, metrics: history?.list.at(-1) ?? null, history: history?.list ?? [] }),
  })
}
