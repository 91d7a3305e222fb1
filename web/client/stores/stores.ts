/** The stores and mutations of a hub, made over its core. */
import type { DashboardRange } from '../../../shared/src/types/dashboard.ts'
import type { HubCore } from '../core/hub-core.ts'
import { type OpenableStore, sharedByCount } from '../core/shared-by-count.ts'
import type { Frame, Store } from '../core/types.ts'
import type { AttemptStore, AttemptValue } from './attempt.ts'
import type { BoardStore, BoardValue } from './board.ts'
import type { DashboardValue } from './dashboard.ts'
import { NO_ATTEMPT, NO_BOARD, NO_DASHBOARD, NO_METRICS } from './initial.ts'
import type { Lanes } from './lanes.ts'
import { type LazyStore, lazyStore, withMakers } from './lazy-store.ts'
import type { Makers } from './loaded.ts'
import type { MetricsValue } from './metrics.ts'
import type { Mutations, OpenBoards } from './mutations.ts'
import type { Standing } from './resource.ts'

/** Every store is opened by its first reader and shared by all; it closes 5 s after the last has gone. */
export interface Stores {
  board(id: string): Store<BoardValue>
  /** Default: `last_7d`. */
  dashboard(range?: DashboardRange): Store<DashboardValue>
  metrics(): Store<MetricsValue>
  attempt(id: string): Store<AttemptValue>
  readonly mutate: Mutations
  close(): void
}

export function createStores(hub: HubCore): Stores {
  const boards = shared<BoardValue, BoardStore>(NO_BOARD, (makers, id) =>
    makers.boardStore(hub, id, lanesOf(makers), told),
  )
  const dashboards = shared(NO_DASHBOARD, (makers, range) => makers.dashboardStore(hub, range as DashboardRange))
  const metrics = shared(NO_METRICS, (makers) => makers.metricsStore(hub))
  const attempts = shared<AttemptValue, AttemptStore>(NO_ATTEMPT, (makers, id) => makers.attemptStore(hub, id))
  let lanes: Lanes | undefined
  let made: Mutations | undefined

  function lanesOf({ createLanes }: Makers): Lanes {
    lanes ??= createLanes()
    return lanes
  }

  function shared<Value extends Standing, Inner extends OpenableStore<Value> & { revisit?(): void }>(
    initial: Value,
    make: (makers: Makers, id: string) => Inner,
  ) {
    const makeLazy = (id: string) => lazyStore<Value, Inner>(initial, (makers) => make(makers, id))
    return sharedByCount<Value, LazyStore<Value, Inner>>(makeLazy, hub.clock)
  }

  const boardsThatAreOpen: OpenBoards = () =>
    boards.all().flatMap(({ inner }) => (inner ? [[inner.id, inner] as const] : []))

  /** An attempt goes with its card, and says nothing of it. */
  function told(boardId: string, frame: Frame): void {
    if (frame.event !== 'card_deleted' && frame.event !== 'board_deleted') return
    const { cardId } = frame.data as { cardId?: string }
    for (const { inner } of attempts.all()) {
      const attempt = inner?.value()?.attempt
      if (cardId === undefined ? attempt?.boardId === boardId : attempt?.cardId === cardId) inner?.leave()
    }
  }

  function mutation<Name extends keyof Mutations>(name: Name): Mutations[Name] {
    // What shows at once must be done at once: nothing is awaited before it where nothing must be loaded.
    const carryOut = async (input: never): Promise<unknown> =>
      withMakers((makers): Promise<unknown> => {
        made ??= makers.createMutations(hub, boardsThatAreOpen, lanesOf(makers))
        return made[name](input)
      })
    const call = (input: never): Promise<unknown> => {
      const result = carryOut(input)
      // Who does not await it finds the refusal on the board; it is no unhandled rejection.
      result.catch(() => undefined)
      return result
    }
    return call as Mutations[Name]
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
