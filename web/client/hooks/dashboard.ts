import type { DashboardRange, Overview } from '../../../shared/src/types/dashboard.ts'
import { STREAM_RANGE } from '../stores/dashboard.ts'
import { NO_DASHBOARD } from '../stores/initial.ts'
import '../stores/makers.ts'
import { useConnected } from './connection.ts'
import { type Framework, useStoreOf, useValue } from './framework.ts'

export interface DashboardOptions {
  /** Default: `last_7d`, which the stream itself carries. Any other is read anew when that one changes. */
  readonly range?: DashboardRange | undefined
}

export interface Dashboard {
  readonly overview: Overview | null
  readonly connected: boolean
  readonly reconnecting: boolean
  /** ISO 8601, by the server's clock. */
  readonly updatedAt: string | null
  readonly error: Error | null
}

/** The overview of all boards, live. */
export function useDashboard(fw: Framework, { range = STREAM_RANGE }: DashboardOptions = {}): Dashboard {
  const store = useStoreOf(fw, (hub, id) => hub.dashboard(id as DashboardRange), range)
  const { overview, updatedAt, error } = useValue(fw, store, NO_DASHBOARD)
  const { connected, reconnecting } = useConnected(fw)
  return { overview, connected, reconnecting, updatedAt, error }
}
