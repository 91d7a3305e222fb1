/**
 * A write to a socket around Node's stream machinery. `socket.write` makes a request object, a callback and a turn of
 * the tick queue for every write, nearly always to learn that the kernel had taken everything at once; with a thousand
 * listeners that is a third of the time that is not the kernel's (docs/performance.md, "CPU per delivery").
 *
 * The handle under the socket takes a buffer and a request. While writes complete at once the request stays unused, and
 * one serves all sockets. A write that does not complete keeps its request, and libuv sends what is left, in order with
 * whatever follows, through the handle or through the socket.
 *
 * None of this is Node's public interface. It is used only where it is found to be as expected; elsewhere `socket.write`
 * does the same, slower.
 */
import type { Socket } from 'node:net'

interface WriteRequest {
  buffer?: Buffer
}

interface Handle {
  /** 0, or the number of an error. */
  writeBuffer(request: WriteRequest, bytes: Buffer): number
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number
}

type Inside = Socket & { readonly _handle?: Partial<Handle> | null }

/** Made by Node for every write; learned from one that it makes. */
let Request: (new () => WriteRequest) | null = null
/** Has not been used by any write that is still under way. */
let spare: WriteRequest | null = null

export class SocketWriter {
  readonly #socket: Inside
  readonly #handle: Handle | null
  /** The kernel did not take everything when it was last asked. */
  #isPending = false

  /** Node writes first: what it has begun to write must be under way before this is made. */
  constructor(socket: Socket) {
    this.#socket = socket
    this.#handle = expectedHandle(socket)
    if (this.#handle && !Request) learnRequest(this.#handle)
  }

  /** Bytes that the kernel has not taken yet. */
  get pendingBytes(): number {
    if (!this.#isPending && this.#socket.writableLength === 0) return 0
    const pending = this.#socket.writableLength + (this.#isAlive ? (this.#handle?.writeQueueSize ?? 0) : 0)
    this.#isPending = pending > 0
    return pending
  }

  /** Writes after what was written before. The bytes must not be changed afterwards. */
  write(bytes: Buffer): void {
    if (!this.#handle || !Request || !this.#isAlive || this.#socket.writableLength > 0) {
      this.#socket.write(bytes)
      return
    }
    spare ??= new Request()
    if (this.#handle.writeBuffer(spare, bytes) !== 0) {
      this.#socket.destroy()
    } else if (this.#handle.writeQueueSize > 0) {
      this.#isPending = true
      // libuv reads from the buffer until it is through; the request, which Node holds until then, must hold it.
      spare.buffer = bytes
      spare = null
    }
  }

  /** A socket that was destroyed lets its handle go at once, before it says that it is closed. */
  get #isAlive(): boolean {
    return this.#socket._handle === this.#handle
  }
}

function expectedHandle(socket: Inside): Handle | null {
  const { _handle: handle } = socket
  if (typeof handle?.writeBuffer !== 'function' || typeof handle.writeQueueSize !== 'number') return null
  return handle as Handle
}

/** The next write of Node's own tells what a request is. */
function learnRequest(handle: Handle): void {
  handle.writeBuffer = (request, bytes) => {
    Reflect.deleteProperty(handle, 'writeBuffer')
    Request = request.constructor as new () => WriteRequest
    return handle.writeBuffer(request, bytes)
  }
}
