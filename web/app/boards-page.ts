/** All boards, live from the dashboard, and how to make the first one. */
import { API_PREFIX } from '../../shared/src/protocol.ts'
import type { Overview } from '../../shared/src/types/dashboard.ts'
import { BoardcastError } from '../client/index.ts'
import { addressOf, urlOf } from './address.ts'
import { listBoards, Refusal } from './api.ts'
import { command, curlPost } from './command.ts'
import type { Connection } from './connection.ts'
import { createDemoBoard, DEMO_BOARD, playDemo } from './demo.ts'
import { arrange, element } from './element.ts'
import { hub } from './hub.ts'
import { postCard } from './next-step.ts'
import type { Page } from './page.ts'

type ProjectSnapshot = Overview['projectSnapshots'][number]
/** The list of boards contains only names. The counts come with the dashboard. */
type BoardLine = Pick<ProjectSnapshot, 'boardId' | 'name'> & Partial<ProjectSnapshot>

const NOT_WATCHED =
  'You have no right to the dashboard. The boards that you may see are listed, but the list does not change by itself: reload the page.'

export function boardsPage(open: (boardId: string) => void, connection: Connection): Page {
  const heading = element('h1', { tabindex: '-1' }, 'Boards')
  const loading = element('p', { class: 'empty' }, 'Loading boards…')
  const note = element('p', { class: 'list-note', hidden: true }, NOT_WATCHED)
  const list = element('ul', { class: 'boards' })
  const guide = firstBoardGuide(open)
  guide.hidden = true
  const node = element('div', { class: 'boards-page' }, heading, note, loading, list, guide)
  const lines = new Map<string, { node: HTMLElement; drawn: string }>()
  let hasOverview = false

  void readList()
  const dashboard = hub.dashboard()
  const close = dashboard.subscribe(show)
  show()
  return { node, heading, close, onTitle() {} }

  function show(): void {
    const { overview, error } = dashboard.get()
    if (error instanceof BoardcastError && error.status === 403) {
      endList()
      return
    }
    if (!overview) return
    hasOverview = true
    draw(overview.projectSnapshots)
  }

  /** The boards that one may see are listed without a right to the dashboard, too. */
  function endList(): void {
    if (!note.hidden) return
    note.hidden = false
    hasOverview = false
    connection.ended('unwatched')
    void readList()
  }

  async function readList(): Promise<void> {
    try {
      const boards = await listBoards()
      // The overview is newer than a list that was requested before it came.
      if (!hasOverview) draw(boards.map(({ id, name }) => ({ boardId: id, name })))
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal
      if (!hasOverview) loading.textContent = refusal.message
    }
  }

  function draw(boards: readonly BoardLine[]): void {
    loading.hidden = true
    // Once shown, the guide stays: its second command is still needed when the first has created the board.
    if (boards.length === 0) guide.hidden = false
    const there = new Set(boards.map(({ boardId }) => boardId))
    for (const id of lines.keys()) if (!there.has(id)) lines.delete(id)
    arrange(list, boards.map(drawLine))
  }

  function drawLine(board: BoardLine): HTMLElement {
    const line = lines.get(board.boardId) ?? { node: element('li'), drawn: '' }
    lines.set(board.boardId, line)
    const contents = JSON.stringify([board.name, countsOf(board)])
    if (line.drawn !== contents) {
      const link = line.node.querySelector('a') ?? boardLink(board.boardId)
      link.replaceChildren(
        element('span', { class: 'board-name', dir: 'auto' }, board.name),
        ' ',
        element('span', { class: 'board-id' }, board.boardId),
        ' ',
        element('span', { class: 'board-counts' }, countsOf(board)),
      )
      if (!line.node.contains(link)) line.node.append(link)
      line.drawn = contents
    }
    return line.node
  }
}

function boardLink(boardId: string): HTMLElement {
  return element('a', { href: addressOf(boardId), 'data-board': boardId })
}

function countsOf({ openCards, totalCards, activeAttempts }: BoardLine): string {
  if (totalCards === undefined) return ''
  const cards = totalCards === 0 ? 'no cards' : `${openCards} of ${totalCards} cards open`
  return activeAttempts ? `${cards}, ${activeAttempts} being worked on` : cards
}

function firstBoardGuide(open: (boardId: string) => void): HTMLElement {
  const make = element('button', { type: 'button', class: 'primary' }, 'Make a demo board')
  const error = element('p', { class: 'error', role: 'alert' })
  make.addEventListener('click', () => void makeDemo())

  return element(
    'section',
    { class: 'guide', 'aria-labelledby': 'guide-title' },
    element('h2', { id: 'guide-title' }, 'Make the first board'),
    element(
      'p',
      {},
      'Programs post what happened: a card moved, an attempt printed a line. Every screen that listens sees it at once. ' +
        'Paste these into a terminal and watch this page.',
    ),
    element(
      'ol',
      { class: 'steps' },
      element('li', {}, command('Create a board', curlPost(`${API_PREFIX}/boards`, DEMO_BOARD)).node),
      element('li', {}, command('Post a card to it', postCard(DEMO_BOARD.id)).node),
    ),
    command('Or run the demo, a lively board', `node dist/cli.js demo --url ${urlOf('')}`).node,
    element('div', { class: 'make-demo' }, element('p', {}, 'No terminal at hand?'), make, error),
  )

  async function makeDemo(): Promise<void> {
    make.setAttribute('aria-disabled', 'true')
    error.textContent = ''
    try {
      await createDemoBoard()
      open(DEMO_BOARD.id)
      // From here on the board is on screen: a failure shows there as missing cards.
      await playDemo()
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal
      error.textContent = refusal.message
    } finally {
      make.removeAttribute('aria-disabled')
    }
  }
}
