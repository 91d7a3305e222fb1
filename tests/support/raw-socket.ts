/**
 * A WebSocket client on a raw socket: it sends any bytes, and need not answer pings, read, or close. It parses the frames
 * of the server independently of the server's encoder and of any library.
 */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface RawFrame {
  readonly opcode: number
  readonly payload: Buffer
}

export interface ClientFrame {
  readonly opcode?: number
  readonly payload?: string | Uint8Array
  readonly isFinal?: boolean
  /** The three reserved bits, as a number. */
  readonly reserved?: number
  readonly isMasked?: boolean
}

/** The bytes of one frame of a client (RFC 6455, 5.2), which may be invalid. */
export function clientFrame({
  opcode = OPCODE.text,
  payload = '',
  isFinal = true,
  reserved = 0,
  isMasked = true,
}: ClientFrame): Buffer {
  const bytes = Buffer.from(payload)
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode
  const bit = isMasked ? 0x80 : 0
  const { length } = bytes
  const head =
    length <= 125
      ? Buffer.from([first, bit | length])
      : length <= 0xffff
        ? Buffer.from([first, bit | 126, length >> 8, length & 0xff])
        : Buffer.from([first, bit | 127, 0, 0, 0, 0, ...uint32(length)])
  if (!isMasked) return Buffer.concat([head, bytes])
  const mask = randomBytes(4)
  return Buffer.concat([head, mask, bytes.map((byte, index) => byte ^ (mask[index % 4] ?? 0))])
}

export interface RawOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent right after the request, before its answer. */
  readonly early?: Uint8Array
}

export class RawSocket implements AsyncDisposable {
  readonly socket: Socket
  readonly frames: RawFrame[] = []
  /** The text of the messages so far. */
  readonly texts: string[] = []
  // biome-ignore lint/suspicious/noExplicitAny: tests read messages of every shape.
  readonly messages: any[] = []
  /** The number of messages read. */
  bytes = 0
  head = ''
  /** The answer to a refused upgrade. */
  body = ''
  /** The server has ended its side. */
  ended = false
  closed = false
  #rest: Buffer = Buffer.alloc(0)
  readonly #waiting = new Set<() => void>()

  constructor(url: string, path: string, { headers = {}, early }: RawOptions = {}) {
    const { hostname, port, host } = new URL(url)
    this.socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    const all: Record<string, string> = {
      Host: host,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    this.socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    if (early) this.socket.write(early)
    this.socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length
      this.#take(chunk)
      this.#wake()
    })
    this.socket.on('end', () => {
      this.ended = true
      this.#wake()
    })
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
  }

  /** Resolves when the upgrade is granted. */
  static async open(url: string, path: string, options?: RawOptions): Promise<RawSocket> {
    const peer = new RawSocket(url, path, options)
    await peer.until('the upgrade', () => peer.status === 101)
    return peer
  }

  get status(): number {
    return Number(this.head.split(' ')[1])
  }

  /** The code that the server closed with. */
  get closeCode(): number | undefined {
    return this.frames.find(({ opcode }) => opcode === OPCODE.close)?.payload.readUInt16BE(0)
  }

  header(name: string): string | undefined {
    const line = this.head.split('\r\n').find((text) => text.toLowerCase().startsWith(`${name.toLowerCase()}:`))
    return line?.slice(line.indexOf(':') + 1).trim()
  }

  send(message: object | string): void {
    this.socket.write(clientFrame({ payload: typeof message === 'string' ? message : JSON.stringify(message) }))
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Closes without a closing handshake, as when a cable is cut and the kernel notices. */
  cut(): void {
    this.socket.resetAndDestroy()
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
        const seen = this.frames.map(({ opcode, payload }) => `${opcode}:${String(payload).slice(0, 200)}`).slice(-20)
        reject(new Error(`waited for ${what}; head ${this.head.split('\r\n')[0]}; saw\n${seen.join('\n')}`))
      }, withinMs)
      this.#waiting.add(check)
      check()
    })
  }

  /** Resolves to the code that the server closes with. */
  untilCloseCode(): Promise<number> {
    return this.until('a close frame', () => this.closeCode)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
    await this.until('the end of the connection', () => this.closed)
  }

  #take(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    if (this.head === '') {
      const end = this.#rest.indexOf('\r\n\r\n')
      if (end < 0) return
      this.head = this.#rest.subarray(0, end).toString('latin1')
      this.#rest = this.#rest.subarray(end + 4)
    }
    if (this.status !== 101) {
      this.body += this.#rest.toString()
      this.#rest = Buffer.alloc(0)
    } else while (this.#frame());
  }

  /** Parses one complete frame; false when there is none yet. */
  #frame(): boolean {
    const rest = this.#rest
    const [first, second] = rest
    if (first === undefined || second === undefined) return false
    if (second & 0x80) throw new Error('a server must not mask')
    if ((first & 0xf0) !== 0x80) throw new Error(`a fragmented frame, or one with reserved bits: ${first}`)
    const headLength = second <= 125 ? 2 : second === 126 ? 4 : 10
    if (rest.length < headLength) return false
    const length = second <= 125 ? second : second === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2))
    if (rest.length < headLength + length) return false
    const frame = { opcode: first & 0x0f, payload: rest.subarray(headLength, headLength + length) }
    this.frames.push(frame)
    if (frame.opcode === OPCODE.text) {
      const text = String(frame.payload)
      this.texts.push(text)
      this.messages.push(JSON.parse(text))
    }
    this.#rest = rest.subarray(headLength + length)
    return true
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check()
  }
}

function uint32(value: number): number[] {
  return [(value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}
