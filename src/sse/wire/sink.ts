/**
 * The HTTP response of one stream. Node formats the head. Everything after it goes to the socket directly, already
 * framed: `res.write` would frame the same bytes anew for every connection (docs/performance.md, "CPU per delivery").
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionSink, SinkOwner } from '../../connections/sink.ts'
import type { Packet } from '../delivery/framing.ts'
import { chunk } from './frames.ts'
import { GZIP_HEADER, GZIP_NOTHING, gzipAppend, gzipTrailer, type Plain } from './gzip.ts'
import { SocketWriter } from './socket-writer.ts'

export interface HttpSinkOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly chunked: boolean
  readonly gzip: boolean
  /** Whether the connection may serve further requests when the stream has ended. */
  mayStay(): boolean
}

/** How long the last bytes of a stream may wait for a client that does not read them. */
const LAST_WRITE_MS = 60_000

export class HttpSink implements ConnectionSink {
  readonly #socket: Socket
  readonly #writer: SocketWriter
  readonly #outgoing: ServerResponse<IncomingMessage>
  readonly #mayStay: () => boolean
  readonly #owner: SinkOwner
  readonly #chunked: boolean
  readonly #gzip: boolean
  /** Dropped once it has run, because it retains the whole response. */
  #sendHead: (() => void) | null
  #phase: 'new' | 'open' | 'ended' = 'new'
  #sent: Plain = GZIP_NOTHING
  /** Created here and not in the constructor, whose scope retains the head. */
  readonly #closed = () => this.#onClose()

  /**
   * The head leaves with the first write. Throws when the response has no socket: it waits behind another one on its
   * connection (pipelining).
   */
  constructor(
    outgoing: ServerResponse<IncomingMessage>,
    owner: SinkOwner,
    { headers, chunked, gzip, mayStay }: HttpSinkOptions,
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
    // `close` is emitted once anyway; `once` would add a wrapper.
    socket.on('close', this.#closed)
  }

  get pendingBytes(): number {
    return this.#writer.pendingBytes
  }

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

  /** The same for every reason: HTTP has one way to end. Before the first write the response is left to the caller. */
  end(): void {
    if (this.#phase === 'open') this.#endBody()
    this.#detach()
  }

  destroy(): void {
    this.#socket.destroy()
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

  #endBody(): void {
    if (this.#gzip) this.#writer.write(this.#framed(gzipTrailer(this.#sent)))
    this.#writer.close()
    this.#socket.setTimeout(LAST_WRITE_MS)
    // Node sends the last chunk, and keeps the connection for a next request or ends it, as the client asked.
    this.#outgoing.end()
    if (!this.#mayStay()) this.#socket.end()
  }

  #onClose(): void {
    this.#detach()
    this.#owner.onClose()
  }

  #detach(): void {
    this.#phase = 'ended'
    this.#writer.close()
    this.#socket.off('close', this.#closed)
  }

  #framed(bytes: Buffer): Buffer {
    return this.#chunked ? chunk(bytes) : bytes
  }
}

/** The head of a stream's response; for HEAD it is the whole response. Without `Connection`, which is hop-by-hop. */
export function sendHead(outgoing: ServerResponse<IncomingMessage>, headers: Readonly<Record<string, string>>): void {
  outgoing.removeHeader('Connection')
  outgoing.writeHead(200, headers)
  outgoing.flushHeaders()
}
