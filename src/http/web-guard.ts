/**
 * What web pages may do. A browser sends requests from any page to any server that it can reach, loopback included, so
 * two things are checked. The host of a request must be a name of this server; that of a page which was made to resolve to
 * this machine (DNS rebinding) is not. And a mutation or the opening of a socket must not come from a page of another
 * origin, unless that origin is listed. Reads by other origins fail in the browser, which finds no CORS headers. Programs
 * that are not browsers send neither `Origin` nor `Sec-Fetch-Site` and are not restricted, unless the cookie is their
 * credential: browsers add it to the requests of every page, so such a request must prove that it comes from a good one.
 */
import type { IncomingMessage } from 'node:http'
import { credentialOf } from '../auth/credentials.ts'
import {
  type Authority,
  formatOrigin,
  isAddress,
  isAt,
  isListedAs,
  isLoopback,
  parseAuthority,
  parseHostName,
  parseOrigin,
} from '../base/authority.ts'
import type { Config } from '../base/config.ts'
import { Problem } from '../base/errors.ts'
import { ANY } from '../base/host-settings.ts'
import { isMutation } from './methods.ts'
import { unreadableAddress } from './unreadable-request.ts'

/** A refusal is undefined if the request is allowed. */
export interface WebGuard {
  /** Pages of every origin may call, without credentials. */
  readonly allowsAnyOrigin: boolean
  /** Pages of at least one other origin may call. */
  readonly allowsOtherOrigins: boolean
  /** For requests to a host that is not this server. Only `Host` counts, not what a proxy adds beside it. */
  refusalOfHost(incoming: IncomingMessage): Problem | undefined
  /**
   * For mutations and sockets of a page of another origin that is not listed, and for those with the cookie that do not
   * come from a page at all.
   */
  refusalOfPage(incoming: IncomingMessage): Problem | undefined
  /** For everything else: only requests with the cookie are refused to a page of another origin that is not listed. */
  refusalOfReader(incoming: IncomingMessage): Problem | undefined
  /** For the form that signs a browser in. It must come from a page of this server, or of an origin listed by name. */
  refusalOfSignIn(incoming: IncomingMessage): Problem | undefined
  /** Whether `BOARDCAST_CORS_ORIGINS` lists an origin, given as the header `Origin` has it. */
  isListed(origin: string): boolean
}

/** A request target in absolute form: its authority counts, and not `Host` (RFC 9112, 3.2.2). */
const ABSOLUTE = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i
const WILDCARDS: readonly (string | undefined)[] = ['0.0.0.0', '[::]']
/** More spellings of the host than legitimate clients use. */
const MAX_REMEMBERED = 256

/** `isAuthOn`: the cookie is a credential. */
export function createWebGuard(
  { host, hosts, corsOrigins }: Pick<Config, 'host' | 'hosts' | 'corsOrigins'>,
  isAuthOn: boolean,
): WebGuard {
  const listening = parseHostName(host)
  const onEveryAddress = WILDCARDS.includes(listening)
  const listedHosts = hosts.flatMap((item) => parseAuthority(item) ?? [])
  const allowsAnyHost = hosts.includes(ANY)
  const allowsAnyOrigin = corsOrigins.includes(ANY)
  const listedOrigins = new Set(corsOrigins)
  /** Values of `Host` that were found to be this server. */
  const accepted = new Set<string>()

  function isOwn({ name, port }: Authority, { socket }: IncomingMessage): boolean {
    if (isLoopback(name) || name === listening) return true
    // Only a name can be made to resolve to this machine, not an address.
    if (isAddress(name) && (onEveryAddress || name === parseHostName(socket.localAddress ?? ''))) return true
    return listedHosts.some((listed) => isListedAs({ name, port }, listed))
  }

  function isListedByName(text: string): boolean {
    if (listedOrigins.has(text)) return true
    const origin = parseOrigin(text)
    return origin !== undefined && listedOrigins.has(formatOrigin(origin))
  }

  function isListed(text: string): boolean {
    return allowsAnyOrigin || isListedByName(text)
  }

  /** `byCookie`: the request has the rights of the user, whatever page sends it, so `*` lists nothing. */
  function refusalOf(incoming: IncomingMessage, byCookie: boolean): Problem | undefined {
    const { origin } = incoming.headers
    const site = incoming.headers['sec-fetch-site']
    if (origin === undefined) {
      if ((allowsAnyOrigin && !byCookie) || (site !== 'cross-site' && site !== 'same-site')) return undefined
      return new Problem('forbidden', 'Pages of other origins may not do this. List theirs in BOARDCAST_CORS_ORIGINS.')
    }
    if (byCookie ? isListedByName(origin) : isListed(origin)) return undefined
    if (site !== 'cross-site' && isSameOrigin(origin, hostOf(incoming))) return undefined
    return new Problem(
      'forbidden',
      `Pages of ${quoted(origin)} may not do this. List that origin in BOARDCAST_CORS_ORIGINS, or have the proxy pass on Host as the browser sent it.`,
    )
  }

  return {
    allowsAnyOrigin,
    allowsOtherOrigins: corsOrigins.length > 0,
    isListed,
    refusalOfHost(incoming) {
      if (namesTwoHosts(incoming)) return new Problem('bad_request', 'A request names one Host, not several.')
      const text = hostOf(incoming)
      // HTTP/1.0 does not require it, and no browser omits it.
      if (text === undefined || allowsAnyHost || accepted.has(text)) return undefined
      const authority = parseAuthority(text)
      if (!authority) return unreadableAddress()
      if (isOwn(authority, incoming)) {
        if (accepted.size < MAX_REMEMBERED) accepted.add(text)
        return undefined
      }
      return new Problem(
        'forbidden',
        `This server is not known as ${quoted(text)}. Add that host to BOARDCAST_HOSTS, or have the proxy send a Host that the server knows.`,
      )
    },
    refusalOfPage(incoming) {
      const byCookie = isAuthOn && usesCookie(incoming)
      const refusal = refusalOf(incoming, byCookie)
      if (refusal || !byCookie || !needsOrigin(incoming) || namesPage(incoming)) return refusal
      return new Problem(
        'forbidden',
        'A request with the cookie must have the Origin of its page. Programs send Authorization: Bearer instead.',
      )
    },
    refusalOfSignIn(incoming) {
      const refusal = refusalOf(incoming, true)
      if (refusal || namesPage(incoming)) return refusal
      return new Problem('forbidden', 'This form is for browsers. Programs send Authorization: Bearer.')
    },
    refusalOfReader(incoming) {
      // Another site may link to the page.
      const isNavigation = incoming.headers['sec-fetch-mode'] === 'navigate'
      return isAuthOn && !isNavigation && usesCookie(incoming) ? refusalOf(incoming, true) : undefined
    },
  }
}

/** Whether the cookie is the credential of a request: others come before it, on a socket also those of the query. */
function usesCookie({ headers, url = '' }: IncomingMessage): boolean {
  if (headers.cookie === undefined) return false
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1))
  const fields = {
    header: (name: string) => String(headers[name.toLowerCase()] ?? '') || undefined,
    query: (name: string) => query.get(name) ?? undefined,
  }
  return credentialOf(fields, headers.upgrade !== undefined)?.from === 'cookie'
}

/** Browsers send `Origin` with everything except a plain read of their own origin, such as a poll of Socket.IO. */
function needsOrigin({ method = '', headers }: IncomingMessage): boolean {
  return isMutation(method) || headers.upgrade !== undefined
}

function namesPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined || headers['sec-fetch-site'] === 'same-origin'
}

/** Node uses the first; a proxy in front may use the last (RFC 9112, 3.2). */
function namesTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  return hosts > 1
}

function hostOf({ url = '', headers }: IncomingMessage): string | undefined {
  return url.startsWith('/') ? headers.host : (ABSOLUTE.exec(url)?.[1] ?? headers.host)
}

/** Headers may be empty or very long. */
function quoted(text: string): string {
  return text.length > 0 && text.length <= 300 ? text : JSON.stringify(text.slice(0, 300))
}

function isSameOrigin(text: string, host: string | undefined): boolean {
  const origin = parseOrigin(text)
  const authority = host === undefined ? undefined : parseAuthority(host)
  return origin !== undefined && authority !== undefined && isAt(origin, authority)
}
