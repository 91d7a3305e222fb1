/** Stores whose events are whole snapshots: the dashboard, and the metrics of the service. */
import type { DashboardRange, Overview } from '../../../shared/src/types/dashboard.ts'
import type { Metrics } from '../../../shared/src/types/metrics.ts'
import type { HubCore } from '../base/types.ts'
import { RecentItems } from './recent-items.ts'
import { RELOAD, Resource } from './resource.ts'
import type { Standing } from './resource-state.ts'

export interface DashboardValue extends Standing {
  readonly overview: Overview | null
  /** When the server made it. */
  readonly updatedAt: string | null
}

export interface MetricsValue extends Standing {
  readonly metrics: Metrics | null
  /** Oldest first, including the newest. */
  readonly history: readonly Metrics[]
}

/** The range that the stream carries. Any other range is read when this one changes. */
export const STREAM_RANGE = 'last_7d' satisfies DashboardRange

/** Ten minutes, with one snapshot every five seconds. */
const HISTORY = 120

export function openDashboard(hub: HubCore, range: DashboardRange, changed: () => void) {
  return new Resource<Overview, DashboardValue>(
    hub,
    {
      channels: ['dashboard'],
      types: ['dashboard_overview'],
      load: async () => ({ value: (await hub.request<Overview>('GET', `/dashboard?range=${range}`)).body }),
      apply(overview, { data }) {
        if (range !== STREAM_RANGE) return RELOAD
        const next = data as Overview
        return next.generatedAt >= overview.generatedAt ? next : overview
      },
      show: (overview, standing) => ({ ...standing, overview, updatedAt: overview?.generatedAt ?? null }),
    },
    changed,
  )
}

export function openMetrics(hub: HubCore, changed: () => void) {
  return new Resource<RecentItems<Metrics>, MetricsValue>(
    hub,
    {
      channels: ['metrics'],
      types: ['metric.update'],
      load: async () => ({
        value: new RecentItems([(await hub.request<Metrics>('GET', '/metrics/snapshot')).body], HISTORY),
      }),
      apply(history, { data }) {
        const next = data as Metrics
        if (next.timestamp > (history.list.at(-1)?.timestamp ?? 0)) history.push(next)
        return history
      },
      show: (history, standing) => ({
        ...standing,
        metrics: history?.list.at(-1) ?? null,
        history: history?.list ?? [],
      }),
    },
    changed,
  )
}
