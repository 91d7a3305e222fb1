/**
 * Writes bytes to a socket, in order and as directly as possible: to the handle under the socket while the socket itself
 * has nothing pending, otherwise through the socket.
 */
import type { Socket } from 'node:net'
import { directHandle, type Handle, learnFrom, writeDirectly } from './direct-write.ts'

export class SocketWriter {
  readonly #socket: Socket
  #bytesWritten = 0
  /** null: writes go through the socket. */
  #direct: Handle | null = null
  /** The kernel had not taken everything at the last direct write. */
  #isPending = false
  #isClosed = false

  /** Earlier writes to the socket must have gone through it. */
  constructor(socket: Socket) {
    this.#socket = socket
  }

  get pendingBytes(): number {
    if (this.#direct && !this.#isPending) return 0
    // A direct write is pending below the socket only; a write that the socket has begun counts in both.
    const below = (this.#direct ?? directHandle(this.#socket))?.writeQueueSize ?? 0
    const pending = Math.max(this.#socket.writableLength, below)
    this.#isPending = pending > 0
    return pending
  }

  /** Total, including pending bytes. */
  get bytesWritten(): number {
    return this.#bytesWritten
  }

  /** The bytes must not be changed afterwards. */
  write(bytes: Buffer): void {
    if (this.#isClosed) return
    this.#bytesWritten += bytes.length
    if (!this.#direct) this.#throughSocket(bytes)
    else {
      const pending = writeDirectly(this.#direct, bytes)
      if (pending > 0) this.#isPending = true
      else if (pending < 0) this.#socket.destroy()
    }
  }

  /** Calls back once, when the kernel has taken everything that was written before; never when the socket dies. */
  onceDrained(callback: () => void): void {
    // An empty write completes when everything before it has been taken, or with an error when the socket is lost.
    if (!this.#isClosed) this.#throughSocket(NOTHING, callback)
  }

  /** Ignores writes from now on. */
  close(): void {
    this.#isClosed = true
    this.#direct = null
  }

  /** While a write is pending in the socket, later ones must go through the socket too. */
  #throughSocket(bytes: Buffer, written?: () => void): void {
    this.#direct = null
    learnFrom(this.#socket)
    this.#socket.write(bytes, (error) => {
      if (error || this.#isClosed) return
      if (this.#socket.writableLength === 0) this.#direct = directHandle(this.#socket)
      written?.()
    })
  }
}

const NOTHING = Buffer.alloc(0)
