/**
 * What one WebSocket is written to. The library reads: frames, masks, fragments, UTF-8 and the closing handshake. Frames
 * to the client bypass it; they are made once for all sockets of an audience.
 */
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { CLOSE } from '../../shared/src/protocol.ts'
import { jsonLine } from '../base/json.ts'
import type { CloseReason, ConnectionSink, SinkOwner } from '../connections/sink.ts'
import type { Packet } from '../sse/delivery/framing.ts'
import { SocketWriter } from '../sse/wire/socket-writer.ts'
import { PING, pongFrame, textFrames } from './text-frames.ts'

const CLOSE_FRAME: Readonly<Record<CloseReason, readonly [code: number, reason: string]>> = {
  done: [CLOSE.done, ''],
  draining: [CLOSE.goingAway, 'The server is going down'],
  expired: [CLOSE.expired, 'The credential has lapsed'],
  failed: [CLOSE.restart, 'Come back with your cursor'],
  unopened: [CLOSE.failed, 'It could not be opened'],
  silent: [CLOSE.silent, 'No sign of life'],
  flooding: [CLOSE.tooMany, 'Too many messages'],
}

export class WebSocketSink implements ConnectionSink {
  readonly #websocket: WebSocket
  readonly #writer: SocketWriter
  /** null once it has been notified, or the server has ended the connection. */
  #owner: SinkOwner | null

  constructor(websocket: WebSocket, socket: Socket, owner: SinkOwner) {
    this.#websocket = websocket
    this.#writer = new SocketWriter(socket)
    this.#owner = owner
    // On an error the library has begun to close the socket, with the code for it (1002, 1007, 1009).
    websocket.on('error', () => this.#onClose())
    websocket.on('close', () => this.#onClose())
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes
  }

  get bytesWritten(): number {
    return this.#writer.bytesWritten
  }

  write({ bytes }: Packet): void {
    this.#writeFrames(bytes)
  }

  /** Sends a message to this client alone. */
  send(message: object): void {
    this.#writeFrames(textFrames([jsonLine(message)]))
  }

  ping(): void {
    this.#writeFrames(PING)
  }

  pong(payload: Uint8Array): void {
    this.#writeFrames(pongFrame(payload))
  }

  onceDrained(callback: () => void): void {
    this.#writer.onceDrained(callback)
  }

  /** Begins the closing handshake; the library cuts a client that does not answer it. */
  end(reason: CloseReason): void {
    this.#owner = null
    this.#writer.close()
    // The client's close frame must be read even if reading was paused.
    if (this.#websocket.isPaused) this.#websocket.resume()
    this.#websocket.close(...CLOSE_FRAME[reason])
  }

  destroy(): void {
    this.#writer.close()
    this.#websocket.terminate()
  }

  #onClose(): void {
    const owner = this.#owner
    this.#owner = null
    owner?.onClose()
  }

  /** Nothing may follow a close frame (RFC 6455, 5.5.1), whichever side sent it. */
  #writeFrames(bytes: Buffer): void {
    if (this.#websocket.readyState === WebSocket.OPEN) this.#writer.write(bytes)
  }
}
