/**
 * Bytes to a socket, in order, by the shortest way there is: straight to the handle under it while nothing waits in the
 * socket itself, through the socket otherwise.
 */
import type { Socket } from 'node:net'
import { directHandle, type Handle, learnFrom, writeDirectly } from './direct-write.ts'

export class SocketWriter {
  readonly #socket: Socket
  #bytesWritten = 0
  /** Taken while nothing waits in the socket itself; null: writes go through the socket. */
  #direct: Handle | null = null
  /** The kernel did not take everything when it was last asked directly. */
  #isPending = false
  #isClosed = false

  /** What others have written to the socket before must have been written through it. */
  constructor(socket: Socket) {
    this.#socket = socket
  }

  get pendingBytes(): number {
    if (this.#direct && !this.#isPending) return 0
    // What was begun directly waits below the socket, which knows nothing of it; what the socket has begun is in both.
    const below = (this.#direct ?? directHandle(this.#socket))?.writeQueueSize ?? 0
    const pending = Math.max(this.#socket.writableLength, below)
    this.#isPending = pending > 0
    return pending
  }

  /** Bytes so far, those that wait included. */
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
    // Its turn comes when all before it has been taken; when the socket dies it is told so, and has nobody to tell.
    if (!this.#isClosed) this.#throughSocket(NOTHING, callback)
  }

  /** Nothing is written from now on. */
  close(): void {
    this.#isClosed = true
    this.#direct = null
  }

  /** While a write waits in the socket, those after it must wait there too. */
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
