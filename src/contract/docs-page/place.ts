/**
 * Where the page is served, which is not known when it is made. Each mark stands for a part of an address, and is replaced
 * for each request.
 */

export interface Place {
  /** Scheme and host, as in `http://localhost:3000`. */
  readonly origin: string
  /** The path in front of every address; '' without one. */
  readonly prefix: string
  /** Commands need a token. */
  readonly hasRights: boolean
}

/** In front of every address of the page and its files. */
export const BASE = '\ue000base\ue000'
/** In front of every address in a command. */
export const URL_BASE = '\ue000url\ue000'
/** The same for sockets. */
export const SOCKET_BASE = '\ue000socket\ue000'
/** Behind `curl` in every command that may need a token. */
export const TOKEN = '\ue000token\ue000'
/** Encloses what is there on a server with rights only, and on one without them. */
export const WITH_RIGHTS = '\ue000rights\ue000'
export const WITHOUT_RIGHTS = '\ue000open\ue000'

const MARK = /\ue000(\w+)\ue000/
/** Names, IPv4 and IPv6 addresses: nothing that means something in HTML or to a shell. */
const AUTHORITY = /^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

/** The page cut at its marks: texts at even indexes, the names of marks between them. */
export type Template = readonly string[]

export function templateOf(text: string): Template {
  return text.split(MARK)
}

/** The page as it is served at a place. */
export function fill(template: Template, { origin, prefix, hasRights }: Place): string {
  const values: Readonly<Record<string, string>> = {
    base: prefix,
    url: origin + prefix,
    socket: origin.replace(/^http/, 'ws') + prefix,
    // Escaped: it is in the text of the page.
    token: hasRights ? ' -H &quot;Authorization: Bearer $BOARDCAST_TOKEN&quot;' : '',
  }
  let isShown = true
  let text = ''
  for (const [index, part] of template.entries()) {
    if (index % 2 === 0) text += isShown ? part : ''
    else if (part === 'rights' || part === 'open') isShown = !isShown || (part === 'rights') === hasRights
    else if (isShown) text += values[part] ?? ''
  }
  return text
}

/** The origin of a request; that of a server on this machine if the host is none. */
export function originOf(scheme: 'http' | 'https', host: string | undefined): string {
  return host !== undefined && AUTHORITY.test(host) ? `${scheme}://${host.toLowerCase()}` : 'http://localhost:3000'
}
