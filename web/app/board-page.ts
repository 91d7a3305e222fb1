/** One board, live: its columns, what its attempts print, and the frames that brought both. */
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { addCardForm } from './add-card.ts'
import { addressOf, pathOf, urlOf } from './address.ts'
import { getBoard, Refusal } from './api.ts'
import { boardStrip } from './board-strip.ts'
import { command } from './command.ts'
import type { Connection } from './connection.ts'
import { element } from './element.ts'
import { BOARD_EVENTS } from './event-names.ts'
import { eventPanel } from './event-panel.ts'
import { type AttemptStatusChange, type KnownFrame, known } from './frames.ts'
import { logPanel } from './log-panel.ts'
import { nextStep, postCard } from './next-step.ts'
import { oncePerFrame } from './once-per-frame.ts'
import type { Page } from './page.ts'
import type { Phase } from './phase.ts'
import { type Frame, openStream } from './stream.ts'

export function boardPage(boardId: string, connection: Connection): Page {
  const streamPath = `/sse?boardId=${encodeURIComponent(boardId)}`
  const heading = element('h1', { tabindex: '-1', dir: 'auto' }, boardId)
  const notice = element('div', { class: 'notice', hidden: true })
  const strip = boardStrip()
  const log = logPanel()
  const events = eventPanel()
  const form = addCardForm(boardId)
  const step = command('Post a card', postCard(boardId))
  const watch = command('Watch this very stream in a terminal', `curl -N '${urlOf(streamPath)}'`)
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

  let state: BoardState | undefined
  let hasNews = () => {}
  const draw = oncePerFrame(() => {
    if (!state) return
    strip.draw(state)
    const next = nextStep(boardId, state)
    step.set(next.purpose, next.text)
  })
  const close = openStream({
    path: pathOf(streamPath),
    events: BOARD_EVENTS,
    probe,
    onFrame(frame) {
      connection.saw(frame.lastEventId)
      if (!isReplayed(frame)) events.add(frame)
      const message = known(frame)
      if (message) take(message)
    },
    onPhase(phase) {
      connection.setPhase(phase)
      if (phase.name === 'ended') end(phase)
    },
  })
  return {
    node,
    heading,
    close,
    onTitle(listener) {
      hasNews = listener
    },
  }

  function take(message: KnownFrame): void {
    switch (message.event) {
      case 'hello':
        // A resumed stream brings a change of name as an event; a fresh one does not.
        if (!message.data.resumed) void readName()
        return
      case 'gap':
        log.addNote(`Gap (${message.data.reason}): lines may be missing here. The board above is fresh.`)
        return
      case 'state':
        state = message.data
        draw()
        return
      case 'board_updated':
        if (message.data.changes.name) setName(message.data.changes.name)
        return
      case 'attempt_status':
        if (state) state = withAttempt(state, message.data)
        draw()
        if (!message.data.replayed) log.addNote(sentenceFor(message.data))
        return
      case 'attempt_log':
        log.addLine(ticketOf(message.data.attemptId), message.data)
        return
      case 'dashboard_overview':
        return
      default:
        message satisfies never
    }
  }

  function sentenceFor({ cardId, attemptId, agent, status, exitCode, error }: AttemptStatusChange): string {
    const ticket = state?.cards[cardId]?.ticketKey ?? attemptId
    const why = [exitCode === null ? '' : `exit code ${exitCode}`, error ?? ''].filter(Boolean).join(', ')
    return `${ticket} ${status} (${agent})${why ? `, ${why}` : ''}`
  }

  function ticketOf(attemptId: string): string {
    const card = Object.values(state?.cards ?? {}).find(({ attempt }) => attempt?.id === attemptId)
    return card?.ticketKey ?? attemptId.slice(-8)
  }

  function end(phase: Extract<Phase, { name: 'ended' }>): void {
    form.hidden = true
    commands.hidden = true
    live.hidden = !state
    const back = element('a', { href: addressOf(undefined), 'data-board': '' }, 'Choose another board')
    notice.replaceChildren(element('p', { role: 'alert' }, WHY_ENDED[phase.why]), element('p', {}, back))
    notice.hidden = false
  }

  async function probe(): Promise<number> {
    try {
      await getBoard(boardId)
      return 200
    } catch (refusal) {
      if (refusal instanceof Refusal) return refusal.status
      throw refusal
    }
  }

  async function readName(): Promise<void> {
    try {
      setName((await getBoard(boardId)).name)
    } catch (refusal) {
      // The id stands in for the name, and the stream tells by itself when the board is gone.
      if (!(refusal instanceof Refusal)) throw refusal
    }
  }

  function setName(name: string): void {
    heading.textContent = name
    hasNews()
  }
}

const WHY_ENDED: Readonly<Record<Extract<Phase, { name: 'ended' }>['why'], string>> = {
  deleted: 'This board was deleted. What is shown is the last of it.',
  missing: 'This board does not exist (any more).',
  forbidden: 'You are not allowed to see this board, or no longer.',
}

function isReplayed(frame: Frame): boolean {
  const { data } = frame
  return typeof data === 'object' && data !== null && 'replayed' in data && data.replayed === true
}

/**
 * The state with the newest attempt of a card as the event says. An event of an older attempt changes nothing on screen;
 * a queued one is new, for every attempt begins so.
 */
function withAttempt(state: BoardState, change: AttemptStatusChange): BoardState {
  const card = state.cards[change.cardId]
  if (!card) return state
  const isNewest = !card.attempt || card.attempt.id === change.attemptId || change.status === 'queued'
  if (!isNewest) return state
  const attempt = { id: change.attemptId, status: change.status, agent: change.agent }
  return { ...state, cards: { ...state.cards, [card.id]: { ...card, attempt } } }
}
