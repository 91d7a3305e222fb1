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
