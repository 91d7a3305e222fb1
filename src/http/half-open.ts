/**
 * Connections whose first request has not arrived yet. A client that is slow or hostile can hold any number of them open at
 * no cost, so when there are too many, in all or from one address, the oldest are ended. The others are served in the
 * meantime: their requests arrive at once.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { groupOf, type TrustedProxies } from './client-address.ts'

export interface HalfOpenLimits {
  readonly total: number
  /** undefined: clients on loopback share their address. */
  readonly perAddress: number | undefined
  readonly everyMs: number
}

/** A browser opens six, and a program with many agents sends its requests at once. */
export const HALF_OPEN_TOTAL = 1_000
export const HALF_OPEN_PER_ADDRESS = 100
export const HALF_OPEN_EVERY_MS = 500

interface HalfOpen {
  readonly address: string
  /** How often it was found without a request. */
  looks: number
}

/**
 * Watches the connections of a server. A connection is ended only if it was there at an earlier look: before that, its request
 * may have arrived and wait to be read. The function returned stops the watch.
 */
export function limitHalfOpen(server: Server, limits: HalfOpenLimits, proxies: TrustedProxies): () => void {
  /** The oldest first. */
  const waiting = new Map<Socket, HalfOpen>()

  server.on('connection', (socket) => {
    // One whose offer of an upgrade is ignored is emitted again for every such request: its first one has arrived.
    if (socket.destroyed || socket.bytesRead > 0) return
    const { remoteAddress } = socket
    // All clients of a proxy have its address.
    const isShared = limits.perAddress === undefined || proxies.isTrusted(remoteAddress)
    waiting.set(socket, { address: isShared ? '' : groupOf(remoteAddress ?? ''), looks: 0 })
    socket.once('close', () => waiting.delete(socket))
  })
  const served = ({ socket }: IncomingMessage) => waiting.delete(socket)
  server.on('request', served)
  server.on('upgrade', served)

  function look(): void {
    let surplus = waiting.size - limits.total
    const perAddress = limits.perAddress ?? Infinity
    const counts = countByAddress(waiting.values())
    for (const [socket, connection] of waiting) {
      const { address } = connection
      const count = counts.get(address) ?? 0
      connection.looks += 1
      if (connection.looks < 2 || (surplus <= 0 && (address === '' || count <= perAddress))) continue
      surplus -= 1
      counts.set(address, count - 1)
      socket.destroy()
    }
  }
  const timer = setInterval(look, limits.everyMs).unref()
  return () => clearInterval(timer)
}

function countByAddress(connections: Iterable<HalfOpen>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { address } of connections) counts.set(address, (counts.get(address) ?? 0) + 1)
  return counts
}
