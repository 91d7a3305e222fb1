/** The overview of all boards. The stream carries that of the last seven days; any other is read when that one changes. */
import type { DashboardRange, Overview } from '../../../shared/src/types/dashboard.ts'
import type { HubCore } from '../core/hub-core.ts'
import { type ResourceStore, resourceStore, type Standing } from './resource.ts'

export interface DashboardValue extends Standing {
  readonly overview: Overview | null
  /** When it was made, by the server's clock. */
  readonly updatedAt: string | null
}

/** That of the stream. */
export const STREAM_RANGE = 'last_7d' satisfies DashboardRange

export function dashboardStore(hub: HubCore, range: DashboardRange): ResourceStore<DashboardValue> {
  return resourceStore<Overview, DashboardValue>(hub, {
    channels: ['dashboard'],
    types: ['dashboard_overview'],
    load: async () => ({ value: (await hub.request<Overview>('GET', `/dashboard?range=${range}`)).body }),
    fold(overview, { data }, replace) {
      if (range !== STREAM_RANGE) return 'again'
      const next = data as Overview
      if (next.generatedAt >= overview.generatedAt) replace(next)
      return undefined
    },
    show: (overview, standing) => ({ ...standing, overview, updatedAt: overview?.generatedAt ?? null }),
  })
}
