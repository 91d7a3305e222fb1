/** What one Socket.IO connection is written to, over whichever transport its client uses. The library frames. */
import type { Socket as Client } from 'socket.io'
import type { CloseReason, ConnectionSink, SinkOwner } from '../../connections/sink.ts'
import type { Packet } from '../../sse/delivery/framing.ts'

export class SocketIoSink implements ConnectionSink {
  readonly #client: Client
  /** null once it has been notified, or the server has ended the connection. */
  #owner: SinkOwner | null
  #bytesWritten = 0
  #pendingBytes = 0
  #onDrained: Array<() => void> = []

  constructor(client: Client, owner: SinkOwner) {
    this.#client = client
    this.#owner = owner
    client.on('disconnect', () => {
      // A client that leaves the namespace could otherwise keep its transport, which counts nowhere.
      client.conn.close()
      this.#onClose()
    })
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Counts payload only. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  write({ bytes, texts = [] }: Packet): void {
    const { length } = bytes
    this.#bytesWritten += length
    this.#pendingBytes += length
    for (const [index, text] of texts.entries()) {
      const isLast = index === texts.length - 1
      this.#client.conn.write(text, { compress: false }, isLast ? () => this.#onTaken(length) : undefined)
    }
  }

  onceDrained(callback: () => void): void {
    if (this.#pendingBytes === 0) setImmediate(callback)
    else this.#onDrained.push(callback)
  }

  /** The library's client reconnects by itself, unless it is disconnected in the protocol, as `disconnect` does. */
  end(reason: CloseReason): void {
    this.#owner = null
    if (reason === 'flooding' || reason === 'unopened') this.#client.disconnect(true)
    else this.#client.conn.close()
  }

  destroy(): void {
    this.#client.conn.close(true)
  }

  #onClose(): void {
    const owner = this.#owner
    this.#owner = null
    owner?.onClose()
  }

  #onTaken(length: number): void {
    this.#pendingBytes -= length
    if (this.#pendingBytes > 0) return
    for (const callback of this.#onDrained.splice(0)) callback()
  }
}
