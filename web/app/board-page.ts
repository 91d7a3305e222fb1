/** One board, live: its columns, the output of its attempts, and the events behind both. */
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { oncePerAnimationFrame } from '../client/hooks/animation-frame.ts'
import { BoardcastError, type Frame, type Payloads } from '../client/index.ts'
import { addCardForm } from './add-card.ts'
import { addressOf } from './address.ts'
import { getBoard, Refusal } from './api.ts'
import { boardStrip } from './board-strip.ts'
import { command, curlStream } from './command.ts'
import { type Connection, type Ended, refusalOf } from './connection.ts'
import { element } from './element.ts'
import { eventPanel } from './event-panel.ts'
import { hub } from './hub.ts'
import { logPanel } from './log-panel.ts'
import { nextStep, postCard } from './next-step.ts'
import type { Page } from './page.ts'
import { startAfresh } from './session.ts'
import { signIn } from './sign-in.ts'

type BoardEnd = Exclude<Ended, 'unwatched'>

export function boardPage(boardId: string, connection: Connection): Page {
  const heading = element('h1', { tabindex: '-1', dir: 'auto' }, boardId)
  const notice = element('div', { class: 'notice', hidden: true })
  const strip = boardStrip()
  const log = logPanel()
  const events = eventPanel()
  const form = addCardForm(boardId)
  const step = command('Post a card', postCard(boardId))
  const stream = `/sse?boardId=${encodeURIComponent(boardId)}`
  const watch = command('Watch this board in a terminal', curlStream(stream))
  const commands = element('section', { class: 'commands', 'aria-label': 'From a terminal' }, watch.node, step.node)
  const live = element(
    'div',
    { class: 'live' },
    strip.node,
    commands,
    element('div', { class: 'panels' }, log.node, events.node),
  )
  const node = element(
    'div',
    { class: 'board-page' },
    element('a', { class: 'back', href: addressOf(undefined), 'data-board': '' }, 'All boards'),
    element('div', { class: 'board-head' }, heading, form),
    notice,
    live,
  )

  const board = hub.board(boardId)
  /** The last one that was shown: a board that is deleted stays on screen. */
  let state: BoardState | undefined
  let wasDeleted = false
  let isForbidden = false
  let titleChanged = () => {}
  const { request: draw, cancel } = oncePerAnimationFrame(() => {
    if (!state) return
    strip.draw(state)
    const next = nextStep(boardId, state)
    step.set(next.purpose, next.text)
  })
  const ends = [
    board.subscribe(boardChanged),
    hub.subscribe(
      { channels: [`board:${boardId}`] },
      {
        event(frame) {
          events.add(frame)
          take(frame)
        },
        ready: () => void readName(),
        gap({ reason }) {
          log.addNote(`Gap (${reason}): lines may be missing here. The board above is fresh.`)
          connection.gap()
        },
        error(error) {
          if (!(error instanceof BoardcastError)) throw error
          // The store shows that a board does not exist.
          if (error.status === 403) end('forbidden')
        },
      },
    ),
    hub.status.subscribe(() => {
      const why = refusalOf(hub.status.get())
      if (why) end(why)
    }),
  ]
  // The store may still have the board, if it was on screen a moment ago.
  boardChanged()

  return {
    node,
    heading,
    close() {
      cancel()
      for (const end of ends.splice(0)) end()
    },
    onTitle(listener) {
      titleChanged = listener
    },
  }

  function boardChanged(): void {
    const value = board.get()
    if (value.phase === 'gone') end(wasDeleted ? 'deleted' : 'missing')
    else if (value.state && !isForbidden) {
      state = value.state
      draw()
    }
  }

  function take({ event, data }: Frame): void {
    switch (event) {
      case 'board_updated': {
        const { name } = (data as Payloads['board_updated']).changes
        if (name) setName(name)
        return
      }
      case 'board_deleted':
        wasDeleted = true
        end('deleted')
        return
      case 'attempt_status':
        log.addNote(sentenceFor(data as Payloads['attempt_status']))
        return
      case 'attempt_log': {
        const line = data as Payloads['attempt_log']
        log.addLine(ticketOf(line.attemptId), line)
        return
      }
      default:
    }
  }

  function sentenceFor({ cardId, attemptId, agent, status, exitCode, error }: Payloads['attempt_status']): string {
    const ticket = state?.cards[cardId]?.ticketKey ?? attemptId
    const why = [exitCode === null ? '' : `exit code ${exitCode}`, error ?? ''].filter(Boolean).join(', ')
    return `${ticket} ${status} (${agent})${why ? `, ${why}` : ''}`
  }

  function ticketOf(attemptId: string): string {
    const card = Object.values(state?.cards ?? {}).find(({ attempt }) => attempt?.id === attemptId)
    return card?.ticketKey ?? attemptId.slice(-8)
  }

  function end(why: BoardEnd): void {
    if (why === 'forbidden') forget()
    form.hidden = true
    commands.hidden = true
    live.hidden = !state
    const back = element('a', { href: addressOf(undefined), 'data-board': '' }, 'Choose another board')
    notice.replaceChildren(
      element('p', { role: 'alert' }, WHY_ENDED[why]),
      element('p', {}, back),
      why === 'forbidden' ? anotherToken() : '',
    )
    notice.hidden = false
    connection.ended(why)
  }

  /** Whoever looks at the page now may not see what it has shown. */
  function forget(): void {
    isForbidden = true
    state = undefined
    live.replaceChildren()
    setName(boardId)
  }

  async function readName(): Promise<void> {
    try {
      const { name } = await getBoard(boardId)
      if (!isForbidden) setName(name)
    } catch (refusal) {
      // The heading shows the id instead. If the board is gone, its store shows that.
      if (!(refusal instanceof Refusal)) throw refusal
    }
  }

  function setName(name: string): void {
    heading.textContent = name
    titleChanged()
  }
}

function anotherToken(): HTMLElement {
  const button = element('button', { type: 'button', class: 'quiet' }, 'Sign in with another token')
  button.addEventListener('click', async () => {
    if (await signIn({ canCancel: true })) await startAfresh()
    button.focus()
  })
  return button
}

const WHY_ENDED: Readonly<Record<BoardEnd, string>> = {
  deleted: 'This board was deleted. What is shown is the last of it.',
  missing: 'This board does not exist (any more).',
  forbidden: 'You are not allowed to see this board, or no longer.',
}
