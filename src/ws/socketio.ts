/**
 * Socket.IO over the same bus: a client emits `subscribe` and `unsubscribe`, and gets every event as `message`. The
 * library does the protocol (polling, upgrade, pings); what is sent is encoded once for all who get it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Socket as Client, Server } from 'socket.io'
import { uuidv7 } from 'uuidv7'
import * as z from 'zod'
import {
  EVERYONE,
  HEADER,
  MAX_MESSAGE_BYTES,
  MESSAGE_BURST,
  RETRY_MS,
  SILENT_HEARTBEATS,
} from '../../shared/src/protocol.ts'
import { ConfigError } from '../base/config.ts'
import { Problem } from '../base/errors.ts'
import { onOneLine } from '../base/json.ts'
import { LongTimer } from '../base/long-timer.ts'
import { parseInput } from '../base/validation.ts'
import { requestIdOf } from '../http/request-id.ts'
import type { WebGuard } from '../http/web-guard.ts'
import { type Connection, type Connections, spread } from '../sse/delivery/connections.ts'
import type { FramedEvent, Framing } from '../sse/delivery/framing.ts'
import type { Heartbeat } from '../sse/delivery/heartbeat.ts'
import { Selection } from '../sse/delivery/selection.ts'
import { type Hub, Subscription } from '../sse/delivery/subscription.ts'
import { EVERY_TYPE } from '../sse/delivery/type-filter.ts'
import { topicField } from '../sse/wire/frames.ts'
import { join, leave, type MembershipDependencies } from './membership.ts'
import { MessageRate } from './message-rate.ts'
import { refuseUpgrade } from './refusal.ts'
import { asProblem, SocketRefusal, socketErrorOf, TOO_MANY } from './socket-errors.ts'
import { SocketIoSink } from './socketio-sink.ts'

export const SOCKET_IO_PATH = '/socket.io/'

/** The protocol of the engine below Socket.IO 5, which the library's clients from version 3 on speak. */
const ENGINE_PROTOCOL = '4'

export interface SocketIoDependencies extends MembershipDependencies {
  readonly hub: Hub
  readonly connections: Connections
  readonly heartbeat: Heartbeat
  readonly heartbeatMs: number
  /** Connections older than this, within 20 %, end; undefined: none does. */
  readonly maxAgeMs: number | undefined
  readonly guard: WebGuard
  onError(error: unknown): void
}

/** The requests under SOCKET_IO_PATH. */
export interface SocketIo {
  handleRequest(incoming: IncomingMessage, outgoing: ServerResponse): void
  handleUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void
  /** This process did not run for a while: clients are not to blame for the answers that it could not read. */
  forgivePause(): void
  /** Cuts every WebSocket that there is, also those whose closing is under way. */
  destroyAll(): void
  close(): void
}

/** What a client emits: a channel, alone or with the cursor to go on after. */
const subscription = z
  .union(
    [z.string(), z.object({ channel: z.string(), since: z.string().nullish() })],
    'must be a channel, or {channel, since}',
  )
  .transform((asked) => (typeof asked === 'string' ? { channel: asked, since: undefined } : asked))

type CustomOrigin = (origin: string | undefined, allow: (error: Error | null, isAllowed?: boolean) => void) => void

/** Calls `done` with the channel's name when it takes effect. */
type Work = (done: (channel: string) => void) => Promise<void>

/** A client of the engine, with what it keeps to itself. */
interface Awaited {
  readonly pingTimeoutTimer?: NodeJS.Timeout | null
}

/** Loads the library. Throws ConfigError when it is not installed. */
export async function createSocketIo(dependencies: SocketIoDependencies): Promise<SocketIo> {
  const { connections, guard, heartbeatMs } = dependencies
  const library = await import('socket.io').catch((cause: unknown) => {
    throw new ConfigError('BOARDCAST_SOCKETIO=1 needs the package socket.io: npm install socket.io', { cause })
  })
  const server = new library.Server({
    path: SOCKET_IO_PATH,
    serveClient: false,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    httpCompression: false,
    pingInterval: heartbeatMs,
    pingTimeout: heartbeatMs * SILENT_HEARTBEATS - heartbeatMs,
    ...(guard.allowsOtherOrigins && { cors: { origin: corsOriginOf(guard) } }),
  })
  // The library wants a server to make its engine; requests reach the engine from ours, so this one never listens.
  server.attach(createServer())
  server.on('connection', (client) => open(dependencies, client))
  const upgraded = new Set<Duplex>()

  /** Throws `forbidden`, `bad_request` and `draining`. */
  function refuse(incoming: IncomingMessage): void {
    const refusal = guard.refusalOfHost(incoming) ?? guard.refusalOfPage(incoming)
    if (refusal) throw refusal
    refuseOtherProtocol(incoming)
    // Who has a session already may end it properly.
    if (connections.isDraining && !incoming.url?.includes('sid=')) {
      throw new Problem('draining', 'The server is going down. Come back in a moment.', { retryAfterS: 2 })
    }
  }

  return {
    handleRequest(incoming, outgoing) {
      refuse(incoming)
      server.engine.handleRequest(asEngineRequest(incoming), outgoing)
    },
    handleUpgrade(incoming, socket, head) {
      try {
        refuse(incoming)
      } catch (thrown) {
        refuseUpgrade(socket, asProblem(thrown), { [HEADER.requestId]: requestIdOf(incoming.headers) })
        return
      }
      upgraded.add(socket)
      socket.once('close', () => upgraded.delete(socket))
      server.engine.handleUpgrade(asEngineRequest(incoming), socket, head)
    },
    forgivePause() {
      // Not public: the timer of an answer that is awaited. It is due by now, and runs before the answer is read.
      const { clients } = server.engine as unknown as { clients: Readonly<Record<string, Awaited>> }
      for (const { pingTimeoutTimer } of Object.values(clients)) pingTimeoutTimer?.refresh()
    },
    destroyAll() {
      for (const socket of upgraded) socket.destroy()
    },
    close: () => server.engine.close(),
  }
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

function open(dependencies: SocketIoDependencies, client: Client): void {
  const { hub, connections, heartbeat, heartbeatMs, maxAgeMs, onError } = dependencies
  const undo: Array<() => void> = []
  const finish = () => {
    for (const one of undo.splice(0)) one()
  }
  const sink = new SocketIoSink(client)
  const listening = new Subscription(hub, {
    selection: new Selection([], EVERY_TYPE),
    framing,
    sink,
    withOpeningFrames: false,
    outlivesChannels: true,
    owner: { onEnd: finish },
  })
  const rate = new MessageRate(performance.now())
  /** Messages that wait for those before them, as these may wait for a client to read. */
  let waiting = 0
  let last: Promise<void> = Promise.resolve()

  async function answer(work: Work, ack: unknown): Promise<void> {
    try {
      await work((channel) => {
        if (typeof ack === 'function') ack({ success: true, channel })
      })
    } catch (thrown) {
      const refusal = socketErrorOf(thrown, onError)
      // It may quote the client, and the library writes line separators as they are.
      const error = { ...refusal, message: onOneLine(refusal.message) }
      if (typeof ack === 'function') ack({ success: false, ...error })
      else client.emit('error', error)
    }
  }

  /** One after the other, and only so many. */
  function carryOut(work: Work, ack: unknown): void {
    const verdict = rate.take(performance.now())
    if (verdict === 'close') client.disconnect(true)
    else if (verdict === 'refuse' || waiting >= MESSAGE_BURST) void answer(() => Promise.reject(TOO_MANY), ack)
    else {
      waiting += 1
      last = last
        .then(() => answer(work, ack))
        .finally(() => {
          waiting -= 1
        })
    }
  }

  const connection: Connection = { transport: 'socketio', subscription: listening, sink }
  const spoke = heartbeat.add(listening)
  connections.add(connection)
  undo.push(
    () => listening.close(),
    () => spoke.delete(listening),
    () => connections.remove(connection),
  )
  if (maxAgeMs !== undefined) {
    const timer = new LongTimer(() => listening.finish(), spread(maxAgeMs))
    undo.push(() => timer.clear())
  }
  client.on('disconnect', finish)
  client.on('subscribe', (...given: unknown[]) => {
    const { asked, ack } = argumentsOf(given)
    carryOut((done) => {
      const { channel, since } = parse(asked)
      return join(dependencies, listening, { spelled: channel, since }, done)
    }, ack)
  })
  client.on('unsubscribe', (...given: unknown[]) => {
    const { asked, ack } = argumentsOf(given)
    carryOut((done) => leave(listening, parse(asked).channel, done), ack)
  })
  client.onAny((event: string, ...rest: unknown[]) => {
    if (event === 'subscribe' || event === 'unsubscribe') return
    carryOut(refuseUnknown, rest.at(-1))
  })
  listening
    .open({ kind: 'fresh' }, { connectionId: uuidv7(), heartbeatMs, retryMs: spread(RETRY_MS) })
    .catch((error: unknown) => {
      onError(error)
      client.disconnect(true)
    })
}

async function refuseUnknown(): Promise<never> {
  throw new SocketRefusal('UNKNOWN_MESSAGE_TYPE', 'A client emits subscribe and unsubscribe, and nothing else.')
}

/** The function that acknowledges is the last argument, also where the one before it was forgotten. */
function argumentsOf(given: readonly unknown[]): { asked: unknown; ack: unknown } {
  const last = given.at(-1)
  return typeof last === 'function'
    ? { asked: given.length > 1 ? given[0] : undefined, ack: last }
    : { asked: given[0], ack: undefined }
}

function parse(asked: unknown): { channel: string; since?: string | null | undefined } {
  return parseInput(z.object({ channel: subscription }), { channel: asked }, 'message').channel
}

/** Packets of the library's protocol, version 5: an event (2) of the main namespace, its name and its argument. */
const framing: Framing = {
  key: 'socketio',
  frame: (shown, _at, id) => message(shown, id),
  control: (event, data, id) => message({ channel: EVERYONE, event, data }, id),
  pack(frames) {
    const texts = frames.filter((text) => text !== '')
    return { bytes: Buffer.from(texts.join('')), texts }
  },
}

function message({ channel, event, data, topic }: FramedEvent, id: string): string {
  return `2["message",{"type":"${event}","data":${data},"channel":"${channel}","id":"${id}"${topicField(topic)}}]`
}

/** What the library answers a page with: any origin, or the one that asks if it is listed. */
function corsOriginOf(guard: WebGuard): '*' | CustomOrigin {
  if (guard.allowsAnyOrigin) return '*'
  return (origin, allow) => allow(null, origin !== undefined && guard.isListed(origin))
}

/** The engine adds a field of its own to Node's request. */
function asEngineRequest(incoming: IncomingMessage): Parameters<Server['engine']['handleRequest']>[0] {
  return incoming as Parameters<Server['engine']['handleRequest']>[0]
}
