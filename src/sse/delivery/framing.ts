/**
 * What a transport brings to the core: how a frame is written, how the frames of one flush become bytes, and where the
 * bytes go. Connections whose framing has the same key share frames and bytes.
 */
import type { ControlEvent } from '../../../shared/src/protocol.ts'

/** An event under one name, as an envelope shows it. `data` is JSON text. */
export interface FramedEvent {
  readonly channel: string
  readonly event: string
  readonly data: string
  readonly topic?: string | undefined
  /** Who caused a stored event; undefined for what is not stored. */
  readonly actor?: string | null
}

export interface Framing {
  readonly key: string
  /**
   * One frame. `id` is the cursor of the event, or the one reached for what is not stored; the frame carries it as the
   * resumable id only when `marked`.
   */
  frame(shown: FramedEvent, at: number, id: string, marked: boolean): string
  /** A frame about the stream itself. `retryMs`: when the client should reconnect after a loss. */
  control(event: ControlEvent, data: string, id: string, marked: boolean, retryMs?: number): string
  /** Frames joined and framed for the transport. Empty ones are left out. */
  pack(frames: readonly string[]): Packet
}

export interface Packet {
  readonly bytes: Buffer
  /** The frames one by one, for a transport whose library frames them itself. */
  readonly texts?: readonly string[]
  /** Of the bytes before compression, where there is one: what a gzip trailer needs. */
  readonly plain?: { readonly crc: number; readonly length: number }
}

/**
 * How much may wait for one connection beyond the kernel's buffers. More would only delay it: what does not fit is
 * read from the log when there is room.
 */
export const MAX_PENDING_BYTES = 256 * 1024

/** Where the bytes of one connection go. */
export interface Sink {
  /** Bytes that the kernel has not taken yet. */
  readonly pendingBytes: number
  write(packet: Packet): void
  /** Calls back once, when the kernel has taken everything that was written before. */
  onceDrained(callback: () => void): void
  /** Sends pending bytes, ends the stream as its transport does, and releases the connection. */
  end(reason: EndReason): void
}

/**
 * Why a stream ends: it is complete; the server is stopping; the client's credential has lapsed; or it failed, and the
 * client should resume. Only some transports can send the reason.
 */
export type EndReason = 'done' | 'draining' | 'expired' | 'failed'
