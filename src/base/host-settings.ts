/** The settings that name hosts and origins: normalised here, or rejected with a sentence that shows the correct form. */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import * as z from 'zod'
import { formatAuthority, formatOrigin, isLoopback, parseAuthority, parseHostName, parseOrigin } from './authority.ts'

/** Alone in a list of hosts or origins: matches all. */
export const ANY = '*'

/** In a list of proxies: one that connects by a Unix socket, which has no address. */
export const UNIX_PEER = 'unix'

/** An invalid item. The message is printed after the name of the variable. */
class Fault extends Error {}

export interface ListenAddress {
  /** In the form that Node's `listen` takes: without brackets, with the zone. */
  readonly host: string
  /** The Unix socket to listen on instead. */
  readonly socketPath: string | undefined
}

const UNIX = 'unix:'
/** What fits into the address of a socket. A longer path would be cut off. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103

/** `HOST`: a name, an address, or `unix:` and a path. */
export const listenAddress = setting((text): ListenAddress => {
  const given = text.trim()
  // A Unix socket is on this machine, so requests on it are to localhost.
  if (given.startsWith(UNIX)) return { host: 'localhost', socketPath: socketPath(given.slice(UNIX.length)) }
  return { host: listenHost(given), socketPath: undefined }
})

/** `BOARDCAST_SOCKET_MODE`. */
export const socketMode = z
  .string()
  .regex(/^0?[0-7]{3}$/, 'must be the mode of a file in octal digits, such as 0660')
  .transform((text) => Number.parseInt(text, 8))

function socketPath(given: string): string {
  if (given === '' || given.includes('\0'))
    throw new Fault('must name a file after unix:, as in unix:/run/boardcast.sock')
  const path = resolve(given)
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES) return path
  throw new Fault(`names a path of more than ${MAX_SOCKET_PATH_BYTES} bytes, which is too long for a socket`)
}

function listenHost(given: string): string {
  const name = parseHostName(given)
  if (name === undefined || given === ANY) {
    throw new Fault(
      `is "${given}", but must be a name or an address without a port, such as 127.0.0.1, ::1 or 0.0.0.0 (PORT sets the port)`,
    )
  }
  // A link-local address is useless without its zone.
  const zone = /^\[?[^[\]]*(%[^[\]]+)\]?$/.exec(given)?.[1] ?? ''
  return name.replace(/^\[(.*)\]$/, '$1') + zone
}

/** `BOARDCAST_HOSTS`. */
export const hostList = list((item) => {
  const origin = item.includes('://') ? parseOrigin(withoutTrailingSlash(item)) : undefined
  if (origin) throw new Fault(`lists "${item}": leave out the scheme, and write ${origin.name}`)
  if (item.includes('*')) {
    throw new Fault(`lists "${item}": list each name; a lone * accepts every host`)
  }
  const authority = parseAuthority(isIP(item) === 6 ? `[${item}]` : item)
  if (!authority)
    throw new Fault(`lists "${item}", which is not a host; write it as board.example or board.example:8443`)
  return formatAuthority(authority)
})

/** `BOARDCAST_CORS_ORIGINS`. */
export const originList = list((item) => {
  if (item.includes('*')) {
    throw new Fault(`lists "${item}": list each origin; a lone * allows pages of every origin`)
  }
  if (item.toLowerCase() === 'null') {
    throw new Fault('lists "null", the origin of every sandboxed frame and local file; a lone * allows every page')
  }
  const origin = parseOrigin(withoutTrailingSlash(item))
  if (origin) return formatOrigin(origin)
  const [, start = '', rest = ''] = /^([a-z][a-z\d+.-]*:\/\/[^/?#]+)(.*)$/i.exec(item) ?? []
  if (rest !== '' && parseOrigin(start)) throw new Fault(`lists "${item}": an origin has no path; write ${start}`)
  const host = parseAuthority(item)
  const example = host ? `${isLoopback(host.name) ? 'http' : 'https'}://${item}` : 'https://board.example'
  throw new Fault(`lists "${item}", which is not an origin; write scheme, host and port, such as ${example}`)
})

/** `BOARDCAST_TRUSTED_PROXIES`. */
export const networkList = list((item) => {
  if (item === UNIX_PEER) return item
  const bare = item.replace(/[[\]]/g, '').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
  const [address = '', bits = '0', ...rest] = bare.split('/')
  const most = isIP(address) === 6 ? 128 : 32
  const isNetwork = isIP(address) !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most && !address.includes('%')
  if (isNetwork && rest.length === 0) return bare
  throw new Fault(
    `lists "${item}", which is not an address; write it as 10.0.0.7, 10.0.0.0/8 or fd00::/8, or unix for a Unix socket`,
  )
}).refine((items) => !items.includes(ANY), 'lists *, with which every client could choose its address; list each proxy')

/** A comma-separated list. Duplicates and empty items are dropped. */
function list(parse: (item: string) => string) {
  return setting((text): readonly string[] => {
    const items = text.split(',').map((item) => item.trim())
    const given = items.filter((item) => item !== '')
    if (given.length > 1 && given.includes(ANY))
      throw new Fault('lists * with other items: write * alone, or leave it out')
    if (given[0] === ANY) return [ANY]
    return [
      ...new Set(
        given.map((item) => {
          if (/\s/.test(item)) throw new Fault(`lists "${item}": separate items with commas`)
          return parse(item)
        }),
      ),
    ]
  })
}

function setting<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  })
}

/** Origins copied from an address bar end with a slash. */
function withoutTrailingSlash(item: string): string {
  return item.replace(/\/$/, '')
}
