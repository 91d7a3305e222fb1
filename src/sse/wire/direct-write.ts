/**
 * Writing to a socket around Node's stream machinery. `socket.write` makes a request object, a callback and a turn of
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

export interface Handle {
  /** 0, or the number of an error; an error too when the handle is closed. */
  writeBuffer(request: WriteRequest, bytes: Buffer): number
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number
}

/** Made by Node for every write; learned from one that it makes. */
let Request: (new () => WriteRequest) | null = null
/** Has not been used by any write that is still under way. */
let spare: WriteRequest | null = null

/** The handle of a socket, when it can be written to directly; null until Node has shown what a request is. */
export function directHandle(socket: Socket): Handle | null {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Partial<Handle> | null }
  if (typeof handle?.writeBuffer !== 'function' || typeof handle.writeQueueSize !== 'number') return null
  return Request ? (handle as Handle) : null
}

/** To be called before something is written through a socket: the first such write shows what a request is. */
export function learnFrom(socket: Socket): void {
  if (Request) return
  const { _handle: handle } = socket as Socket & { readonly _handle?: Partial<Teaching> | null }
  if (typeof handle?.writeBuffer === 'function' && typeof handle.writev === 'function') learnRequest(handle as Teaching)
}

/**
 * Writes the bytes, which must not be changed afterwards, after what was written before. Answers how many bytes of this
 * and earlier writes the kernel has not taken; a negative number when it will take no more.
 */
export function writeDirectly(handle: Handle, bytes: Buffer): number {
  if (!Request) return -1
  spare ??= new Request()
  if (handle.writeBuffer(spare, bytes) !== 0) return -1
  const pending = handle.writeQueueSize
  if (pending > 0) {
    // libuv reads from the buffer until it is through; the request, which Node holds until then, must hold it.
    spare.buffer = bytes
    spare = null
  }
  return pending
}

/** Node's own ways to write to a handle: one buffer, and several at once. */
interface Teaching {
  writeBuffer(request: WriteRequest, ...rest: unknown[]): number
  writev(request: WriteRequest, ...rest: unknown[]): number
}

function learnRequest(handle: Teaching): void {
  for (const name of ['writeBuffer', 'writev'] as const) {
    handle[name] = (request, ...rest) => {
      Reflect.deleteProperty(handle, 'writeBuffer')
      Reflect.deleteProperty(handle, 'writev')
      Request = request.constructor as new () => WriteRequest
      return handle[name](request, ...rest)
    }
  }
}
