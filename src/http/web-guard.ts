/**
 * What web pages may do. A browser sends requests from any page to any server that it can reach, loopback included, so
 * two things are checked. The host of a request must be a name of this server; that of a page which was made to resolve to
 * this machine (DNS rebinding) is not. And a mutation or the opening of a socket must not come from a page of another
 * origin, unless that origin is listed. Reads by other origins fail in the browser, which finds no CORS headers. Programs
 * that are not browsers send neither `Origin` nor `Sec-Fetch-Site` and are not restricted.
 */
import type { IncomingMessage } from 'node:http'
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
import { unreadableAddress } from './unreadable-request.ts'

/** A refusal is undefined if the request is allowed. */
export interface WebGuard {
  /** Pages of every origin may call, without credentials. */
  readonly allowsAnyOrigin: boolean
  /** Pages of at least one other origin may call. */
  readonly allowsOtherOrigins: boolean
  /** For requests to a host that is not this server. Only `Host` counts, not what a proxy adds beside it. */
  refusalOfHost(incoming: IncomingMessage): Problem | undefined
  /** For mutations and sockets of a page of another origin that is not listed. */
  refusalOfPage(incoming: IncomingMessage): Problem | undefined
  /** Whether `BOARDCAST_CORS_ORIGINS` lists an origin, given as the header `Origin` has it. */
  isListed(origin: string): boolean
}

/** A request target in absolute form: its authority counts, and not `Host` (RFC 9112, 3.2.2). */
const ABSOLUTE = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i
const WILDCARDS: readonly (string | undefined)[] = ['0.0.0.0', '[::]']
/** More spellings of the host than legitimate clients use. */
const MAX_REMEMBERED = 256

export function createWebGuard({ host, hosts, corsOrigins }: Pick<Config, 'host' | 'hosts' | 'corsOrigins'>): WebGuard {
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

  function isListed(text: string): boolean {
    if (allowsAnyOrigin || listedOrigins.has(text)) return true
    const origin = parseOrigin(text)
    return origin !== undefined && listedOrigins.has(formatOrigin(origin))
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
      const { origin } = incoming.headers
      const site = incoming.headers['sec-fetch-site']
      if (origin === undefined) {
        if (allowsAnyOrigin || (site !== 'cross-site' && site !== 'same-site')) return undefined
        return new Problem(
          'forbidden',
          'Pages of other origins may not do this. List theirs in BOARDCAST_CORS_ORIGINS.',
        )
      }
      if (isListed(origin) || (site !== 'cross-site' && isSameOrigin(origin, hostOf(incoming)))) return undefined
      return new Problem(
        'forbidden',
        `Pages of ${quoted(origin)} may not do this. List that origin in BOARDCAST_CORS_ORIGINS, or have the proxy pass on Host as the browser sent it.`,
      )
    },
  }
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
