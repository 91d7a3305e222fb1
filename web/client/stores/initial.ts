/** What stores show before anything was read. */
import type { AttemptValue } from './attempt.ts'
import type { BoardValue } from './board.ts'
import type { DashboardValue } from './dashboard.ts'
import type { MetricsValue } from './metrics.ts'

const LOADING = { phase: 'loading', error: null } as const

export const NO_BOARD: BoardValue = { ...LOADING, state: null, pending: 0 }
export const NO_DASHBOARD: DashboardValue = { ...LOADING, overview: null, updatedAt: null }
export const NO_METRICS: MetricsValue = { ...LOADING, metrics: null, history: [] }
export const NO_ATTEMPT: AttemptValue = {
  ...LOADING,
  attempt: null,
  lines: [],
  lineCount: 0,
  conversation: [],
  todos: null,
  done: false,
}
