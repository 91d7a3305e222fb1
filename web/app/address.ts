/**
 * Addresses of the page and of the server behind it. A proxy may serve both under a path, which the server writes into the
 * page. The board on screen is the `board` parameter of the page's address, so that a reload and a link find it again.
 */
import { parseChannel } from '../../shared/src/channels.ts'

const PARAMETER = 'board'

/** The prefix of every path; '' if the server has a host of its own. */
const base = (document.querySelector('meta[name=base]')?.getAttribute('content') ?? '').replace(/\/$/, '')

/** A path of the server as this page reaches it. */
export function pathOf(path: string): string {
  return `${base}${path}`
}

/** The same as an absolute URL, for programs elsewhere. */
export function urlOf(path: string): string {
  return `${location.origin}${base}${path}`
}

/** undefined: the address names none, or nothing that could be one. */
export function currentBoard(): string | undefined {
  const id = new URLSearchParams(location.search).get(PARAMETER) || boardOfPath(location.pathname)
  const isId = id && !/^\.\.?$/.test(id) && parseChannel(`board:${id}`)?.kind === 'board'
  return isId ? id : undefined
}

export function addressOf(boardId: string | undefined): string {
  return pathOf(boardId ? `/?${PARAMETER}=${encodeURIComponent(boardId)}` : '/')
}

export function goTo(boardId: string | undefined): void {
  history.pushState(null, '', addressOf(boardId))
}

/** `/boards/ID`, as in the API, works too. */
function boardOfPath(pathname: string): string | undefined {
  const [, id] = /^\/boards\/([\w:.-]+)\/?$/.exec(pathname.slice(base.length)) ?? []
  return id
}
