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
import { compareIds } from '../base/frames.ts'

export type Change<State> = (state: State) => State

export interface Entry<State> {
  /** The server has carried it out; `eventId` is its last event. `change` replaces the guess, if given. */
  confirm(eventId: string, change?: Change<State>): void
  /** It was not carried out. */
  remove(): void
}

export class Pending<State> {
  readonly #entries = new Set<{ change: Change<State>; eventId: string | null }>()
  #cursor: string | null = null

  /** How many the server has not answered. */
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
        this.#removeIncluded()
      },
      remove: () => {
        this.#entries.delete(entry)
      },
    }
  }

  /** The server's state includes every event up to here. */
  reached(cursor: string): void {
    this.#cursor = cursor
    this.#removeIncluded()
  }

  applyTo(state: State): State {
    let shown = state
    for (const { change } of this.#entries) shown = change(shown)
    return shown
  }

  #removeIncluded(): void {
    if (this.#cursor === null) return
    for (const entry of this.#entries) {
      if (entry.eventId !== null && compareIds(this.#cursor, entry.eventId) >= 0) this.#entries.delete(entry)
    }
  }
}
