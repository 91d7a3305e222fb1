/**
 * One HTTP response that is written to for as long as somebody listens. Node formats the head; everything after it goes
 * to the socket itself, already framed, because `res.write` would frame the same bytes anew for every connection
 * (docs/performance.md, "CPU per delivery").
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { directHandle, type Handle, writeDirectly } from './direct-write.ts'
import { chunk } from './frames.ts'
import type { Packet, Sink } from './framing.ts'
import { GZIP_HEADER, GZIP_NOTHING, gzipAppend, gzipTrailer, type Plain } from './gzip.ts'

export interface SinkOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly chunked: boolean
  readonly gzip: boolean
  /** Whether the connection may serve further requests when the stream has ended. */
  mayStay(): boolean
  onClose(): void
}

export class HttpSink implements Sink {
  readonly #socket: Socket
  readonly #outgoing: ServerResponse<IncomingMessage>
  readonly #mayStay: () => boolean
  readonly #closed: () => void
  readonly #chunked: boolean
  readonly #gzip: boolean
  /** Sends the head; let go with it, for it holds the whole response. */
  #sendHead: (() => void) | null
  #phase: 'new' | 'open' | 'ended' = 'new'
  #sent: Plain = GZIP_NOTHING
  #bytesWritten = 0
  /** Taken while nothing waits in the socket itself; null: writes go through the socket. */
  #direct: Handle | null = null
  /** The kernel did not take everything when it was last asked directly. */
  #isPending = false

  /**
   * `onClose` is called once, when the connection is gone for whatever reason. The head leaves with the first write.
   * Throws when the response has no socket: it waits behind another one on its connection (pipelining).
   */
  constructor(outgoing: ServerResponse<IncomingMessage>, { headers, chunked, gzip, mayStay, onClose }: SinkOptions) {
    const { socket } = outgoing
    if (!socket) throw new TypeError('the response has no socket yet')
    this.#socket = socket
    this.#outgoing = outgoing
    this.#mayStay = mayStay
    this.#chunked = chunked
    this.#gzip = gzip
    this.#sendHead = () => sendHead(outgoing, headers)
    this.#closed = () => {
      this.#phase = 'ended'
      this.#direct = null
      onClose()
    }
    socket.once('close', this.#closed)
  }

  get pendingBytes(): number {
    if (this.#direct && !this.#isPending) return 0
    // What was begun directly waits below the socket, which knows nothing of it; what the socket has begun is in both.
    const below = (this.#direct ?? directHandle(this.#socket))?.writeQueueSize ?? 0
    const pending = Math.max(this.#socket.writableLength, below)
    this.#isPending = pending > 0
    return pending
  }

  /** Bytes of this connection so far, those that wait included. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  write(packet: Packet): void {
    if (packet.plain) this.#sent = gzipAppend(this.#sent, packet.plain)
    this.#raw(packet.bytes)
  }

  onceDrained(callback: () => void): void {
    // Its turn comes when all before it has been taken; when the socket dies it is told so, and has nobody to tell.
    this.#throughSocket(NOTHING, callback)
  }

  end(): void {
    if (this.#phase !== 'open') return
    if (this.#gzip) this.#raw(this.#framed(gzipTrailer(this.#sent)))
    this.#phase = 'ended'
    this.#direct = null
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

  #raw(bytes: Buffer): void {
    this.#bytesWritten += bytes.length
    if (this.#phase === 'new') this.#begin(bytes)
    else if (this.#phase === 'ended') return
    else if (this.#direct) this.#directly(this.#direct, bytes)
    else this.#throughSocket(bytes)
  }

  #directly(handle: Handle, bytes: Buffer): void {
    const pending = writeDirectly(handle, bytes)
    if (pending > 0) this.#isPending = true
    else if (pending < 0) this.#socket.destroy()
  }

  /** While a write waits in the socket, those after it must wait there too. */
  #throughSocket(bytes: Buffer, written?: () => void): void {
    this.#direct = null
    this.#socket.write(bytes, (error) => {
      if (error || this.#phase !== 'open') return
      if (this.#socket.writableLength === 0) this.#direct = directHandle(this.#socket)
      written?.()
    })
  }

  #begin(bytes: Buffer): void {
    this.#phase = 'open'
    // Head and first frames leave in one piece: a browser's fetch() does not resolve before the first byte of the body.
    this.#socket.cork()
    this.#sendHead?.()
    this.#sendHead = null
    if (this.#gzip) this.#socket.write(this.#framed(GZIP_HEADER))
    this.#throughSocket(bytes)
    this.#socket.uncork()
    this.#socket.setNoDelay(true)
  }

  #framed(bytes: Buffer): Buffer {
    return this.#chunked ? chunk(bytes) : bytes
  }
}

const NOTHING = Buffer.alloc(0)
/** What is pending when a stream ends has so long to be taken. */
const LAST_WRITE_MS = 60_000

/** The head of a stream's answer; the same for HEAD, where it is all. Without `Connection`, which is hop-by-hop. */
export function sendHead(outgoing: ServerResponse<IncomingMessage>, headers: Readonly<Record<string, string>>): void {
  outgoing.removeHeader('Connection')
  outgoing.writeHead(200, headers)
  outgoing.flushHeaders()
}
