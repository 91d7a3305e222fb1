/**
 * One HTTP response that is written to for as long as somebody listens. Node formats the head; everything after it goes
 * to the socket itself, already framed, because `res.write` would frame the same bytes anew for every connection
 * (docs/performance.md, "CPU per delivery").
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Packet, Sink } from '../delivery/framing.ts'
import { chunk } from './frames.ts'
import { GZIP_HEADER, GZIP_NOTHING, gzipAppend, gzipTrailer, type Plain } from './gzip.ts'
import { SocketWriter } from './socket-writer.ts'

export interface SinkOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly chunked: boolean
  readonly gzip: boolean
  /** Whether the connection may serve further requests when the stream has ended. */
  mayStay(): boolean
}

/** Whom a sink tells. */
export interface SinkOwner {
  /** The connection is gone, for whatever reason. Called at most once, and not after `end`. */
  onClose(): void
}

export class HttpSink implements Sink {
  readonly #socket: Socket
  readonly #writer: SocketWriter
  readonly #outgoing: ServerResponse<IncomingMessage>
  readonly #mayStay: () => boolean
  readonly #owner: SinkOwner
  readonly #chunked: boolean
  readonly #gzip: boolean
  /** Sends the head; let go with it, for it holds the whole response. */
  #sendHead: (() => void) | null
  #phase: 'new' | 'open' | 'ended' = 'new'
  #sent: Plain = GZIP_NOTHING
  /** Made here and not in the constructor, whose scope holds the head. */
  readonly #closed = () => this.#onClose()

  /**
   * The head leaves with the first write. Throws when the response has no socket: it waits behind another one on its
   * connection (pipelining).
   */
  constructor(
    outgoing: ServerResponse<IncomingMessage>,
    owner: SinkOwner,
    { headers, chunked, gzip, mayStay }: SinkOptions,
  ) {
    const { socket } = outgoing
    if (!socket) throw new TypeError('the response has no socket yet')
    this.#socket = socket
    this.#writer = new SocketWriter(socket)
    this.#outgoing = outgoing
    this.#mayStay = mayStay
    this.#chunked = chunked
    this.#gzip = gzip
    this.#owner = owner
    this.#sendHead = () => sendHead(outgoing, headers)
    // Fires once by itself; `once` would keep a wrapper.
    socket.on('close', this.#closed)
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes
  }

  /** Bytes of this connection so far, those that wait included. */
  get bytesWritten(): number {
    return this.#writer.bytesWritten
  }

  write(packet: Packet): void {
    if (packet.plain) this.#sent = gzipAppend(this.#sent, packet.plain)
    if (this.#phase === 'new') this.#begin(packet.bytes)
    else this.#writer.write(packet.bytes)
  }

  onceDrained(callback: () => void): void {
    this.#writer.onceDrained(callback)
  }

  /** The same for every reason: HTTP has one way to end. */
  end(): void {
    if (this.#phase !== 'open') return
    if (this.#gzip) this.#writer.write(this.#framed(gzipTrailer(this.#sent)))
    this.#phase = 'ended'
    this.#writer.close()
    this.#socket.off('close', this.#closed)
    // One that never reads its end is let go all the same.
    this.#socket.setTimeout(LAST_WRITE_MS)
    // Node sends the last chunk, and keeps the connection for a next request or ends it, as the client asked.
    this.#outgoing.end()
    if (!this.#mayStay()) this.#socket.end()
  }

  /** Cuts the connection: what is pending is lost. */
  destroy(): void {
    this.#socket.destroy()
  }

  #onClose(): void {
    this.#phase = 'ended'
    this.#writer.close()
    this.#owner.onClose()
  }

  #begin(bytes: Buffer): void {
    this.#phase = 'open'
    // Head and first frames leave in one piece: a browser's fetch() does not resolve before the first byte of the body.
    this.#socket.cork()
    this.#sendHead?.()
    this.#sendHead = null
    if (this.#gzip) this.#socket.write(this.#framed(GZIP_HEADER))
    this.#writer.write(bytes)
    this.#socket.uncork()
    this.#socket.setNoDelay(true)
  }

  #framed(bytes: Buffer): Buffer {
    return this.#chunked ? chunk(bytes) : bytes
  }
}

/** What is pending when a stream ends has so long to be taken. */
const LAST_WRITE_MS = 60_000

/** The head of a stream's answer; the same for HEAD, where it is all. Without `Connection`, which is hop-by-hop. */
export function sendHead(outgoing: ServerResponse<IncomingMessage>, headers: Readonly<Record<string, string>>): void {
  outgoing.removeHeader('Connection')
  outgoing.writeHead(200, headers)
  outgoing.flushHeaders()
}
