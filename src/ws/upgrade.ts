/** The upgrade of a connection to a WebSocket: who may have one, of which kind, and what it listens to. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import type { ChannelKind } from '../../shared/src/channels.ts'
import { API_PREFIX, CLOSE, HEADER, MAX_MESSAGE_BYTES } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import type { Store } from '../db/store.ts'
import { requestIdOf } from '../http/request-id.ts'
import type { WebGuard } from '../http/web-guard.ts'
import type { Start } from '../sse/delivery/channel-change.ts'
import type { Asking } from '../sse/request.ts'
import { startOf } from '../sse/start.ts'
import { boardConversation, dashboardConversation } from './board-socket.ts'
import { channelConversation } from './channel-socket.ts'
import { boardFraming, channelFraming, markedChannelFraming } from './framings.ts'
import { type Conversation, openPeer, type Peer, type PeerDependencies } from './peer.ts'
import type { Presence } from './presence.ts'
import { refuseUpgrade } from './refusal.ts'
import { parseSocketRequest, type SocketRequest } from './request.ts'

export interface UpgradeDependencies extends PeerDependencies {
  readonly store: Store
  readonly presence: Presence
  readonly guard: WebGuard
  mustExist(kind: ChannelKind, id: string): Promise<void>
}

export interface Upgrades {
  handle(incoming: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Cuts every socket that there is, also those whose closing is under way. */
  destroyAll(): void
}

/** Addresses of sockets; true: of the dashboard. Some clients connect to the bare host: a GET of `/` is the page. */
const ADDRESSES: ReadonlyMap<string, boolean> = new Map([
  ['/', false],
  ...['', API_PREFIX].flatMap(
    (prefix): Array<[string, boolean]> => [
      [`${prefix}/ws`, false],
      [`${prefix}/ws/dashboard`, true],
    ],
  ),
])

/** The published types of the library do not know `closeTimeout` yet. */
const LIBRARY: ServerOptions & { closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
  // Everything but the closing handshake is written past the library (sink.ts).
  autoPong: false,
  // A peer that does not answer the closing handshake is cut then.
  closeTimeout: 5_000,
}

export function createUpgrades(dependencies: UpgradeDependencies): Upgrades {
  const { connections, guard } = dependencies
  const library = new WebSocketServer(LIBRARY)
  library.on('wsClientError', ({ message }, socket, incoming) => {
    refuseUpgrade(
      socket,
      new Problem('bad_request', `This is no WebSocket handshake: ${message}.`),
      requestIdHeader(incoming),
    )
  })
  const sockets = new Set<Duplex>()

  function handle(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      throwIf(guard.refusalOfHost(incoming))
      const { pathname, searchParams } = addressOf(incoming.url ?? '/')
      const isDashboard = ADDRESSES.get(pathname)
      if (isDashboard === undefined) throw new Problem('not_found', `There is no WebSocket at ${pathname}, but at /ws.`)
      if (incoming.method !== 'GET') throw new Problem('not_found', `There is no ${incoming.method} ${pathname}.`)
      // Of several that are offered; the library takes no list.
      incoming.headers.upgrade = 'websocket'
      throwIf(guard.refusalOfPage(incoming))
      if (connections.isDraining) {
        throw new Problem('draining', 'The server is going down. Come back in a moment.', { retryAfterS: 2 })
      }
      const asking: Asking = {
        header: (name) => first(incoming.headers[name.toLowerCase()]),
        query: (name) => searchParams.get(name) ?? undefined,
      }
      const request = parseSocketRequest(asking, isDashboard)
      library.handleUpgrade(incoming, socket, head, (websocket) => {
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
        void open(dependencies, { websocket, socket: socket as Socket }, request, asking)
      })
    } catch (thrown) {
      const problem = thrown instanceof Problem ? thrown : new Problem('bad_request', 'The address cannot be read.')
      refuseUpgrade(socket, problem, requestIdHeader(incoming))
    }
  }

  return {
    handle,
    destroyAll() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A target is a path, whatever it begins with, or a whole address (RFC 9112, 3.2). */
function addressOf(target: string): URL {
  return target.startsWith('/') ? new URL(`http://localhost${target}`) : new URL(target)
}

function throwIf(problem: Problem | undefined): void {
  if (problem) throw problem
}

function requestIdHeader({ headers }: IncomingMessage): Record<string, string> {
  return { [HEADER.requestId]: requestIdOf(headers) }
}

/** A plain GET of a socket's address: a browser learns from it why its socket failed. */
export function upgradeRequired(path: string): Problem {
  return new Problem(
    'upgrade_required',
    `${path} is a WebSocket: open it with ws:// and an upgrade. GET /sse is the stream over HTTP.`,
  )
}

async function open(
  dependencies: UpgradeDependencies,
  connection: { websocket: WebSocket; socket: Socket },
  request: SocketRequest,
  asking: Asking,
): Promise<void> {
  const { store, onError } = dependencies
  const { websocket } = connection
  // Until it is known that there is something to listen to: faults and messages of an impatient client must not be lost.
  websocket.on('error', () => undefined)
  websocket.pause()
  let start: Start
  try {
    for (const { kind, id } of request.selection.channels) await dependencies.mustExist(kind, id)
    start = await startOf(store, request.selection, asking)
  } catch (error) {
    if (!(error instanceof Problem)) onError(error)
    websocket.resume()
    // A storage that fails is no reason never to come back.
    const mayComeBack = !(error instanceof Problem) || error.body.status >= 500
    const reason = error instanceof Problem ? error.body.title : 'It could not be opened'
    websocket.close(mayComeBack ? CLOSE.failed : CLOSE.refused, reason)
    return
  }
  const isChannels = request.kind === 'channels'
  openPeer(
    dependencies,
    connection,
    {
      selection: request.selection,
      framing: isChannels ? (request.saysMore ? markedChannelFraming : channelFraming) : boardFraming,
      start,
      withOpeningFrames: !isChannels,
      outlivesChannels: isChannels,
      limit: request.limit,
      timeoutMs: request.timeoutMs,
    },
    (peer) => conversationOf(dependencies, request, peer),
  )
  websocket.resume()
}

function conversationOf(dependencies: UpgradeDependencies, request: SocketRequest, peer: Peer): Conversation {
  const { connections } = dependencies
  const talking = {
    ...dependencies,
    refuseMutations() {
      if (!connections.isDraining) return
      throw new Problem('draining', 'The server is going down; nothing was changed. Try again in a moment.')
    },
  }
  switch (request.kind) {
    case 'channels':
      return channelConversation(talking, request, peer)
    case 'board':
      return boardConversation(talking, request.selection.channels[0]?.id ?? '', peer)
    case 'dashboard':
      return dashboardConversation
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
