/** The board on screen is the `board` parameter of the page's address, so that a reload and a link find it again. */
const PARAMETER = 'board'

export function currentBoard(): string | undefined {
  return new URLSearchParams(location.search).get(PARAMETER) || undefined
}

export function addressOf(boardId: string | undefined): string {
  return boardId ? `/?${PARAMETER}=${encodeURIComponent(boardId)}` : '/'
}

export function goTo(boardId: string | undefined): void {
  history.pushState(null, '', addressOf(boardId))
}
