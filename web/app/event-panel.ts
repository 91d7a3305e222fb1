/** Every frame as it came, newest first: the newest 200, cut short, for a look at what the stream really says. */
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { element } from './element.ts'
import { known } from './frames.ts'
import { Newest } from './newest.ts'
import { oncePerFrame } from './once-per-frame.ts'
import type { Frame } from './stream.ts'

const MAX_EVENTS = 200
const MAX_PAYLOAD_CHARACTERS = 240

interface Row {
  readonly event: string
  /** Empty for a frame that brought none. */
  readonly id: string
  readonly payload: string
}

export interface EventPanel {
  readonly node: HTMLElement
  add: (frame: Frame) => void
}

export function eventPanel(): EventPanel {
  const list = element('ol', { class: 'events' })
  const scroller = element(
    'div',
    { class: 'event-scroller', tabindex: '0', role: 'region', 'aria-labelledby': 'events-title' },
    list,
  )
  const total = element('span', { class: 'count' }, '0')
  const pause = element('button', { type: 'button', class: 'quiet' }, 'Pause')
  const node = element(
    'section',
    { class: 'panel panel-events', 'aria-labelledby': 'events-title' },
    element(
      'div',
      { class: 'panel-head' },
      element('h2', {}, element('span', { id: 'events-title' }, 'Events'), ' ', total),
      pause,
    ),
    element('div', { class: 'panel-body' }, scroller),
  )

  const waiting = new Newest<Row>(MAX_EVENTS)
  let seen = 0
  let isPaused = false
  const draw = oncePerFrame(() => {
    total.textContent = seen.toLocaleString()
    if (isPaused) {
      pause.textContent = `Resume (${waiting.pushed.toLocaleString()} new)`
      return
    }
    pause.textContent = 'Pause'
    list.prepend(...waiting.take().items.reverse().map(rowNode))
    while (list.childElementCount > MAX_EVENTS) list.lastElementChild?.remove()
  })

  pause.addEventListener('click', () => {
    isPaused = !isPaused
    draw()
  })

  return {
    node,
    add(frame) {
      seen += 1
      waiting.push({ event: frame.event, id: frame.isNewId ? frame.lastEventId : '', payload: payloadOf(frame) })
      draw()
    },
  }
}

function rowNode({ event, id, payload }: Row): HTMLElement {
  return element(
    'li',
    {},
    element('span', { class: 'event-name' }, event),
    ' ',
    element('span', { class: 'event-id' }, id),
    ' ',
    element('code', { class: 'payload', dir: 'ltr' }, payload),
  )
}

function payloadOf(frame: Frame): string {
  if (frame.data === undefined) return `not JSON: ${cut(frame.raw)}`
  const message = known(frame)
  return message?.event === 'state' ? sizeOf(message.data) : cut(frame.raw)
}

function sizeOf(state: BoardState): string {
  return `the whole board: ${state.columnOrder.length} columns, ${Object.keys(state.cards).length} cards`
}

function cut(text: string): string {
  return text.length > MAX_PAYLOAD_CHARACTERS ? `${text.slice(0, MAX_PAYLOAD_CHARACTERS)}…` : text
}
