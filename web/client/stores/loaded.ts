/** Where the stores are once they are loaded. */
import type { attemptStore } from './attempt.ts'
import type { boardStore } from './board.ts'
import type { dashboardStore } from './dashboard.ts'
import type { createLanes } from './lanes.ts'
import type { metricsStore } from './metrics.ts'
import type { createMutations } from './mutations.ts'

export interface Makers {
  readonly attemptStore: typeof attemptStore
  readonly boardStore: typeof boardStore
  readonly dashboardStore: typeof dashboardStore
  readonly metricsStore: typeof metricsStore
  readonly createLanes: typeof createLanes
  readonly createMutations: typeof createMutations
}

let makers: Makers | undefined

export function provide(loaded: Makers): void {
  makers = loaded
}

export function loadedMakers(): Makers | undefined {
  return makers
}
