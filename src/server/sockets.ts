/** All requests for an upgrade: WebSockets, and Socket.IO if it is switched on. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { withoutBasePath } from '../base/base-path.ts'
import type { Config } from '../base/config.ts'
import { asProblem, Problem } from '../base/errors.ts'
import { Liveness } from '../connections/liveness.ts'
import type { BadTokens } from '../http/bad-tokens.ts'
import { afterEarlierAnswers } from '../http/earlier-answers.ts'
import { asksForWebSocket, serveWithoutUpgrade } from '../http/not-a-websocket.ts'
import { refuseUpgrade } from '../http/problem-answers.ts'
import { negotiate } from '../ws/handshake.ts'
import { createPresence, type Presence, type PresenceOptions } from '../ws/presence.ts'
import { createSocketIo, SOCKET_IO_PATH, type SocketIo, type SocketIoDependencies } from '../ws/socketio/server.ts'
import { createUpgradeHandler, type UpgradeHandler } from '../ws/upgrade.ts'
import { headersTimeoutMs } from './http-server.ts'

type SocketsDependencies = Omit<SocketIoDependencies, 'connectTimeoutMs' | 'node'> & Pick<PresenceOptions, 'isMember'>

/** Rejects with ConfigError if Socket.IO is switched on and not installed. */
export async function createSockets(config: Config, dependencies: SocketsDependencies): Promise<Sockets> {
  const { node, basePath } = config
  const { store, heartbeatMs, badTokens, onError } = dependencies
  const socketIo = config.hasSocketIo
    ? await createSocketIo({
        ...dependencies,
        node: config.node,
        connectTimeoutMs: headersTimeoutMs(config.requestTimeoutMs),
      })
    : null
  const liveness = new Liveness(heartbeatMs, () => socketIo?.forgivePause())
  const presence = createPresence({ store, node, isMember: dependencies.isMember, onError })
  const webSocket = createUpgradeHandler({ ...dependencies, node, liveness, presence })
  return new Sockets({ node, basePath, socketIo, liveness, presence, webSocket, badTokens, onError })
}

interface SocketParts {
  readonly node: string
  readonly basePath: string
  readonly socketIo: SocketIo | null
  readonly liveness: Liveness
  readonly presence: Presence
  readonly webSocket: UpgradeHandler
  readonly badTokens: BadTokens
  onError(error: unknown): void
}

export class Sockets {
  readonly #parts: SocketParts
  /** Every connection that was upgraded, until it is closed. Node's server does not count them any more. */
  readonly #upgraded = new Set<Duplex>()

  constructor(parts: SocketParts) {
    this.#parts = parts
  }

  /** null: it is switched off. */
  get socketIo(): SocketIo | null {
    return this.#parts.socketIo
  }

  get presence(): Presence {
    return this.#parts.presence
  }

  /** Handles the upgrades of a server. */
  listenOn(server: Server): void {
    server.on('upgrade', (incoming, socket, head) => {
      afterEarlierAnswers(socket, () => {
        if (asksForWebSocket(incoming)) void this.#upgrade(incoming, socket, head)
        else serveWithoutUpgrade(server, incoming, socket, head)
      })
    })
  }

  /** Stops what runs by the clock. */
  stop(): void {
    this.#parts.liveness.stop()
    this.#parts.socketIo?.close()
    this.#parts.presence.stop()
  }

  /** Cuts every socket, including those in the closing handshake. */
  destroyAll(): void {
    for (const socket of this.#upgraded) socket.destroy()
  }

  /** Does not reject. */
  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { node, basePath, socketIo, webSocket, badTokens, onError } = this.#parts
    if (!negotiate(incoming, socket, node)) return
    incoming.url = withoutBasePath(incoming.url ?? '/', basePath)
    this.#upgraded.add(socket)
    socket.once('close', () => this.#upgraded.delete(socket))
    try {
      if (socketIo && incoming.url.startsWith(SOCKET_IO_PATH)) socketIo.handleUpgrade(incoming, socket, head)
      else await webSocket(incoming, socket, head)
    } catch (thrown) {
      if (!(thrown instanceof Problem)) onError(thrown)
      refuseUpgrade(incoming, socket, badTokens.refusalOf(asProblem(thrown), incoming), node)
    }
  }
}
