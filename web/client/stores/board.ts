/** A board as the server has it, with the mutations in flight on top. */
import { applyEvent } from '../../../shared/src/apply-event.ts'
import type { BoardState } from '../../../shared/src/types/kanban.ts'
import type { HubCore } from '../base/types.ts'
import { type BoardView, MutationQueues } from './mutation-queues.ts'
import { DELETED, Resource } from './resource.ts'
import type { Standing } from './resource-state.ts'
import type { OpenedStore } from './store-set.ts'

export interface BoardValue extends Standing {
  /** Null until it was read. */
  readonly state: BoardState | null
  /** Mutations that the server has not answered. */
  readonly pending: number
}

export interface OpenBoard extends OpenedStore<BoardValue> {
  readonly id: string
}

export interface BoardOptions {
  readonly queues?: MutationQueues
  /** A card of the board was deleted; without `cardId`, the board itself. */
  onDeleted?(boardId: string, cardId: string | undefined): void
  changed(): void
}

export function openBoard(hub: HubCore, id: string, options: BoardOptions): OpenBoard {
  const { queues = new MutationQueues(), onDeleted, changed } = options
  const queue = queues.of(id)
  const resource = new Resource<BoardState, BoardValue>(
    hub,
    {
      channels: [`board:${id}`],
      async load() {
        const path = `/boards/${encodeURIComponent(id)}`
        const { body } = await hub.request<{ state: BoardState; cursor: string }>('GET', path)
        return { value: body.state, cursor: body.cursor }
      },
      apply(state, frame) {
        const { event } = frame
        if (event === 'card_deleted') onDeleted?.(id, (frame.data as { cardId: string }).cardId)
        if (event !== 'board_deleted') return applyEvent(state, frame)
        onDeleted?.(id, undefined)
        return DELETED
      },
      show: (state, { phase, error }, cursor) => ({
        phase,
        error: error ?? queue.refusal,
        state: state && (queue.pending.isEmpty ? state : queue.pending.applyTo(state, cursor)),
        pending: queue.unanswered,
      }),
    },
    changed,
  )
  const view: BoardView = {
    shown: () => resource.get().state,
    changed,
    succeeded: () => resource.revisit(),
  }
  queue.view = view

  return {
    id,
    get: resource.get,
    readerJoined: () => resource.readerJoined(),
    close() {
      if (queue.view === view) queue.view = undefined
      resource.close()
      queues.release(id)
    },
  }
}
