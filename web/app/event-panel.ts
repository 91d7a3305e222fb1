/** The events of the stream as they came: the newest 200, newest first, shortened. */
import { oncePerAnimationFrame } from '../client/hooks/animation-frame.ts'
import type { Frame } from '../client/index.ts'
import { element } from './element.ts'
import { Newest } from './newest.ts'

const MAX_EVENTS = 200
const MAX_PAYLOAD_CHARACTERS = 240

export interface EventPanel {
  readonly node: HTMLElement
  add: (frame: Frame) => void
}

export function eventPanel(): EventPanel {
  const list = element('ol', { class: 'events' })
  const empty = element('p', { class: 'empty' }, 'No events yet. They appear here as they are committed.')
  const scroller = element(
    'div',
    { class: 'event-scroller', tabindex: '0', role: 'region', 'aria-labelledby': 'events-title' },
    empty,
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

  const waiting = new Newest<Frame>(MAX_EVENTS)
  let seen = 0
  let isPaused = false
  const { request: draw } = oncePerAnimationFrame(() => {
    total.textContent = seen.toLocaleString()
    if (isPaused) {
      pause.textContent = `Resume (${waiting.pushed.toLocaleString()} new)`
      return
    }
    pause.textContent = 'Pause'
    empty.hidden = true
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
      waiting.push(frame)
      draw()
    },
  }
}

function rowNode({ event, id, actor, data }: Frame): HTMLElement {
  return element(
    'li',
    {},
    element('span', { class: 'event-name' }, event),
    ' ',
    element('span', { class: 'event-id' }, id),
    ' ',
    ...(actor ? [element('span', { class: 'event-actor' }, actor), ' '] : []),
    element('code', { class: 'payload', dir: 'ltr' }, cut(JSON.stringify(data))),
  )
}

function cut(text: string): string {
  return text.length > MAX_PAYLOAD_CHARACTERS ? `${text.slice(0, MAX_PAYLOAD_CHARACTERS)}…` : text
}
