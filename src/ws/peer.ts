/**
 * The client of one WebSocket. What its messages mean depends on the kind of socket (board-socket.ts, channel-socket.ts);
 * the limits are the same for all kinds:
 *
 * - its messages are carried out in order, at a limited rate;
 * - while it does not read, the server does not read from it either, so that answers cannot pile up;
 * - it is closed when it shows no sign of life.
 */
import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import { uuid } from '../base/uuid.ts'
import {
  Connection,
  type ConnectionDependencies,
  type ConnectionObserver,
  type ConnectionOptions,
  type Credential,
} from '../connections/connection.ts'
import type { Liveness, LivenessSubject } from '../connections/liveness.ts'
import { OutcomeUnknown } from '../db/storage-fault.ts'
import type { Start } from '../sse/delivery/channel-change.ts'
import type { Subscription } from '../sse/delivery/subscription.ts'
import { Inbox } from './inbox.ts'
import { WebSocketSink } from './sink.ts'

export interface PeerDependencies extends ConnectionDependencies {
  readonly liveness: Liveness
  onError(error: unknown): void
}

/** The protocol of one kind of socket. */
export interface MessageHandler {
  /** Carries out a message and answers it. Must not reject. */
  message(text: string): Promise<void>
  /** Reads the id of a message that will not be carried out. The result sends the refusal. */
  refusal(text: string): () => void
  /** Answers a binary message; there are none in any protocol here. */
  binary(): void
  /** The socket has ended. */
  closed?(): void
}

/** Of the socket to be opened. */
export interface PeerOptions extends Omit<ConnectionOptions<WebSocketSink>, 'transport' | 'connect' | 'observer'> {
  createHandler(peer: Peer): MessageHandler
}

/** Reading pauses while more than this is pending. */
const MAX_UNREAD_BYTES = 64 * 1024
/** Characters of messages that may wait to be carried out. */
const MAX_WAITING_LENGTH = 256 * 1024

export class Peer implements LivenessSubject, ConnectionObserver {
  readonly clientId = uuid()
  readonly #websocket: WebSocket
  readonly #connection: Connection<WebSocketSink>
  readonly #liveness: Liveness
  readonly #onError: (error: unknown) => void
  readonly #inbox: Inbox
  readonly #handler: MessageHandler
  #lastSeen: number
  /** What the client had taken when it was last looked at. */
  #takenBytes = 0
  /** The client floods: its messages are ignored, and the socket closes after the answers to earlier ones. */
  #isClosing = false

  constructor(
    dependencies: PeerDependencies,
    { websocket, socket }: { websocket: WebSocket; socket: Socket },
    { createHandler, ...options }: PeerOptions,
  ) {
    const { liveness, onError } = dependencies
    this.#websocket = websocket
    this.#liveness = liveness
    this.#onError = onError
    this.#inbox = new Inbox(MAX_WAITING_LENGTH, onError)
    this.#lastSeen = liveness.now()
    this.#connection = new Connection(dependencies, {
      ...options,
      transport: 'ws',
      connect: (owner) => new WebSocketSink(websocket, socket, owner),
      observer: this,
    })
    liveness.add(this)
    this.#handler = createHandler(this)
    websocket.on('message', (data: RawData, isBinary: boolean) => this.#onMessage(data, isBinary))
    websocket.on('ping', (payload: Buffer) => this.#onPing(payload))
    websocket.on('pong', () => this.#onSign())
  }

  get subscription(): Subscription {
    return this.#connection.subscription
  }

  get isOpen(): boolean {
    return !this.#connection.hasEnded
  }

  /** The client has a new credential. */
  renew(credential: Credential): void {
    this.#connection.renew(credential)
  }

  send(message: object): void {
    this.#connection.sink.send(message)
  }

  /** Does not reject: a connection that cannot be opened is closed and reported. */
  open(start: Start): Promise<void> {
    return this.#connection.open(start, this.clientId).catch(this.#onError)
  }

  /** [LivenessSubject] Taking what is pending is a sign of life too: the client's answers may wait behind it. */
  lastSeen(now: number): number {
    const { bytesWritten, pendingBytes } = this.#connection.sink
    const taken = bytesWritten - pendingBytes
    if (pendingBytes > 0 && taken > this.#takenBytes) this.#lastSeen = now
    this.#takenBytes = taken
    return this.#lastSeen
  }

  /** [LivenessSubject] */
  onSilence(): void {
    this.#connection.end('silent')
  }

  /** [ConnectionObserver] */
  onEnd(): void {
    this.#liveness.remove(this)
    this.#handler.closed?.()
  }

  #onSign(): void {
    this.#lastSeen = this.#liveness.now()
  }

  #onPing(payload: Buffer): void {
    this.#onSign()
    // Only the newest of several pings need be answered (RFC 6455, 5.5.3). A client that does not read gets no pongs.
    const { sink } = this.#connection
    if (sink.pendingBytes === 0) sink.pong(payload)
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#onSign()
    if (!this.isOpen || this.#isClosing) return
    const text = isBinary ? '' : String(data)
    const verdict = this.#inbox.admit(text.length)
    if (verdict === 'close') this.#closeForFlooding()
    // Refusals are answered in the order of the messages, like everything else.
    else if (verdict === 'refuse') this.#inbox.add(this.#handler.refusal(text))
    else if (isBinary) this.#inbox.add(() => this.#handler.binary())
    else this.#inbox.add(() => this.#carryOut(text), text.length)
    this.#pauseWhileUnread()
  }

  async #carryOut(text: string): Promise<void> {
    try {
      await this.#handler.message(text)
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error
      // Whatever it was answered might be wrong, as after the end of a process.
      this.#connection.sink.destroy()
    }
  }

  #closeForFlooding(): void {
    this.#isClosing = true
    this.#inbox.add(() => this.#connection.end('flooding'))
  }

  #pauseWhileUnread(): void {
    const { sink } = this.#connection
    if (this.#websocket.isPaused || sink.pendingBytes <= MAX_UNREAD_BYTES) return
    this.#websocket.pause()
    sink.onceDrained(() => {
      this.#onSign()
      this.#websocket.resume()
    })
  }
}
