/**
 * Columns and cards. `draw` gets the whole board; elements are kept by id and only those that differ are drawn again, so
 * that scrolling, selections and highlights survive.
 */
import type { BoardState, Card, Column } from '../../shared/src/types/kanban.ts'
import { attemptBadge } from './attempt-badge.ts'
import { arrange, element, icon } from './element.ts'

interface DrawnCard {
  readonly node: HTMLElement
  /** What was drawn last, to see whether it must be drawn again. */
  drawn: string
  columnId: string
}

interface DrawnColumn {
  readonly node: HTMLElement
  readonly title: HTMLElement
  readonly count: HTMLElement
  readonly list: HTMLElement
}

export interface BoardStrip {
  readonly node: HTMLElement
  draw: (state: BoardState) => void
}

export function boardStrip(): BoardStrip {
  // A strip that scrolls must be reachable by keyboard, and then needs a name.
  const node = element('div', { class: 'strip', tabindex: '0', role: 'region', 'aria-label': 'Columns' })
  const columns = new Map<string, DrawnColumn>()
  const cards = new Map<string, DrawnCard>()
  let isFirst = true

  return {
    node,
    draw(state) {
      forget(columns, state.columns)
      forget(cards, state.cards)
      arrange(node, present(state.columnOrder.map((id) => state.columns[id] && drawColumn(state.columns[id], state))))
      isFirst = false
    },
  }

  function drawColumn(column: Column, state: BoardState): HTMLElement {
    const drawn = columns.get(column.id) ?? newColumn()
    columns.set(column.id, drawn)
    const nodes = present(column.cardIds.map((id) => state.cards[id] && drawCard(state.cards[id])))
    setText(drawn.title, column.title)
    setText(drawn.count, String(nodes.length))
    arrange(drawn.list, nodes)
    return drawn.node
  }

  function drawCard(card: Card): HTMLElement {
    const known = cards.get(card.id)
    const entry = known ?? {
      node: element('li', { class: 'card', 'data-card': card.id }),
      drawn: '',
      columnId: card.columnId,
    }
    cards.set(card.id, entry)
    const contents = JSON.stringify(card)
    if (entry.drawn !== contents) {
      entry.node.replaceChildren(...cardContents(card))
      if (!isFirst && (!known || known.columnId !== card.columnId)) highlight(entry.node)
      entry.drawn = contents
      entry.columnId = card.columnId
    }
    return entry.node
  }
}

function newColumn(): DrawnColumn {
  const title = element('span', { dir: 'auto' })
  const count = element('span', { class: 'count' })
  const list = element('ul', { class: 'cards' })
  const heading = element('h2', {}, title, ' ', count, element('span', { class: 'visually-hidden' }, ' cards'))
  return { node: element('section', { class: 'column' }, heading, list), title, count, list }
}

function cardContents(card: Card): HTMLElement[] {
  const head = element('p', { class: 'card-head' }, element('span', { class: 'ticket' }, card.ticketKey))
  if (card.blocked)
    head.append(element('span', { class: 'badge', 'data-status': 'blocked' }, icon('blocked'), 'Blocked'))
  if (card.attempt) head.append(attemptBadge(card.attempt.status))

  const contents: HTMLElement[] = [head, element('h3', { dir: 'auto' }, card.title)]
  const tags = card.labels.map((label) => element('li', { dir: 'auto' }, label))
  if (card.priority) tags.unshift(element('li', { 'data-priority': card.priority }, `${card.priority} priority`))
  if (card.ticketType) tags.unshift(element('li', {}, card.ticketType))
  if (tags.length > 0) contents.push(element('ul', { class: 'tags', 'aria-label': 'Tags' }, ...tags))

  const agent = card.attempt?.agent ?? card.assignedAgentId
  if (agent) {
    contents.push(
      element(
        'p',
        { class: 'agent' },
        element('span', { class: 'visually-hidden' }, 'Agent '),
        element('bdi', {}, agent),
      ),
    )
  }
  return contents
}

/** The animation of an element runs once; taking it out of the layout in between starts it again. */
function highlight(node: HTMLElement): void {
  node.classList.remove('is-fresh')
  void node.offsetWidth
  node.classList.add('is-fresh')
}

function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

function present<Item>(items: readonly (Item | undefined)[]): Item[] {
  return items.filter((item) => item !== undefined)
}

function forget(drawn: Map<string, unknown>, still: Readonly<Record<string, unknown>>): void {
  for (const id of drawn.keys()) if (!Object.hasOwn(still, id)) drawn.delete(id)
}
