/**
 * One WebSocket: a subscription that it is written from, and a client that may speak. What kinds of sockets understand
 * differs (board-socket.ts, channel-socket.ts); what bounds them is the same and lives here:
 *
 * - so many messages a second, and an end for who does not stop;
 * - one message is carried out after the other;
 * - who does not read is not read from, so that answers cannot pile up;
 * - who shows no sign of life is cut.
 */

import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import { CLOSE, RETRY_MS } from '../../shared/src/protocol.ts'
import { LongTimer } from '../base/long-timer.ts'
import { uuid } from '../base/uuid.ts'
import type { Start } from '../sse/delivery/channel-change.ts'
import { type Connection, type Connections, spread } from '../sse/delivery/connections.ts'
import type { Framing } from '../sse/delivery/framing.ts'
import type { Beating, Heartbeat } from '../sse/delivery/heartbeat.ts'
import type { Selection } from '../sse/delivery/selection.ts'
import { type Hub, Subscription } from '../sse/delivery/subscription.ts'
import type { Liveness } from './liveness.ts'
import { MessageRate } from './message-rate.ts'
import { SocketSink } from './sink.ts'

export interface PeerDependencies {
  readonly hub: Hub
  readonly connections: Connections
  readonly heartbeat: Heartbeat
  readonly heartbeatMs: number
  readonly liveness: Liveness
  /** Sockets older than this, within 20 %, end; undefined: none does. */
  readonly maxAgeMs: number | undefined
  onError(error: unknown): void
}

/** What a socket listens to from the start, and how. */
export interface Listening {
  readonly selection: Selection
  readonly framing: Framing
  readonly start: Start
  readonly withOpeningFrames: boolean
  readonly outlivesChannels: boolean
  readonly limit: number | undefined
  readonly timeoutMs: number | undefined
}

/** What a kind of socket makes of what the client sends. */
export interface Conversation {
  /** Carries out a message, and answers it. Must not reject. */
  message(text: string): Promise<void>
  /** A message came that is not to be carried out: gives what answers it. */
  refusal(text: string): () => void
  /** A binary message came, which nobody here understands. */
  binary(): void
  /** The socket is gone. */
  closed?(): void
}

/** What a conversation has of its socket. */
export interface Peer {
  readonly clientId: string
  readonly subscription: Subscription
  readonly isOpen: boolean
  send(message: object): void
}

/** While more than this waits to be sent, nothing is read. */
const MAX_UNREAD_BYTES = 64 * 1024
/** Characters of messages that may wait for those before them, as these may wait for a client to read. */
const MAX_WAITING_LENGTH = 256 * 1024

export function openPeer(
  dependencies: PeerDependencies,
  { websocket, socket }: { websocket: WebSocket; socket: Socket },
  listening: Listening,
  converse: (peer: Peer) => Conversation,
): void {
  const { hub, connections, heartbeat, heartbeatMs, maxAgeMs, liveness, onError } = dependencies
  const { start, timeoutMs, ...options } = listening
  const clientId = uuid()
  const undo: Array<() => void> = []
  const finish = () => {
    for (const one of undo.splice(0)) one()
  }
  const sink = new SocketSink(websocket, socket)
  const subscription = new Subscription(hub, { ...options, sink, owner: { onEnd: finish } })
  const connection: Connection = { transport: 'ws', subscription, sink }
  const rate = new MessageRate(performance.now())
  let heardAt = liveness.now()
  let takenBytes = 0
  let waitingLength = 0
  let isEnding = false
  let last: Promise<void> = Promise.resolve()

  function heard(): void {
    heardAt = liveness.now()
  }

  /** A peer that takes what waits for it lives, though its answers may wait behind that. */
  function heardSince(now: number): number {
    const taken = sink.bytesWritten - sink.pendingBytes
    if (sink.pendingBytes > 0 && taken > takenBytes) heardAt = now
    takenBytes = taken
    return heardAt
  }

  function close(code: number, reason: string): void {
    finish()
    sink.close(code, reason)
  }

  /** Once what was said before is answered; nothing more is heard. */
  function endWith(code: number, reason: string): void {
    isEnding = true
    void last.then(() => close(code, reason))
  }

  function readWhenDrained(): void {
    if (websocket.isPaused || sink.pendingBytes <= MAX_UNREAD_BYTES) return
    websocket.pause()
    sink.onceDrained(() => {
      heard()
      websocket.resume()
    })
  }

  /** Answers leave in the order of the messages, refusals among them. */
  function refuse(text: string): void {
    const answer = conversation.refusal(text)
    last = last.then(answer).catch(onError)
  }

  function carryOut(text: string): void {
    waitingLength += text.length
    last = last
      .then(() => conversation.message(text))
      .catch(onError)
      .finally(() => {
        waitingLength -= text.length
      })
  }

  const beating: Beating = {
    heartbeat(packetFor) {
      // While something waits, taking it is the sign of life; pings would only wait behind it.
      if (sink.pendingBytes === 0) sink.ping()
      subscription.heartbeat(packetFor)
    },
  }
  const spoke = heartbeat.add(beating)
  connections.add(connection)
  undo.push(
    () => subscription.close(),
    () => spoke.delete(beating),
    () => connections.remove(connection),
    liveness.add({ heardAt: heardSince, onSilence: () => close(CLOSE.silent, 'No sign of life') }),
  )
  for (const ms of [timeoutMs, maxAgeMs && spread(maxAgeMs)]) {
    if (ms === undefined) continue
    const timer = new LongTimer(() => subscription.finish(), ms)
    undo.push(() => timer.clear())
  }

  const conversation = converse({
    clientId,
    subscription,
    get isOpen() {
      return undo.length > 0
    },
    send: (message) => sink.send(message),
  })
  if (conversation.closed) undo.push(() => conversation.closed?.())

  websocket.on('message', (data: RawData, isBinary: boolean) => {
    heard()
    if (undo.length === 0 || isEnding) return
    const text = isBinary ? '' : String(data)
    const verdict = rate.take(performance.now())
    if (verdict === 'close') endWith(CLOSE.tooMany, 'Too many messages')
    else if (verdict === 'refuse') refuse(text)
    else if (isBinary) last = last.then(() => conversation.binary()).catch(onError)
    else if (waitingLength + text.length > MAX_WAITING_LENGTH) refuse(text)
    else carryOut(text)
    readWhenDrained()
  })
  websocket.on('ping', (payload: Buffer) => {
    heard()
    // Only the newest of several need be answered (RFC 6455, 5.5.3): who does not read gets none.
    if (sink.pendingBytes === 0) sink.pong(payload)
  })
  websocket.on('pong', heard)
  // The library has begun to close it with the code that the fault has (1002, 1007, 1009).
  websocket.on('error', finish)
  websocket.on('close', finish)

  void subscription
    .open(start, { connectionId: clientId, heartbeatMs, retryMs: spread(RETRY_MS) })
    .catch((error: unknown) => {
      onError(error)
      close(CLOSE.failed, 'It could not be opened')
    })
}
