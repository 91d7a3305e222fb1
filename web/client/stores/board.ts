/** A board as the server has it, with the mutations on top that are under way. */
import { applyEvent } from '../../../shared/src/apply-event.ts'
import type { BoardState } from '../../../shared/src/types/kanban.ts'
import type { HubCore } from '../core/hub-core.ts'
import type { OpenableStore } from '../core/shared-by-count.ts'
import { type Change, Pending } from './pending.ts'
import { resourceStore, type Standing } from './resource.ts'

export interface BoardValue extends Standing {
  /** null until it was read. */
  readonly state: BoardState | null
  /** Mutations that the server has not answered. */
  readonly pending: number
}

export interface BoardStore extends OpenableStore<BoardValue> {
  /**
   * Shows the change at once, and carries it out when the mutations before it are answered: two moves of one card would
   * else race each other to the server.
   */
  mutate<T>(mutation: Mutation<T>): Promise<T>
}

export interface Mutation<T> {
  /** What it will have done, on whatever state the board is in by then. */
  readonly guess: Change<BoardState>
  carryOut(): Promise<{ readonly body: T; readonly eventId: string | null }>
  /** What it has done, when the answer says more than was guessed. */
  known?(answer: T): Change<BoardState>
}

export function boardStore(hub: HubCore, id: string): BoardStore {
  const pending = new Pending<BoardState>()
  let refusal: Error | null = null
  let last: Promise<unknown> = Promise.resolve()

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
      if (frame.event === 'board_deleted') return 'over'
      replace(applyEvent(state, frame))
      return undefined
    },
    reached: (position) => pending.reach(position),
    show(state, { phase, error }) {
      return { phase, error: error ?? refusal, state: state && pending.over(state), pending: pending.unanswered }
    },
  })

  return {
    ...store,
    async mutate({ guess, carryOut, known }) {
      const entry = pending.add(guess)
      refusal = null
      store.changed()
      const mine = last.then(carryOut)
      // Whoever comes next waits for this one, however it ends.
      last = mine.catch(() => undefined)
      try {
        const { body, eventId } = await mine
        if (eventId === null) entry.refuse()
        else entry.confirm(eventId, known?.(body))
        return body
      } catch (reason) {
        entry.refuse()
        refusal = reason instanceof Error ? reason : new Error(String(reason))
        throw reason
      } finally {
        store.changed()
      }
    },
  }
}
