/**
 * Mutations that are under way, as functions folded over the server's state: what is shown is always the newest state of
 * the server with them on top, and there is no copy that could be restored over somebody else's work.
 *
 *   server state  o-----o-----o--->         every event goes here, whoever caused it
 *   shown         o-a---o-ab--o-b->         a was answered `Event-Id` n, and the state has reached n
 *
 * An entry stays until the state holds its own event, not until its answer: an answer may overtake the stream, and the card
 * would jump back in between. One that the server judged without effect has an `Event-Id` before every later event, so it
 * leaves before anything can differ from it.
 */
import { compareIds } from '../core/positions.ts'

export type Change<State> = (state: State) => State

export interface Entry<State> {
  /** The server did it, with this event as the last. `change`, if given, says it better than the guess did. */
  confirm(eventId: string, change?: Change<State>): void
  /** It did not happen. */
  refuse(): void
}

export class Pending<State> {
  readonly #entries = new Set<{ change: Change<State>; eventId: string | null }>()
  #position: string | null = null

  /** Those that the server has not answered. */
  get unanswered(): number {
    return [...this.#entries].filter(({ eventId }) => eventId === null).length
  }

  add(change: Change<State>): Entry<State> {
    const entry = { change, eventId: null as string | null }
    this.#entries.add(entry)
    return {
      confirm: (eventId, better) => {
        entry.eventId = eventId
        entry.change = better ?? entry.change
        this.#settle()
      },
      refuse: () => {
        this.#entries.delete(entry)
      },
    }
  }

  /** The server's state holds everything up to here. */
  reach(position: string): void {
    this.#position = position
    this.#settle()
  }

  over(state: State): State {
    let shown = state
    for (const { change } of this.#entries) shown = change(shown)
    return shown
  }

  #settle(): void {
    if (this.#position === null) return
    for (const entry of this.#entries) {
      if (entry.eventId !== null && compareIds(this.#position, entry.eventId) >= 0) this.#entries.delete(entry)
    }
  }
}
