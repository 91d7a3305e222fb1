/** The code of the stores, once it is loaded. */
import type { openAttempt } from './attempt.ts'
import type { openBoard } from './board.ts'
import type { MutationQueues } from './mutation-queues.ts'
import type { createMutations } from './mutations.ts'
import type { openDashboard, openMetrics } from './snapshots.ts'

export interface StoreCode {
  readonly openAttempt: typeof openAttempt
  readonly openBoard: typeof openBoard
  readonly openDashboard: typeof openDashboard
  readonly openMetrics: typeof openMetrics
  readonly createMutations: typeof createMutations
  readonly MutationQueues: typeof MutationQueues
}

let loaded: StoreCode | undefined

export function provideStores(code: StoreCode): void {
  loaded = code
}

/** Not a promise if the code is loaded: then a store opens, and a mutation shows, within the call. */
export function storeCode(load: () => Promise<unknown>): StoreCode | Promise<StoreCode> {
  return loaded ?? load().then(() => storeCode(load))
}
