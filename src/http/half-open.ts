/**
 * Connections whose first request has not arrived yet, and those of Socket.IO whose client has not been let in yet. A client
 * that is slow or hostile can hold any number of them open at no cost, so when there are too many, in all or from one
 * address, the oldest are ended. The others are served in the meantime: their requests arrive at once.
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
  /** Empty: shared by several clients. */
  readonly address: string
  /** How often it was found waiting. */
  looks: number
  end(): void
}

/**
 * A connection is ended only if it was there at an earlier look: before that, its request may have arrived and wait to be
 * read.
 */
export class HalfOpenConnections {
  readonly #limits: HalfOpenLimits
  readonly #proxies: TrustedProxies
  /** The oldest first. */
  readonly #waiting = new Set<HalfOpen>()
  readonly #timer: NodeJS.Timeout

  constructor(limits: HalfOpenLimits, proxies: TrustedProxies) {
    this.#limits = limits
    this.#proxies = proxies
    this.#timer = setInterval(() => this.#look(), limits.everyMs).unref()
  }

  /** Watches the connections of a server. */
  watch(server: Server): void {
    const leaves = new WeakMap<Socket, () => void>()
    server.on('connection', (socket) => {
      // One whose offer of an upgrade is ignored is emitted again for every such request: its first one has arrived.
      if (socket.destroyed || socket.bytesRead > 0) return
      const { remoteAddress } = socket
      // All clients of a proxy have its address.
      const isShared = this.#proxies.isTrusted(remoteAddress)
      const leave = this.#add(isShared ? '' : groupOf(remoteAddress ?? ''), () => socket.destroy())
      leaves.set(socket, leave)
      socket.once('close', leave)
    })
    const served = ({ socket }: IncomingMessage) => leaves.get(socket)?.()
    server.on('request', served)
    server.on('upgrade', served)
  }

  /** Adds a connection that a request has opened. The function returned takes it out: its client is let in, or gone. */
  add(incoming: IncomingMessage, end: () => void): () => void {
    return this.#add(this.#proxies.clientOf(incoming), end)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #add(address: string, end: () => void): () => void {
    const connection = { address: this.#limits.perAddress === undefined ? '' : address, looks: 0, end }
    this.#waiting.add(connection)
    return () => this.#waiting.delete(connection)
  }

  #look(): void {
    let surplus = this.#waiting.size - this.#limits.total
    const perAddress = this.#limits.perAddress ?? Infinity
    const counts = countByAddress(this.#waiting)
    for (const connection of this.#waiting) {
      const { address } = connection
      const count = counts.get(address) ?? 0
      connection.looks += 1
      if (connection.looks < 2 || (surplus <= 0 && (address === '' || count <= perAddress))) continue
      surplus -= 1
      counts.set(address, count - 1)
      connection.end()
    }
  }
}

function countByAddress(connections: Iterable<HalfOpen>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { address } of connections) counts.set(address, (counts.get(address) ?? 0) + 1)
  return counts
}
