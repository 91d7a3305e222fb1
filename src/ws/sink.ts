/**
 * One WebSocket that is written to for as long as somebody listens. The library reads: frames, masks, fragments, UTF-8,
 * the closing handshake. What is written is framed here, once for all sockets that get it, and goes past the library.
 */
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { CLOSE } from '../../shared/src/protocol.ts'
import { jsonLine } from '../base/json.ts'
import type { EndReason, Packet, Sink } from '../sse/delivery/framing.ts'
import { SocketWriter } from '../sse/wire/socket-writer.ts'
import { PING, pongFrame, textFrames } from './text-frames.ts'

const CLOSE_FOR: Readonly<Record<EndReason, readonly [code: number, reason: string]>> = {
  done: [CLOSE.done, ''],
  draining: [CLOSE.goingAway, 'The server is going down'],
  failed: [CLOSE.restart, 'Come back with your cursor'],
}

export class SocketSink implements Sink {
  readonly #websocket: WebSocket
  readonly #writer: SocketWriter

  constructor(websocket: WebSocket, socket: Socket) {
    this.#websocket = websocket
    this.#writer = new SocketWriter(socket)
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes
  }

  /** Bytes of this connection so far, those that wait included. */
  get bytesWritten(): number {
    return this.#writer.bytesWritten
  }

  write({ bytes }: Packet): void {
    this.#raw(bytes)
  }

  /** Sends one message of its own. */
  send(message: object): void {
    this.#raw(textFrames([jsonLine(message)]))
  }

  ping(): void {
    this.#raw(PING)
  }

  pong(payload: Uint8Array): void {
    this.#raw(pongFrame(payload))
  }

  onceDrained(callback: () => void): void {
    this.#writer.onceDrained(callback)
  }

  end(reason: EndReason): void {
    this.close(...CLOSE_FOR[reason])
  }

  /** Begins the closing handshake; a peer that does not answer it is cut after a while. */
  close(code: number, reason: string): void {
    this.#writer.close()
    // The answer must be read, whatever else was left unread.
    if (this.#websocket.isPaused) this.#websocket.resume()
    this.#websocket.close(code, reason)
  }

  /** Cuts the connection: what is pending is lost. */
  destroy(): void {
    this.#writer.close()
    this.#websocket.terminate()
  }

  /** Nothing may follow a close frame (RFC 6455, 5.5.1), whoever sent it. */
  #raw(bytes: Buffer): void {
    if (this.#websocket.readyState === WebSocket.OPEN) this.#writer.write(bytes)
  }
}
