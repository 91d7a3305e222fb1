/**
 * Heartbeats for all connections, from one timer. The connections are spread over the slots of a wheel that turns once
 * per interval, and each tick serves one slot: ten thousand connections do not all send in the same millisecond. In a
 * slot, connections with the same framing that have reached the same sequence number share the bytes.
 *
 * Timers of a busy process are late, and lateness would add up over the slots of a turn: clients would hear so little that
 * both sides give up. A late tick serves all slots that are due.
 */
import { CONTROL } from '../../shared/src/protocol.ts'
import { nowIso } from '../base/clock.ts'
import type { Framing, Packet } from '../sse/delivery/framing.ts'

/** The bytes of a heartbeat at a sequence number, made once and shared. */
export type HeartbeatPackets = (framing: Framing, reached: number) => Packet

export interface HeartbeatListener {
  heartbeat(packetFor: HeartbeatPackets): void
}

/** Where a connection deletes itself when it ends. */
export interface HeartbeatSlot {
  delete(listener: HeartbeatListener): unknown
}

const SLOTS = 30

export class Heartbeat {
  readonly #cursor: (seq: number) => string
  readonly #timer: NodeJS.Timeout
  readonly #slotMs: number
  readonly #wheel: ReadonlyArray<Set<HeartbeatListener>> = Array.from({ length: SLOTS }, () => new Set())
  #at = 0
  /** When the next slot is due. */
  #dueAt: number

  constructor(intervalMs: number, cursor: (seq: number) => string) {
    this.#cursor = cursor
    this.#slotMs = intervalMs / SLOTS
    this.#dueAt = performance.now() + this.#slotMs
    this.#timer = setInterval(() => this.#tick(), this.#slotMs)
    this.#timer.unref()
  }

  /** The first heartbeat comes after one interval. */
  add(listener: HeartbeatListener): HeartbeatSlot {
    return this.#slot.add(listener)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  get #slot(): Set<HeartbeatListener> {
    return this.#wheel[this.#at] ?? new Set()
  }

  #tick(): void {
    const now = performance.now()
    // After a pause of the process, each connection gets one heartbeat.
    this.#dueAt = Math.max(this.#dueAt, now - (SLOTS - 1) * this.#slotMs)
    for (; this.#dueAt <= now; this.#dueAt += this.#slotMs) this.#serveNext()
  }

  #serveNext(): void {
    this.#at = (this.#at + 1) % SLOTS
    const data = JSON.stringify({ ts: nowIso() })
    const packets = new Map<string, Packet>()
    const packetFor: HeartbeatPackets = (framing, reached) => {
      const key = `${framing.key} ${reached}`
      let packet = packets.get(key)
      if (!packet) {
        packet = framing.pack([framing.control(CONTROL.heartbeat, data, this.#cursor(reached), true)])
        packets.set(key, packet)
      }
      return packet
    }
    for (const listener of this.#slot) listener.heartbeat(packetFor)
  }
}
