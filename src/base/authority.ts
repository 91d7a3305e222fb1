/**
 * Hosts and origins, normalised so that they can be compared: lower case, international names in ASCII, no trailing dot,
 * no IPv6 zone, IPv6 in brackets and in its shortest form, ports as numbers.
 */
import { isIP } from 'node:net'

/** A host and its port, as in the `Host` header (RFC 9110, 7.2). */
export interface Authority {
  readonly name: string
  /** undefined: the default port of the scheme, which the `Host` header does not carry. */
  readonly port: number | undefined
}

/** The origin of a web page (RFC 6454). */
export interface Origin {
  readonly scheme: string
  readonly name: string
  /** undefined: none was given, and the scheme has no default port. */
  readonly port: number | undefined
}

const DEFAULT_PORT: Readonly<Record<string, number>> = { http: 80, https: 443, ws: 80, wss: 443 }
/** Characters that the URL parser would drop, decode, or treat as the end of the host. */
const ILLEGAL = /[\s/?#@\\%]/
const ORIGIN = /^([a-z][a-z\d+.-]*):\/\/(.+)$/i
const ZONE = /^\[([^\]%]*)%[^\]]*\]/
/** An IPv4-mapped IPv6 address, as the URL parser writes it. */
const MAPPED = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/

/** Parses `host` or `host:port`; undefined for any other text. */
export function parseAuthority(text: string): Authority | undefined {
  const zoneless = text.replace(ZONE, '[$1]')
  if (ILLEGAL.test(zoneless)) return undefined
  const url = parseUrl(`http://${zoneless}`)
  if (!url) return undefined
  const port = /:(\d+)$/.exec(zoneless)?.[1]
  return { name: canonical(url.hostname), port: port === undefined ? undefined : Number(port) }
}

/** Parses an origin; undefined for anything else, such as `null` or a URL with a path. */
export function parseOrigin(text: string): Origin | undefined {
  const [, scheme, host] = ORIGIN.exec(text) ?? []
  const authority = scheme === undefined || host === undefined ? undefined : parseAuthority(host)
  if (!scheme || !authority) return undefined
  const { name, port } = authority
  return { scheme: scheme.toLowerCase(), name, port: port ?? DEFAULT_PORT[scheme.toLowerCase()] }
}

/** Writes an origin as browsers do: without the default port. */
export function formatOrigin({ scheme, name, port }: Origin): string {
  return `${scheme}://${name}${port === undefined || port === DEFAULT_PORT[scheme] ? '' : `:${port}`}`
}

export function formatAuthority({ name, port }: Authority): string {
  return port === undefined ? name : `${name}:${port}`
}

/** Whether a request from a page of `origin` goes to the host that served the page. */
export function isAt(origin: Origin, host: Authority): boolean {
  return origin.name === host.name && origin.port === (host.port ?? DEFAULT_PORT[origin.scheme])
}

/** Whether `listed` names this host. A listed host without a port allows every port. */
export function isListedAs(host: Authority, listed: Authority): boolean {
  if (host.name !== listed.name) return false
  if (listed.port === undefined || listed.port === host.port) return true
  return host.port === undefined && Object.values(DEFAULT_PORT).includes(listed.port)
}

/** Whether a name must resolve to this machine (RFC 6761, 6.3) or is a loopback address. */
export function isLoopback(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || /^127(\.\d+){3}$/.test(name) || name === '[::1]'
}

export function isAddress(name: string): boolean {
  return isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
}

/** Parses a name or address without a port, IPv6 with or without brackets; undefined for anything else. */
export function parseHostName(text: string): string | undefined {
  if (isIP(text) === 6) return parseAuthority(`[${text}]`)?.name
  const authority = text.endsWith(':') ? undefined : parseAuthority(text)
  return authority?.port === undefined ? authority?.name : undefined
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined // The caller reports it.
  }
}

function canonical(hostname: string): string {
  const [, high, low] = MAPPED.exec(hostname) ?? []
  if (high !== undefined && low !== undefined) {
    const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
    return [a >> 8, a & 0xff, b >> 8, b & 0xff].join('.')
  }
  return hostname.replace(/(.)\.$/, '$1')
}
