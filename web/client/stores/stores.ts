/** The stores and mutations of a hub. This file is all of them that is needed before the first store is opened. */
import type { DashboardRange } from '../../../shared/src/types/dashboard.ts'
import type { HubCore, Store } from '../base/types.ts'
import type { AttemptValue, OpenAttempt } from './attempt.ts'
import type { BoardValue, OpenBoard } from './board.ts'
import type { MutationQueues } from './mutation-queues.ts'
import type { Mutations } from './mutations.ts'
import type { Standing } from './resource-state.ts'
import type { DashboardValue, MetricsValue } from './snapshots.ts'
import { type StoreCode, storeCode } from './store-code.ts'
import { type OpenedStore, StoreSet } from './store-set.ts'

/** A store is opened by its first reader and shared by all. It is closed 5 s after the last reader has left. */
export interface Stores {
  board(id: string): Store<BoardValue>
  /** Default: `last_7d`. */
  dashboard(range?: DashboardRange): Store<DashboardValue>
  metrics(): Store<MetricsValue>
  attempt(id: string): Store<AttemptValue>
  readonly mutate: Mutations
  close(): void
}

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

export function createStores(hub: HubCore): Stores {
  const code = () => storeCode(() => import('./all-stores.ts'))
  let queues: MutationQueues | undefined
  let mutations: Mutations | undefined

  function setOf<Value extends Standing, Opened extends OpenedStore<Value>>(
    initial: Value,
    open: (code: StoreCode, id: string, changed: () => void) => Opened,
  ): StoreSet<Value, Opened, StoreCode> {
    return new StoreSet(hub.clock, { initial, code, open })
  }

  const boards = setOf<BoardValue, OpenBoard>(NO_BOARD, (code, id, changed) =>
    code.openBoard(hub, id, { queues: queuesOf(code), onDeleted, changed }),
  )
  const dashboards = setOf<DashboardValue, OpenedStore<DashboardValue>>(NO_DASHBOARD, (code, range, changed) =>
    code.openDashboard(hub, range as DashboardRange, changed),
  )
  const metrics = setOf<MetricsValue, OpenedStore<MetricsValue>>(NO_METRICS, (code, _id, changed) =>
    code.openMetrics(hub, changed),
  )
  const attempts = setOf<AttemptValue, OpenAttempt>(NO_ATTEMPT, (code, id, changed) =>
    code.openAttempt(hub, id, changed),
  )

  function queuesOf({ MutationQueues }: StoreCode): MutationQueues {
    queues ??= new MutationQueues()
    return queues
  }

  /** Attempts are deleted with their card or board, without an event of their own. */
  function onDeleted(boardId: string, cardId: string | undefined): void {
    for (const opened of attempts.opened()) {
      const attempt = opened.value?.attempt
      if (cardId === undefined ? attempt?.boardId === boardId : attempt?.cardId === cardId) opened.deleted()
    }
  }

  function mutation<Name extends keyof Mutations>(name: Name): Mutations[Name] {
    const mutate = async (input: never): Promise<unknown> => {
      // Nothing is awaited if the code is loaded, so that the mutation shows at once.
      const known = code()
      const loaded = known instanceof Promise ? await known : known
      mutations ??= loaded.createMutations(hub, boards.opened.bind(boards), queuesOf(loaded))
      return mutations[name](input)
    }
    return withHandledRejection(mutate) as Mutations[Name]
  }

  return {
    board: boards.of,
    dashboard: (range = 'last_7d') => dashboards.of(range),
    metrics: () => metrics.of(''),
    attempt: attempts.of,
    mutate: {
      moveCard: mutation('moveCard'),
      createCard: mutation('createCard'),
      updateCard: mutation('updateCard'),
      deleteCard: mutation('deleteCard'),
    },
    close() {
      for (const each of [boards, dashboards, metrics, attempts]) each.close()
    },
  }
}

/** A caller that does not await the result finds the refusal on the board; it must not be an unhandled rejection. */
export function withHandledRejection<Args extends readonly unknown[], T>(
  call: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  return (...args) => {
    const result = call(...args)
    result.catch(() => undefined)
    return result
  }
}
