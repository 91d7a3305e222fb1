/**
 * The output of attempts. The newest 500 lines are kept, so that the page stays fast however long it is open. While the
 * reader has scrolled up, nothing on screen moves: new lines are queued, up to the same limit, until the reader returns to
 * the end.
 */
import type { LogLine } from '../../shared/src/types/kanban.ts'
import { oncePerAnimationFrame } from '../client/hooks/animation-frame.ts'
import { type Span, TerminalReader } from '../client/terminal/reader.ts'
import { clock } from './clock.ts'
import { element } from './element.ts'
import { Newest } from './newest.ts'
import { spanNodes } from './terminal-text.ts'

const MAX_LINES = 500
/** A line may have 64 KiB. Only its beginning is shown, to limit the size of the page. */
const MAX_LINE_CHARACTERS = 4_000
/** Allows for fractions of a pixel. A larger value would pull back a reader who has just begun to scroll up. */
const END_SLACK_PX = 2

type Entry =
  | { readonly kind: 'line'; readonly line: LogLine; readonly ticket: string }
  | { readonly kind: 'note'; readonly text: string; readonly at: Date }

export interface LogPanel {
  readonly node: HTMLElement
  addLine: (ticket: string, line: LogLine) => void
  /** A note between the lines, such as a change of status or a gap. */
  addNote: (text: string) => void
}

export function logPanel(): LogPanel {
  const list = element('ol', { class: 'lines' })
  const empty = element(
    'p',
    { class: 'empty' },
    'Nothing printed since this page opened. Lines show here as they are posted.',
  )
  const scroller = element(
    'div',
    { class: 'log', tabindex: '0', role: 'region', 'aria-labelledby': 'log-title' },
    empty,
    list,
  )
  const jump = element('button', { type: 'button', class: 'jump', hidden: true })
  const total = element('span', { class: 'count' })
  const node = element(
    'section',
    { class: 'panel panel-log', 'aria-labelledby': 'log-title' },
    element('h2', {}, element('span', { id: 'log-title' }, 'Log'), ' ', total),
    element('div', { class: 'panel-body' }, scroller, jump),
  )

  const waiting = new Newest<Entry>(MAX_LINES)
  /** By stream: a colour that is not reset continues in the next line of the same stream. */
  const readers = new Map<string, TerminalReader>()
  let isFollowing = true
  let lineCount = 0
  const { request: draw } = oncePerAnimationFrame(() => {
    if (isFollowing) append()
    else offerJump()
  })

  scroller.addEventListener('scroll', () => {
    const isAtEnd = scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop <= END_SLACK_PX
    if (isAtEnd === isFollowing) return
    isFollowing = isAtEnd
    draw()
  })
  jump.addEventListener('click', () => {
    isFollowing = true
    append()
    scroller.focus()
  })

  return {
    node,
    addLine(ticket, line) {
      lineCount += 1
      waiting.push({ kind: 'line', line, ticket })
      draw()
    },
    addNote(text) {
      waiting.push({ kind: 'note', text, at: new Date() })
      draw()
    },
  }

  function append(): void {
    const { items, dropped } = waiting.take()
    jump.hidden = true
    if (items.length > 0) {
      empty.hidden = true
      total.textContent = lineCount.toLocaleString()
      if (dropped > 0) {
        list.append(noteNode(`${dropped.toLocaleString()} earlier lines are not shown`, new Date()))
        readers.clear() // the skipped lines may have changed the colours
      }
      list.append(
        ...items.map((item) =>
          item.kind === 'line'
            ? lineNode(item.line, item.ticket, spansOf(item.ticket, item.line))
            : noteNode(item.text, item.at),
        ),
      )
      while (list.childElementCount > MAX_LINES) list.firstElementChild?.remove()
    }
    scroller.scrollTop = scroller.scrollHeight
  }

  function spansOf(ticket: string, { stream, message }: LogLine): Span[] {
    const key = `${stream ?? ''} ${ticket}`
    const reader = readers.get(key) ?? new TerminalReader()
    readers.set(key, reader)
    return reader.readLine(message)
  }

  function offerJump(): void {
    total.textContent = lineCount.toLocaleString()
    jump.textContent = waiting.pushed > 0 ? `Jump to latest (${waiting.pushed.toLocaleString()} new)` : 'Jump to latest'
    jump.hidden = false
  }
}

function lineNode(line: LogLine, ticket: string, spans: readonly Span[]): HTMLElement {
  const { nodes, length } = spanNodes(spans, MAX_LINE_CHARACTERS)
  const message = element('span', { class: 'message', dir: 'auto' }, ...nodes)
  if (length > MAX_LINE_CHARACTERS) {
    message.append(element('em', {}, ` … ${length.toLocaleString()} characters in all`))
  }
  return element(
    'li',
    { 'data-level': line.level },
    element('time', { datetime: line.ts }, clock(new Date(line.ts))),
    ' ',
    element('span', { class: 'ticket' }, ticket),
    ' ',
    ...(line.level === 'info' ? [] : [element('span', { class: 'level' }, line.level), ' ']),
    message,
  )
}

function noteNode(text: string, at: Date): HTMLElement {
  return element(
    'li',
    { class: 'note' },
    element('time', { datetime: at.toISOString() }, clock(at)),
    ' ',
    element('span', { class: 'message' }, text),
  )
}
