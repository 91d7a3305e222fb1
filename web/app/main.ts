/** One page at a time: the list of boards, or the board that the address names. */
import { currentBoard, goTo } from './address.ts'
import { boardPage } from './board-page.ts'
import { boardsPage } from './boards-page.ts'
import { showConnection } from './connection.ts'
import { hub } from './hub.ts'
import type { Page } from './page.ts'
import { currentToken, haveOneHolder, onSignedOut, startAfresh, untilSignedIn } from './session.ts'
import { signIn } from './sign-in.ts'
import { signOut } from './sign-out.ts'

const container = document.getElementById('page')
const connectionContainer = document.getElementById('connection')
if (container && connectionContainer) start(container, connectionContainer)

function start(container: HTMLElement, connectionContainer: HTMLElement): void {
  const connection = showConnection(connectionContainer)
  let page: Page | undefined

  connectionContainer.after(signOut())
  onSignedOut(async () => {
    const before = currentToken()
    // A cookie, of which nothing is known, may have been the credential.
    const hasShown = hub.status.get().lastFrameAt !== null
    await signIn()
    const token = currentToken()
    const isAnother = before === undefined ? hasShown : token !== undefined && !haveOneHolder(before, token)
    if (isAnother) await startAfresh()
    // The stream goes on where it was.
    hub.reconnect()
  })
  hub.status.subscribe(() => {
    if (hub.status.get().stop?.reason === 'unauthenticated') void untilSignedIn()
  })
  show()
  addEventListener('popstate', () => {
    show()
    page?.heading.focus()
  })
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[data-board]') : null
    // The browser opens new tabs and windows itself.
    if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    open(link.getAttribute('data-board') || undefined)
  })

  function open(boardId: string | undefined): void {
    goTo(boardId)
    show()
    page?.heading.focus()
  }

  function show(): void {
    page?.close()
    connection.reset()
    const boardId = currentBoard()
    const shown = boardId ? boardPage(boardId, connection) : boardsPage(open, connection)
    page = shown
    const setTitle = () => {
      document.title = `${shown.heading.textContent} · Boardcast`
    }
    shown.onTitle(setTitle)
    setTitle()
    container.replaceChildren(shown.node)
    scrollTo(0, 0)
  }
}
