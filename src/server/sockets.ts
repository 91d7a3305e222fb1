/** Everything that asks for an upgrade: the sockets of boards and channels, and Socket.IO where it is switched on. */
import type { Server } from 'node:http'
import { withoutBasePath } from '../base/base-path.ts'
import type { Config } from '../base/config.ts'
import { afterEarlierAnswers } from '../http/earlier-answers.ts'
import { asksForWebSocket, serveWithoutUpgrade } from '../http/not-a-websocket.ts'
import { negotiate } from '../ws/handshake.ts'
import { createLiveness } from '../ws/liveness.ts'
import { createPresence } from '../ws/presence.ts'
import { createSocketIo, SOCKET_IO_PATH, type SocketIo, type SocketIoDependencies } from '../ws/socketio.ts'
import { createUpgrades } from '../ws/upgrade.ts'

export interface Sockets {
  /** null: it is switched off. */
  readonly socketIo: SocketIo | null
  /** Answers the upgrades that come in there. */
  listenOn(server: Server): void
  /** Nothing is watched any more. */
  stop(): void
  /** Cuts every socket that there is, also those whose closing is under way. */
  destroyAll(): void
}

/** Rejects with ConfigError when Socket.IO is switched on and not installed. */
export async function createSockets(config: Config, dependencies: SocketIoDependencies): Promise<Sockets> {
  const { store, heartbeatMs, onError } = dependencies
  const socketIo = config.hasSocketIo ? await createSocketIo(dependencies) : null
  const liveness = createLiveness(heartbeatMs, () => socketIo?.forgivePause())
  const presence = createPresence(store, onError)
  const upgrades = createUpgrades({ ...dependencies, liveness, presence })
  return {
    socketIo,
    listenOn(server) {
      server.on('upgrade', (incoming, socket, head) => {
        afterEarlierAnswers(socket, () => {
          if (!asksForWebSocket(incoming)) {
            serveWithoutUpgrade(server, incoming, socket, head)
            return
          }
          if (!negotiate(incoming, socket)) return
          incoming.url = withoutBasePath(incoming.url ?? '/', config.basePath)
          if (socketIo && incoming.url.startsWith(SOCKET_IO_PATH)) socketIo.handleUpgrade(incoming, socket, head)
          else upgrades.handle(incoming, socket, head)
        })
      })
    },
    stop() {
      liveness.stop()
      socketIo?.close()
      presence.stop()
    },
    destroyAll() {
      upgrades.destroyAll()
      socketIo?.destroyAll()
    },
  }
}
