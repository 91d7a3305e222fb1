/**
 * What is being done to a board, and is not done yet. It does not go with the store that shows it: a reader who comes back
 * finds it, and what is called meanwhile waits for it.
 */
import type { BoardState } from '../../../shared/src/types/kanban.ts'
import { type Change, Pending } from './pending.ts'

export interface Mutation<T> {
  /** Of the card, where it is known. */
  readonly cardId?: string | undefined
  /** What it will have done, on whatever state the board is in by then. */
  readonly guess: Change<BoardState>
  /** `shown`: what the board shows by then, where one is open. */
  carryOut(shown: BoardState | null): Promise<{ readonly body: T; readonly eventId: string | null }>
  /** What it has done, when the answer says more than was guessed. */
  known?(answer: T): Change<BoardState>
}

/** Who shows a lane. */
export interface LaneView {
  /** The board with all mutations, null where it was not read. */
  shown(): BoardState | null
  changed(): void
  /** Something was done: the board is there. */
  done(): void
}

export class Lane {
  readonly pending = new Pending<BoardState>()
  /** Cards of mutations that were not answered, each as often as it is meant. */
  readonly cards: string[] = []
  view: LaneView | undefined
  refusal: Error | null = null
  last: Promise<unknown> = Promise.resolve()
  unanswered = 0

  get isIdle(): boolean {
    return this.view === undefined && this.unanswered === 0
  }
}

/** Mutations whose board is not known have a lane of their own. */
const UNKNOWN = ''

export interface Lanes {
  of(boardId: string): Lane
  /** The board of a card that something is being done to. */
  boardOf(cardId: string): string | undefined
  /** Lets go of what is of no use any more. */
  tidy(boardId: string): void
  /** Shows it at once, and carries it out when those before it are answered: two moves of one card would race each other. */
  mutate<T>(boardId: string | undefined, mutation: Mutation<T>): Promise<T>
}

export function createLanes(): Lanes {
  const lanes = new Map<string, Lane>()

  function of(boardId: string): Lane {
    const known = lanes.get(boardId)
    if (known) return known
    const made = new Lane()
    lanes.set(boardId, made)
    return made
  }

  function tidy(boardId: string): void {
    if (lanes.get(boardId)?.isIdle) lanes.delete(boardId)
  }

  /** What a mutation of this board must wait for. One of an unknown board may be of any. */
  function before(boardId: string): Promise<unknown> {
    if (boardId === UNKNOWN) return Promise.all([...lanes.values()].map(({ last }) => last))
    const unknown = lanes.get(UNKNOWN)
    const { last } = of(boardId)
    return unknown ? Promise.all([last, unknown.last]) : last
  }

  return {
    of,
    tidy,
    boardOf(cardId) {
      for (const [boardId, { cards }] of lanes) if (boardId !== UNKNOWN && cards.includes(cardId)) return boardId
      return undefined
    },
    async mutate(boardId = UNKNOWN, { cardId, guess, carryOut, known }) {
      const lane = of(boardId)
      const entry = lane.pending.add(guess)
      lane.unanswered += 1
      if (cardId !== undefined) lane.cards.push(cardId)
      lane.refusal = null
      const mine = before(boardId).then(() => carryOut(lane.view?.shown() ?? null))
      // Whoever comes next waits for this one, however it ends.
      lane.last = mine.catch(() => undefined)
      lane.view?.changed()
      try {
        const { body, eventId } = await mine
        if (eventId === null) entry.refuse()
        else entry.confirm(eventId, known?.(body))
        lane.view?.done()
        return body
      } catch (reason) {
        entry.refuse()
        lane.refusal = reason instanceof Error ? reason : new Error(String(reason))
        throw reason
      } finally {
        lane.unanswered -= 1
        if (cardId !== undefined) lane.cards.splice(lane.cards.indexOf(cardId), 1)
        lane.view?.changed()
        tidy(boardId)
      }
    },
  }
}
