/** The address of the client of a request. Behind a proxy it is in `X-Forwarded-For`, which anyone can send. */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { UNIX_PEER } from '../base/host-settings.ts'

/** Which proxies are believed. */
export interface TrustedProxies {
  /** An address as Node has it; undefined or empty for a Unix socket. */
  isTrusted(address: string | undefined): boolean
  /**
   * Where limits are counted: the address of the connection, or, if that is a trusted proxy's, the last in
   * `X-Forwarded-For` that is not one. IPv6 addresses by their first 64 bits, which one client has to itself.
   */
  clientOf(incoming: IncomingMessage): string
}

/** `items`: addresses, networks such as 10.0.0.0/8, and UNIX_PEER. */
export function trustedProxies(items: readonly string[]): TrustedProxies {
  const networks = new BlockList()
  for (const item of items) {
    const [address = '', bits] = item.split('/')
    if (isIP(address) === 0) continue
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) networks.addAddress(address, family)
    else networks.addSubnet(address, Number(bits), family)
  }
  const trustsUnix = items.includes(UNIX_PEER)

  function isTrusted(given: string | undefined): boolean {
    if (!given) return trustsUnix
    const address = plain(given)
    return networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }

  return {
    isTrusted,
    clientOf({ socket: { remoteAddress }, headers }) {
      let client = remoteAddress ?? ''
      if (items.length === 0 || !isTrusted(client)) return groupOf(client)
      const forwarded = String(headers['x-forwarded-for'] ?? '').split(',')
      for (const text of forwarded.reverse()) {
        const address = addressIn(text)
        // What stands before something unreadable may be anyone's.
        if (address === undefined) break
        client = address
        if (!isTrusted(client)) break
      }
      return groupOf(client)
    },
  }
}

/** What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function groupOf(given: string): string {
  const address = plain(given)
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const first = head === '' ? [] : head.split(':')
  const missing = tail === undefined ? 0 : 8 - first.length - (tail === '' ? 0 : tail.split(':').length)
  const groups = [...first, ...Array<string>(missing).fill('0'), ...(tail ?? '').split(':')].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}

/** Some proxies add the port. */
function addressIn(text: string): string | undefined {
  const bare = text.trim().replace(/^\[(.*)\](?::\d+)?$/, '$1')
  const address = isIP(bare) === 0 ? bare.replace(/:\d+$/, '') : bare
  return isIP(address) === 0 ? undefined : address
}

/** Without a zone, and an IPv4 address as such. */
function plain(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}
