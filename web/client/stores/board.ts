/** A board as the server has it, with the mutations on top that are under way. */
import { applyEvent } from '../../../shared/src/apply-event.ts'
import type { BoardState } from '../../../shared/src/types/kanban.ts'
import type { HubCore } from '../core/hub-core.ts'
import type { Frame } from '../core/types.ts'
import { createLanes, type Lane, type Lanes, type LaneView } from './lanes.ts'
import { type ResourceStore, resourceStore, type Standing } from './resource.ts'

export interface BoardValue extends Standing {
  /** null until it was read. */
  readonly state: BoardState | null
  /** Mutations that the server has not answered. */
  readonly pending: number
}

export interface BoardStore extends ResourceStore<BoardValue> {
  readonly id: string
}

/** `told`: what happens to cards and to the board may be the end of other things. */
export function boardStore(
  hub: HubCore,
  id: string,
  lanes: Lanes = createLanes(),
  told?: (boardId: string, frame: Frame) => void,
): BoardStore {
  let lane: Lane | undefined

  const store = resourceStore<BoardState, BoardValue>(hub, {
    channels: [`board:${id}`],
    async load() {
      const { body } = await hub.request<{ state: BoardState; cursor: string }>(
        'GET',
        `/boards/${encodeURIComponent(id)}`,
      )
      return { value: body.state, cursor: body.cursor }
    },
    fold(state, frame, replace) {
      told?.(id, frame)
      if (frame.event === 'board_deleted') return 'over'
      replace(applyEvent(state, frame))
      return undefined
    },
    reached: (position) => lane?.pending.reach(position),
    show(state, { phase, error }) {
      return {
        phase,
        error: error ?? lane?.refusal ?? null,
        state: state && (lane?.pending.over(state) ?? state),
        pending: lane?.pending.unanswered ?? 0,
      }
    },
  })
  const view: LaneView = {
    shown: () => store.get().state,
    changed: store.changed,
    done: store.revisit,
  }

  return {
    ...store,
    id,
    open() {
      lane = lanes.of(id)
      lane.view = view
      store.open()
    },
    close() {
      if (lane?.view === view) lane.view = undefined
      lane = undefined
      store.close()
      lanes.tidy(id)
    },
  }
}
