/** Upgrades to WebSockets: checks the request and its path, and does the handshake. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ServerOptions, WebSocketServer } from 'ws'
import { MAX_MESSAGE_BYTES } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import { refuseUpgrade } from '../http/problem-answers.ts'
import type { WebGuard } from '../http/web-guard.ts'
import type { RequestFields } from '../sse/request.ts'
import { isDashboardPath } from './addresses.ts'
import { openSocket, type SocketDependencies } from './open-socket.ts'
import { parseSocketRequest } from './request.ts'

export interface UpgradeDependencies extends SocketDependencies {
  readonly guard: WebGuard
}

/** Handles one request for an upgrade. Throws a Problem for what it refuses. */
export type UpgradeHandler = (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void

/** The published types of the library do not include `closeTimeout` yet. */
const LIBRARY: ServerOptions & { closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
  // Everything but the closing handshake is written past the library (sink.ts).
  autoPong: false,
  // A client that has not answered the closing handshake by then is cut.
  closeTimeout: 5_000,
}

export function createUpgradeHandler(dependencies: UpgradeDependencies): UpgradeHandler {
  const { drain, guard } = dependencies
  const library = new WebSocketServer(LIBRARY)
  library.on('wsClientError', ({ message }, socket, incoming) => {
    refuseUpgrade(incoming, socket, new Problem('bad_request', `This is not a WebSocket handshake: ${message}.`))
  })

  return (incoming, socket, head) => {
    throwIf(guard.refusalOfHost(incoming))
    const { pathname, searchParams } = parseTarget(incoming.url ?? '/')
    const isDashboard = isDashboardPath(pathname)
    if (isDashboard === undefined) {
      throw new Problem('not_found', `There is no WebSocket at ${pathname}. Use /ws or /ws/dashboard.`)
    }
    if (incoming.method !== 'GET') throw new Problem('not_found', `There is no ${incoming.method} ${pathname}.`)
    // The client may offer several protocols. The library accepts no list.
    incoming.headers.upgrade = 'websocket'
    throwIf(guard.refusalOfPage(incoming))
    drain.refuseConnections()
    const fields: RequestFields = {
      header: (name) => first(incoming.headers[name.toLowerCase()]),
      query: (name) => searchParams.get(name) ?? undefined,
    }
    const request = parseSocketRequest(fields, isDashboard)
    library.handleUpgrade(incoming, socket, head, (websocket) => {
      void openSocket(dependencies, { websocket, socket: socket as Socket }, request, fields)
    })
  }
}

/** A target is a path, whatever it begins with, or a whole address (RFC 9112, 3.2). */
function parseTarget(target: string): URL {
  const address = target.startsWith('/') ? `http://localhost${target}` : target
  if (!URL.canParse(address)) throw new Problem('bad_request', 'The address cannot be read.')
  return new URL(address)
}

function throwIf(problem: Problem | undefined): void {
  if (problem) throw problem
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
