/**
 * A listener on a raw socket: it sees the head and every byte as on the wire, and can stop reading, be cut at any byte, or
 * close. eventsource-parser parses the SSE text, so the parser is independent of the server's encoder.
 */
import { connect, type Socket } from 'node:net'
import { createGunzip, type Gunzip } from 'node:zlib'
import { createParser, type EventSourceMessage } from 'eventsource-parser'

export interface ReceivedFrame {
  readonly event: string
  /** undefined when the frame had no `id:` line. */
  readonly id: string | undefined
  /** The text of the `data:` line. */
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read payloads of every shape.
  readonly data: any
}

export interface ListenOptions {
  readonly headers?: Record<string, string>
  readonly httpVersion?: '1.0' | '1.1'
  readonly method?: 'GET' | 'HEAD'
  /** The connection is cut after that many bytes of the answer. */
  readonly cutAfter?: number
  /** The connection is opened at once, and the request is sent when this resolves. */
  readonly after?: Promise<unknown>
}

export class Listener implements AsyncDisposable {
  readonly frames: ReceivedFrame[] = []
  /** The body as text, after removing chunk framing and compression. */
  body = ''
  head = ''
  retry: number | undefined
  /** The server ended the body properly (last chunk, or end of an HTTP/1.0 connection). */
  ended = false
  closed = false
  bytes = 0
  /** The bytes of the first read from the socket. */
  firstRead = ''
  /** Chunks of the body as they were sent, before decompression. */
  readonly encoded: Buffer[] = []
  readonly socket: Socket
  #raw: Buffer = Buffer.alloc(0)
  #gunzip: Gunzip | null = null
  #decoder = new TextDecoder()
  #waiting = new Set<() => void>()
  #parser = createParser({
    onEvent: (message: EventSourceMessage) => {
      this.frames.push({
        event: message.event ?? 'message',
        id: message.id,
        text: message.data,
        data: JSON.parse(message.data),
      })
    },
    onRetry: (ms: number) => {
      this.retry = ms
    },
  })

  constructor(url: string, path: string, options: ListenOptions = {}) {
    const { hostname, port, host } = new URL(url)
    this.socket = connect(Number(port), hostname)
    const version = options.httpVersion ?? '1.1'
    const headers = { Host: host, Accept: 'text/event-stream', ...options.headers }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const request = `${options.method ?? 'GET'} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`
    if (options.after) void options.after.then(() => this.socket.write(request))
    else this.socket.write(request)
    this.socket.on('data', (chunk: Buffer) => {
      if (this.bytes === 0) this.firstRead = chunk.toString('latin1')
      const cutAfter = options.cutAfter ?? Infinity
      const taken = this.bytes + chunk.length > cutAfter ? chunk.subarray(0, cutAfter - this.bytes) : chunk
      this.bytes += taken.length
      this.#take(taken)
      if (this.bytes >= cutAfter) this.socket.destroy()
    })
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      if (this.head !== '' && !this.#isChunked) this.ended = true
      // Decompression is asynchronous; `closed` resolves when all text is there.
      if (!this.#gunzip || this.#gunzip.closed) this.#close()
      else this.#gunzip.once('close', () => this.#close()).end()
    })
  }

  get status(): number {
    return Number(this.head.split(' ')[1])
  }

  header(name: string): string | undefined {
    const line = this.head.split('\r\n').find((text) => text.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    return line?.slice(line.indexOf(':') + 1).trim()
  }

  /** The last id seen. */
  get lastEventId(): string | undefined {
    return this.frames.findLast(({ id }) => id !== undefined)?.id
  }

  named(event: string): ReceivedFrame[] {
    return this.frames.filter((frame) => frame.event === event)
  }

  /** Resolves when the condition holds; rejects with what was seen after `withinMs`. */
  until<T>(what: string, condition: () => T | undefined | false | null, withinMs = 10_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const value = condition()
        if (!value) return
        clearTimeout(timer)
        this.#waiting.delete(check)
        resolve(value)
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(check)
        const seen = this.frames.map(({ event, id }) => `${event}${id ? `#${id}` : ''}`).slice(-40)
        reject(
          new Error(
            `waited for ${what}; ${this.closed ? 'closed; ' : ''}head ${this.head.split('\r\n')[0]}; saw ${seen.join(' ')}`,
          ),
        )
      }, withinMs)
      this.#waiting.add(check)
      check()
    })
  }

  /** The first frame of this name, from the `from`th frame on. */
  frame(event: string, from = 0): Promise<ReceivedFrame> {
    return this.until(`frame ${event}`, () => this.frames.slice(from).find((frame) => frame.event === event))
  }

  /** The frame that carries this id. */
  id(id: string): Promise<ReceivedFrame> {
    return this.until(`id ${id}`, () => this.frames.find((frame) => frame.id === id))
  }

  untilClosed(): Promise<true> {
    return this.until('the end of the connection', () => this.closed)
  }

  /** Bytes after the end of a chunked body; there must be none. */
  get surplusBytes(): number {
    return this.ended && this.#isChunked ? this.#raw.length : 0
  }

  close(): void {
    this.socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.untilClosed()
  }

  get #isChunked(): boolean {
    return this.header('Transfer-Encoding')?.toLowerCase() === 'chunked'
  }

  #take(chunk: Buffer): void {
    this.#raw = this.#raw.length === 0 ? chunk : Buffer.concat([this.#raw, chunk])
    if (this.head === '') {
      const end = this.#raw.indexOf('\r\n\r\n')
      if (end < 0) return
      this.head = this.#raw.subarray(0, end).toString('latin1')
      this.#raw = this.#raw.subarray(end + 4)
      if (this.header('Content-Encoding') === 'gzip') {
        this.#gunzip = createGunzip()
        this.#gunzip.on('data', (plain: Buffer) => this.#text(plain))
        // An incomplete body: the text before is kept.
        this.#gunzip.on('error', () => this.#gunzip?.destroy())
      }
    }
    if (!this.#isChunked) {
      this.#content(this.#raw)
      this.#raw = Buffer.alloc(0)
    } else while (this.#chunk());
    this.#wake()
  }

  /** Parses one complete chunk; false when there is none yet. */
  #chunk(): boolean {
    if (this.ended) return false
    const line = this.#raw.indexOf('\r\n')
    if (line < 0) return false
    const text = this.#raw.subarray(0, line).toString('latin1')
    if (!/^[0-9a-f]+$/i.test(text)) throw new Error(`bad chunk size ${JSON.stringify(text)}`)
    const size = Number.parseInt(text, 16)
    if (this.#raw.length < line + 2 + size + 2) return false
    const content = this.#raw.subarray(line + 2, line + 2 + size)
    if (this.#raw.subarray(line + 2 + size, line + 4 + size).toString('latin1') !== '\r\n')
      throw new Error('bad chunk end')
    this.#raw = this.#raw.subarray(line + 4 + size)
    if (size === 0) {
      this.ended = true
      // The connection could serve another request; this client has none.
      this.socket.end()
      this.#gunzip?.end()
      return false
    }
    this.#content(content)
    return true
  }

  #content(bytes: Buffer): void {
    if (bytes.length > 0) this.encoded.push(bytes)
    if (this.#gunzip) this.#gunzip.write(bytes)
    else this.#text(bytes)
  }

  #text(bytes: Buffer): void {
    const text = this.#decoder.decode(bytes, { stream: true })
    this.body += text
    this.#parser.feed(text)
    this.#wake()
  }

  #close(): void {
    this.closed = true
    this.#wake()
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check()
  }
}

/** Opens a listener and waits for its hello. */
export async function listen(url: string, path: string, options: ListenOptions = {}): Promise<Listener> {
  const listener = new Listener(url, path, options)
  await listener.frame('hello')
  return listener
}
