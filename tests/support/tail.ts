/**
 * One connection to a stream, parsed byte by byte as it arrives, even within a chunk, so that a cut can fall anywhere. It
 * keeps nothing itself; SSE events go to `onFrame`.
 */
import { connect, type Socket } from 'node:net'
import { createGunzip, type Gunzip } from 'node:zlib'
import { createParser } from 'eventsource-parser'

export interface TailFrame {
  readonly event: string
  /** undefined when the frame had no `id:` line. */
  readonly id: string | undefined
  /** The text of the `data:` line. */
  readonly text: string
}

export interface TailOptions {
  readonly headers?: Record<string, string>
  /** The connection is cut after that many bytes, including the head. */
  readonly cutAfter?: number
  onFrame(frame: TailFrame): void
}

export class Tail {
  readonly socket: Socket
  /** Resolves when the connection has closed and everything received has been passed to `onFrame`. Never rejects. */
  readonly closed: Promise<void>
  head = ''
  bytes = 0
  /** The last chunk has arrived: the server ended the stream properly. */
  ended = false
  /** Invalid chunk framing, gzip or SSE text; the connection was cut because of it. */
  fault: Error | null = null
  #raw: Buffer = Buffer.alloc(0)
  /** Bytes of the current chunk that are still to come, including its CRLF. */
  #left = 0
  #gunzip: Gunzip | null = null
  /** Compressed pieces that are not decompressed yet. */
  #unpacking = 0
  #onIdle: (() => void) | null = null
  readonly #decoder = new TextDecoder()
  readonly #parser

  constructor(url: string, path: string, options: TailOptions) {
    this.#parser = createParser({
      onEvent: ({ event = 'message', id, data }) => options.onFrame({ event, id, text: data }),
    })
    const { hostname, port, host } = new URL(url)
    const headers = { Host: host, Accept: 'text/event-stream', ...options.headers }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    this.socket = connect(Number(port), hostname)
    this.socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    const cutAfter = options.cutAfter ?? Infinity
    this.socket.on('data', (chunk: Buffer) => {
      const taken = chunk.subarray(0, Math.min(chunk.length, cutAfter - this.bytes))
      this.bytes += taken.length
      this.#guard(() => this.#take(taken))
      if (this.bytes >= cutAfter) this.socket.destroy()
    })
    this.socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        // Decompressed bytes are emitted a moment after they are ready.
        this.#onIdle = () => setImmediate(resolve)
        if (this.#unpacking === 0) this.#onIdle()
      })
    })
  }

  get status(): number {
    return Number(this.head.split(' ')[1] ?? 0)
  }

  cut(): void {
    this.socket.destroy()
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #fail(error: Error): void {
    this.fault ??= error
    this.#unpacking = 0
    this.socket.destroy()
  }

  #take(bytes: Buffer): void {
    this.#raw = this.#raw.length === 0 ? bytes : Buffer.concat([this.#raw, bytes])
    if (this.head === '') {
      const end = this.#raw.indexOf('\r\n\r\n')
      if (end < 0) return
      this.head = this.#raw.subarray(0, end).toString('latin1')
      this.#raw = this.#raw.subarray(end + 4)
      if (/\r\ncontent-encoding: gzip/i.test(this.head)) this.#openGunzip()
    }
    while (this.#raw.length > 0 && this.#takeOfChunk());
  }

  /** Parses the available part of the current chunk; false when more bytes are needed. */
  #takeOfChunk(): boolean {
    if (this.#left === 0) {
      const line = this.#raw.indexOf('\r\n')
      if (line < 0) return false
      const size = this.#raw.subarray(0, line).toString('latin1')
      if (!/^[0-9a-f]+$/.test(size)) throw new Error(`bad chunk size ${JSON.stringify(size)}`)
      this.#left = Number.parseInt(size, 16) + 2
      this.ended = this.#left === 2
      this.#raw = this.#raw.subarray(line + 2)
    }
    const part = this.#raw.subarray(0, this.#left)
    const content = part.subarray(0, Math.max(0, Math.min(part.length, this.#left - 2)))
    this.#left -= part.length
    this.#raw = this.#raw.subarray(part.length)
    if (content.length > 0) this.#content(content)
    return true
  }

  #openGunzip(): void {
    this.#gunzip = createGunzip()
    this.#gunzip.on('data', (plain: Buffer) => this.#guard(() => this.#plain(plain)))
    this.#gunzip.on('error', (error) => this.#fail(error))
  }

  #content(bytes: Buffer): void {
    if (!this.#gunzip) {
      this.#plain(bytes)
      return
    }
    this.#unpacking += 1
    this.#gunzip.write(bytes, () => {
      this.#unpacking -= 1
      if (this.#unpacking <= 0) this.#onIdle?.()
    })
  }

  #plain(bytes: Buffer): void {
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }))
  }
}
