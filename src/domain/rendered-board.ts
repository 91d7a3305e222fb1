/**
 * A board's `state` as JSON text, kept in parts: one text per column and card. Events replace the parts that they
 * change, so the next text costs what changed and one join. It is the text of `boardState`, byte for byte.
 */
import { type Patch, patchOf } from '../../shared/src/apply-event.ts'
import type { EventType } from '../../shared/src/catalogue.ts'
import type { BoardState, Card } from '../../shared/src/types/kanban.ts'
import { jsonLine } from '../base/json.ts'
import type { LogEvent } from '../db/log-event.ts'

/** What the reducer knows how to apply. After any other event of the board it must be rendered anew. */
const APPLICABLE: ReadonlySet<string> = new Set<EventType>([
  'board.updated',
  'column.created',
  'column.updated',
  'column.deleted',
  'card.created',
  'card.updated',
  'card.moved',
  'card.deleted',
  'card.stage.changed',
  'card.assigned',
  'attempt.queued',
  'attempt.status.changed',
])

/** What state and texts take for each character of the text: 3.3 measured where all of it is Latin, twice that elsewhere. */
const BYTES_PER_CHARACTER = 6

export class RenderedBoard {
  readonly #state: BoardState
  /** Without those that have changed since the last text; likewise the cards'. */
  readonly #columnTexts = new Map<string, string>()
  readonly #cardTexts = new Map<string, string>()
  /** The ids of the cards, ordered by ticket key as `boardState` has them. */
  readonly #cardIds: string[]
  /** Card id -> the ids of the cards that depend on it. */
  readonly #dependents = new Map<string, Set<string>>()
  #text: string | null = null

  /** Takes over the state, which must not be used elsewhere. */
  constructor(state: BoardState) {
    this.#state = state
    this.#cardIds = Object.keys(state.cards)
    for (const card of Object.values(state.cards)) this.#addDependent(card)
  }

  get text(): string {
    this.#text ??= this.#join()
    return this.#text
  }

  get bytes(): number {
    return this.text.length * BYTES_PER_CHARACTER
  }

  /** Applies an event of this board that follows what is here. False when the board must be rendered anew. */
  apply(event: LogEvent): boolean {
    if (!APPLICABLE.has(event.type)) return false
    const shown = event.entry?.to.find(({ channel }) => channel === 'board')
    if (!shown) return false
    const message = { event: shown.event, data: event.payload }
    const patch = patchOf(this.#state, message, (ids) => this.#dependentsOf(ids))
    if (patch) this.#put(patch)
    return true
  }

  #put({ columns = [], removedColumn, columnOrder, cards = [], removedCard }: Patch): void {
    const state = this.#state
    this.#text = null
    for (const column of columns) {
      state.columns[column.id] = column
      this.#columnTexts.delete(column.id)
    }
    if (removedColumn !== undefined) {
      delete state.columns[removedColumn]
      this.#columnTexts.delete(removedColumn)
    }
    if (columnOrder) state.columnOrder = columnOrder
    for (const card of cards) this.#putCard(card)
    if (removedCard !== undefined) this.#removeCard(removedCard)
  }

  #putCard(card: Card): void {
    const before = this.#state.cards[card.id]
    if (before) this.#removeDependent(before)
    else this.#cardIds.splice(this.#indexOf(card.ticketKey), 0, card.id)
    this.#state.cards[card.id] = card
    this.#cardTexts.delete(card.id)
    this.#addDependent(card)
  }

  #removeCard(id: string): void {
    const card = this.#state.cards[id]
    if (!card) return
    this.#removeDependent(card)
    this.#cardIds.splice(this.#indexOf(card.ticketKey), 1)
    delete this.#state.cards[id]
    this.#cardTexts.delete(id)
  }

  /** Where a card with this ticket key is, or belongs, among the ids. */
  #indexOf(ticketKey: string): number {
    let low = 0
    let high = this.#cardIds.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#state.cards[this.#cardIds[middle] ?? '']?.ticketKey ?? '') < ticketKey) low = middle + 1
      else high = middle
    }
    return low
  }

  #dependentsOf(ids: readonly string[]): Card[] {
    const dependents = new Set(ids.flatMap((id) => [...(this.#dependents.get(id) ?? [])]))
    return [...dependents].flatMap((id) => this.#state.cards[id] ?? [])
  }

  #addDependent({ id, dependsOn }: Card): void {
    for (const dependency of dependsOn) {
      const dependents = this.#dependents.get(dependency)
      if (dependents) dependents.add(id)
      else this.#dependents.set(dependency, new Set([id]))
    }
  }

  #removeDependent({ id, dependsOn }: Card): void {
    for (const dependency of dependsOn) {
      const dependents = this.#dependents.get(dependency)
      dependents?.delete(id)
      if (dependents?.size === 0) this.#dependents.delete(dependency)
    }
  }

  #join(): string {
    const { boardId, columns, columnOrder, cards } = this.#state
    const columnTexts = columnOrder.map((id) => textOf(this.#columnTexts, id, columns[id]))
    const cardTexts = this.#cardIds.map((id) => textOf(this.#cardTexts, id, cards[id]))
    return (
      `{"boardId":${jsonLine(boardId)},"columns":{${columnTexts.join(',')}},` +
      `"columnOrder":${jsonLine(columnOrder)},"cards":{${cardTexts.join(',')}}}`
    )
  }
}

/** The member of an object that is named by the id. */
function textOf(texts: Map<string, string>, id: string, value: unknown): string {
  let text = texts.get(id)
  if (text === undefined) {
    text = `${jsonLine(id)}:${jsonLine(value)}`
    texts.set(id, text)
  }
  return text
}
