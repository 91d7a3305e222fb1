/** Upgrades to WebSockets: checks the request and its path, and does the handshake. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ServerOptions, WebSocketServer } from 'ws'
import { HEADER, MAX_MESSAGE_BYTES } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import { type Admission, tooManyConnections } from '../connections/admission.ts'
import { UNLIMITED } from '../connections/connection-limit.ts'
import { refuseUpgrade } from '../http/problem-answers.ts'
import { requestIdOf } from '../http/request-id.ts'
import type { WebGuard } from '../http/web-guard.ts'
import type { RequestFields } from '../sse/request.ts'
import { isDashboardPath } from './addresses.ts'
import { admitSocket } from './admit.ts'
import { openSocket, type SocketDependencies } from './open-socket.ts'

export interface UpgradeDependencies extends SocketDependencies {
  readonly admission: Admission
  readonly guard: WebGuard
  /** The name of this node. */
  readonly node: string
}

/** Handles one request for an upgrade. Rejects with a Problem for what it refuses. */
export type UpgradeHandler = (incoming: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>

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
  const { drain, guard, admission, node } = dependencies
  const library = new WebSocketServer(LIBRARY)
  library.on('headers', (headers, incoming) => {
    headers.push(`${HEADER.node}: ${node}`, `${HEADER.requestId}: ${requestIdOf(incoming.headers)}`)
  })
  library.on('wsClientError', ({ message }, socket, incoming) => {
    refuseUpgrade(incoming, socket, new Problem('bad_request', `This is not a WebSocket handshake: ${message}.`), node)
  })

  return async (incoming, socket, head) => {
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
    // Nobody else listens until the library does, and an error must not be thrown.
    socket.on('error', ignore)
    const { subject, request } = await admitSocket(admission, fields, isDashboard)
    if (socket.destroyed) return
    const address = admission.addressOf(incoming)
    const place = admission.take(subject, address)
    if (!place) throw tooManyConnections()
    // A connection gives it back when it ends. Until there is one, the handshake may fail in several ways.
    if (place !== UNLIMITED) socket.once('close', () => place.giveBack())
    socket.off('error', ignore)
    library.handleUpgrade(incoming, socket, head, (websocket) => {
      const client = { subject, address, place }
      void openSocket(dependencies, { websocket, socket: socket as Socket, client }, request, fields)
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

function ignore(): void {}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
