/**
 * Writing to a socket past Node's stream layer. `socket.write` costs a request object, a callback and a turn of the tick
 * queue per write, nearly always to learn that the kernel has taken everything at once. With a thousand listeners that is
 * a third of the time spent outside the kernel (docs/performance.md, "CPU per delivery").
 *
 * The handle under the socket takes a buffer and a request. A write that completes at once leaves the request unused, so
 * one request serves all sockets. A write that does not complete at once keeps its request; libuv then sends the rest, in
 * order with later writes through the handle or the socket.
 *
 * None of this is a public interface of Node. It is used only if the handle is as expected; otherwise `socket.write` does
 * the same, slower.
 */
import type { Socket } from 'node:net'

interface WriteRequest {
  /** Negative as long as no write has kept the request. */
  getAsyncId(): number
  buffer?: Buffer
}

export interface Handle {
  /** 0, or the number of an error; an error too when the handle is closed. */
  writeBuffer(request: WriteRequest, bytes: Buffer): number
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number
}

/**
 * The class of request that Node creates for every write, taken from the first such request. undefined: there is none to
 * learn. Node 24.22 passes null, and creates a request only for a write that does not complete at once.
 */
let Request: (new () => WriteRequest) | null | undefined = null
/** Kept by no write. */
let spare: WriteRequest | null = null

/** The handle of a socket, if it can be written to directly; null until `Request` is known. */
export function directHandle(socket: Socket): Handle | null {
  const { _handle: handle } = socket as Socket & { readonly _handle?: Partial<Handle> | null }
  if (typeof handle?.writeBuffer !== 'function' || typeof handle.writeQueueSize !== 'number') return null
  return Request ? (handle as Handle) : null
}

/** Call before writing through a socket: the first such write reveals `Request`. */
export function learnFrom(socket: Socket): void {
  if (Request !== null) return
  const { _handle: handle } = socket as Socket & { readonly _handle?: Partial<Teaching> | null }
  if (typeof handle?.writeBuffer === 'function' && typeof handle.writev === 'function') learnRequest(handle as Teaching)
}

/**
 * Writes the bytes, which must not be changed afterwards. Returns how many bytes of this and earlier writes the kernel has
 * not taken; a negative number if it takes no more.
 */
export function writeDirectly(handle: Handle, bytes: Buffer): number {
  if (!Request) return -1
  spare ??= new Request()
  if (handle.writeBuffer(spare, bytes) !== 0) return -1
  // An empty queue is not proof that the request is free: the kernel may refuse the bytes at first and take them a moment
  // later, within the same call. Node aborts the process when a request that a write has kept is used again.
  if (!isKept(spare)) return 0
  // libuv reads from the buffer until it has sent all of it. Node holds the request until then, and so the buffer.
  spare.buffer = bytes
  spare = null
  return handle.writeQueueSize
}

function isKept(request: WriteRequest): boolean {
  return request.getAsyncId() >= 0
}

/** How Node writes to a handle: one buffer, or several at once. */
interface Teaching {
  writeBuffer(request: WriteRequest | null, ...rest: unknown[]): number
  writev(request: WriteRequest | null, ...rest: unknown[]): number
}

function learnRequest(handle: Teaching): void {
  for (const name of ['writeBuffer', 'writev'] as const) {
    handle[name] = (request, ...rest) => {
      Reflect.deleteProperty(handle, 'writeBuffer')
      Reflect.deleteProperty(handle, 'writev')
      const Learned = request?.constructor as (new () => Partial<WriteRequest>) | undefined
      const isRequest = Learned !== undefined && (new Learned().getAsyncId?.() ?? 0) < 0
      Request = isRequest ? (Learned as new () => WriteRequest) : undefined
      return handle[name](request, ...rest)
    }
  }
}
