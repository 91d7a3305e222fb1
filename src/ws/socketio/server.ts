/** Socket.IO. The library does the protocol (polling, upgrade, pings); what is sent is encoded once for all clients. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Socket as Client, Server } from 'socket.io'
import { HEADER, MAX_MESSAGE_BYTES, SILENT_HEARTBEATS } from '../../../shared/src/protocol.ts'
import { ConfigError } from '../../base/config.ts'
import { Problem } from '../../base/errors.ts'
import type { BadTokens } from '../../http/bad-tokens.ts'
import type { HalfOpenConnections } from '../../http/half-open.ts'
import type { WebGuard } from '../../http/web-guard.ts'
import { createHandshakes } from './handshake.ts'
import { SocketIoPeer, type SocketIoPeerDependencies } from './peer.ts'

export const SOCKET_IO_PATH = '/socket.io/'

/** The protocol of the engine below Socket.IO 5, which the library's clients speak from version 3 on. */
const ENGINE_PROTOCOL = '4'

export interface SocketIoDependencies extends SocketIoPeerDependencies {
  readonly guard: WebGuard
  readonly badTokens: BadTokens
  readonly halfOpen: HalfOpenConnections
  /** The name of this node. */
  readonly node: string
  /** How long a client may take until it connects to the namespace. */
  readonly connectTimeoutMs: number
}

/** The requests under SOCKET_IO_PATH. Both handlers throw `forbidden`, `bad_request` and `draining`. */
export interface SocketIo {
  handleRequest(incoming: IncomingMessage, outgoing: ServerResponse): void
  handleUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void
  /** The process was stopped for a while, so clients are given more time for the answers that it could not read. */
  forgivePause(): void
  close(): void
}

type Engine = Server['engine']
type EngineRequest = Parameters<Engine['handleRequest']>[0]
type EngineClient = Client['conn']
type CustomOrigin = (origin: string | undefined, allow: (error: Error | null, isAllowed?: boolean) => void) => void

/** What the engine's types leave out: its clients by session id, each with the timer of the answer that is awaited. */
interface EngineClients {
  readonly clients: Readonly<
    Record<string, { readonly pingTimeoutTimer?: NodeJS.Timeout | null; close(isDiscarded: boolean): void }>
  >
}

/** Loads the library. Rejects with ConfigError if it is not installed. */
export async function createSocketIo(dependencies: SocketIoDependencies): Promise<SocketIo> {
  const { drain, guard, halfOpen, heartbeatMs, connectTimeoutMs, node } = dependencies
  const library = await import('socket.io').catch((cause: unknown) => {
    throw new ConfigError('BOARDCAST_SOCKETIO=1 needs the package socket.io: npm install socket.io', { cause })
  })
  const server = new library.Server({
    path: SOCKET_IO_PATH,
    serveClient: false,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    httpCompression: false,
    connectTimeout: connectTimeoutMs,
    pingInterval: heartbeatMs,
    pingTimeout: heartbeatMs * SILENT_HEARTBEATS - heartbeatMs,
    ...(guard.allowsOtherOrigins && { cors: { origin: corsOriginOf(guard), credentials: !guard.allowsAnyOrigin } }),
  })
  // The library needs a server to create its engine. Requests reach the engine from ours, so this one never listens.
  server.attach(createServer())
  const handshakes = createHandshakes(dependencies)
  server.use(handshakes.middleware)
  const letIn = new WeakMap<EngineClient, () => void>()
  server.on('connection', (client) => {
    letIn.get(client.conn)?.()
    void new SocketIoPeer(dependencies, client, handshakes.holderOf(client)).open()
  })
  const engine: Engine = server.engine
  engine.on('headers', (headers: Record<string, string>) => {
    headers[HEADER.node] = node
  })
  engine.on('connection', (connection: EngineClient) => {
    const leave = halfOpen.add(connection.request, () => cut(connection))
    letIn.set(connection, leave)
    connection.once('close', leave)
  })

  function refuse(incoming: IncomingMessage): void {
    const refusal = guard.refusalOfHost(incoming) ?? guard.refusalOfPage(incoming)
    if (refusal) throw refusal
    refuseOtherProtocol(incoming)
    // A client with a session may still end it properly.
    if (!incoming.url?.includes('sid=')) drain.refuseConnections()
  }

  function clients(): EngineClients['clients'] {
    return (engine as unknown as EngineClients).clients
  }

  /** The engine refuses the message only. Its client gives up, which the engine may notice no earlier than by silence. */
  function closeSession({ url = '' }: IncomingMessage): void {
    const session = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('sid') ?? ''
    if (Object.hasOwn(clients(), session)) clients()[session]?.close(true)
  }

  return {
    handleRequest(incoming, outgoing) {
      refuse(incoming)
      outgoing.once('finish', () => {
        if (outgoing.statusCode === 413) closeSession(incoming)
      })
      engine.handleRequest(asEngineRequest(incoming), outgoing)
    },
    handleUpgrade(incoming, socket, head) {
      refuse(incoming)
      engine.handleUpgrade(asEngineRequest(incoming), socket, head)
    },
    forgivePause() {
      // The timers are due by now, and would run before the answers are read.
      for (const { pingTimeoutTimer } of Object.values(clients())) pingTimeoutTimer?.refresh()
    },
    close: () => engine.close(),
  }
}

/** Does not wait for the closing handshake of a WebSocket. */
function cut(connection: EngineClient): void {
  connection.close(true)
  const { socket } = connection.transport as { readonly socket?: { terminate(): void } }
  socket?.terminate()
}

/** The engine would refuse these handshakes too, but on a WebSocket only after the upgrade. */
function refuseOtherProtocol({ url = '' }: IncomingMessage): void {
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1))
  if (query.has('sid') || query.get('EIO') === ENGINE_PROTOCOL) return
  throw new Problem(
    'bad_request',
    `Use a Socket.IO client of version 3 or 4. This server needs EIO=${ENGINE_PROTOCOL}, and version 2 sends EIO=3.`,
  )
}

/** The origins of pages that the library answers with CORS headers: any, or the one that asks if it is listed. */
function corsOriginOf(guard: WebGuard): '*' | CustomOrigin {
  if (guard.allowsAnyOrigin) return '*'
  return (origin, allow) => allow(null, origin !== undefined && guard.isListed(origin))
}

/** The engine adds a field of its own to Node's request. */
function asEngineRequest(incoming: IncomingMessage): EngineRequest {
  return incoming as EngineRequest
}
