/** One Socket.IO connection that is written to, over whichever transport its client has. The library frames. */
import type { Socket as Client } from 'socket.io'
import type { Packet, Sink } from '../sse/delivery/framing.ts'

export class SocketIoSink implements Sink {
  readonly #client: Client
  #bytesWritten = 0
  #pendingBytes = 0
  #waiting: Array<() => void> = []

  constructor(client: Client) {
    this.#client = client
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Bytes of payload so far, those that wait included. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  write({ bytes, texts = [] }: Packet): void {
    const { length } = bytes
    this.#bytesWritten += length
    this.#pendingBytes += length
    for (const [index, text] of texts.entries()) {
      const isLast = index === texts.length - 1
      this.#client.conn.write(text, { compress: false }, isLast ? () => this.#taken(length) : undefined)
    }
  }

  onceDrained(callback: () => void): void {
    if (this.#pendingBytes === 0) setImmediate(callback)
    else this.#waiting.push(callback)
  }

  /** Without a word of the protocol about it, so that the library's client comes back by itself. */
  end(): void {
    this.#client.conn.close()
  }

  /** Cuts the connection: what is pending is lost. */
  destroy(): void {
    this.#client.conn.close(true)
  }

  #taken(length: number): void {
    this.#pendingBytes -= length
    if (this.#pendingBytes > 0) return
    for (const callback of this.#waiting.splice(0)) callback()
  }
}
