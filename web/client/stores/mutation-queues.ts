/**
 * One queue of mutations for every board. A queue outlives the store that shows it: a reader who comes back sees what is
 * still in flight, and later mutations wait for it.
 */
import type { BoardState } from '../../../shared/src/types/kanban.ts'
import { errorOf } from '../base/errors.ts'
import { compareIds } from '../base/frames.ts'

export type Change<State> = (state: State) => State

export interface Entry<State> {
  /** The server has carried it out; `eventId` is its last event. `change` replaces the guess, if given. */
  confirm(eventId: string, change?: Change<State>): void
  /** It was not carried out. */
  remove(): void
}

export interface Mutation<T> {
  /** The card that it changes, if known. */
  readonly cardId?: string | undefined
  /** Its expected effect, on whatever state the board has by then. */
  readonly guess: Change<BoardState>
  /** `shown`: what an open board shows when the mutation is sent. */
  send(shown: BoardState | null): Promise<{ readonly body: T; readonly eventId: string | null }>
  /** Its effect according to the answer, if that is more exact than the guess. */
  effect?(answer: T): Change<BoardState>
}

/** The open board that shows a queue. */
export interface BoardView {
  /** The state with all mutations; null while it was not read. */
  shown(): BoardState | null
  changed(): void
  /** A mutation succeeded, so the board exists. */
  succeeded(): void
}

/**
 * Mutations in flight, as functions that are applied to the server's state. Readers always see the newest state of the
 * server with these on top; there is no copy to restore, which could overwrite somebody else's work.
 *
 *   server's state   o-----o-----o--->         every event is applied here, whoever caused it
 *   shown            o-a---o-ab--o-b->         a was answered with `Event-Id` n, and the state has reached n
 *
 * An entry stays until the state includes its event, not until it is answered: an answer may overtake the stream, and the
 * card would jump back in between. If a mutation had no effect, its `Event-Id` is before every later event, so its entry is
 * removed before anything can differ from it.
 */
export class Pending<State> {
  readonly #entries = new Set<{ change: Change<State>; eventId: string | null }>()
  isEmpty = true

  add(change: Change<State>): Entry<State> {
    const entry = { change, eventId: null as string | null }
    this.#entries.add(entry)
    this.isEmpty = false
    return {
      confirm(eventId, better) {
        entry.eventId = eventId
        entry.change = better ?? entry.change
      },
      remove: () => this.#delete(entry),
    }
  }

  /** The state with all entries on top, except those whose event it includes: it includes every event up to `cursor`. */
  applyTo(state: State, cursor: string): State {
    let shown = state
    for (const entry of this.#entries) {
      if (entry.eventId !== null && compareIds(cursor, entry.eventId) >= 0) this.#delete(entry)
      else shown = entry.change(shown)
    }
    return shown
  }

  #delete(entry: { change: Change<State>; eventId: string | null }): void {
    this.#entries.delete(entry)
    this.isEmpty = this.#entries.size === 0
  }
}

export class MutationQueue {
  readonly pending = new Pending<BoardState>()
  /** The cards of unanswered mutations, once for each mutation. */
  readonly cards: string[] = []
  view: BoardView | undefined
  /** Why the last mutation was refused. */
  refusal: Error | null = null
  /** Settles with the last mutation. Never rejects. */
  last: Promise<unknown> = Promise.resolve()
  unanswered = 0
}

/** Mutations of a card whose board is not known have a queue of their own. */
const UNKNOWN_BOARD = ''

export class MutationQueues {
  readonly #queues = new Map<string, MutationQueue>()

  of(boardId: string): MutationQueue {
    const known = this.#queues.get(boardId)
    if (known) return known
    const made = new MutationQueue()
    this.#queues.set(boardId, made)
    return made
  }

  /** The board of a card that has an unanswered mutation. */
  boardOf(cardId: string): string | undefined {
    for (const [boardId, { cards }] of this.#queues) {
      if (boardId !== UNKNOWN_BOARD && cards.includes(cardId)) return boardId
    }
    return undefined
  }

  /** Removes the queue if nothing uses it. */
  release(boardId: string): void {
    const queue = this.#queues.get(boardId)
    if (queue?.view === undefined && queue?.unanswered === 0) this.#queues.delete(boardId)
  }

  /** Shows the mutation at once, and sends it when those before it are answered: two moves of a card would race. */
  async mutate<T>(boardId: string | undefined, { cardId, guess, send, effect }: Mutation<T>): Promise<T> {
    const key = boardId ?? UNKNOWN_BOARD
    const queue = this.of(key)
    const entry = queue.pending.add(guess)
    queue.unanswered += 1
    if (cardId !== undefined) queue.cards.push(cardId)
    queue.refusal = null
    const sent = this.#before(key).then(() => send(queue.view?.shown() ?? null))
    queue.last = sent.catch(() => undefined)
    queue.view?.changed()
    try {
      const { body, eventId } = await sent
      if (eventId === null) entry.remove()
      else entry.confirm(eventId, effect?.(body))
      queue.view?.succeeded()
      return body
    } catch (reason) {
      entry.remove()
      queue.refusal = errorOf(reason)
      throw reason
    } finally {
      queue.unanswered -= 1
      if (cardId !== undefined) queue.cards.splice(queue.cards.indexOf(cardId), 1)
      queue.view?.changed()
      this.release(key)
    }
  }

  /** What a mutation must wait for. One of an unknown board may concern any board. */
  #before(boardId: string): Promise<unknown> {
    if (boardId === UNKNOWN_BOARD) return Promise.all([...this.#queues.values()].map(({ last }) => last))
    const unknown = this.#queues.get(UNKNOWN_BOARD)
    const { last } = this.of(boardId)
    return unknown ? Promise.all([last, unknown.last]) : last
  }
}
