/**
 * One timer for all streams. They stand on the spokes of a wheel, one spoke is served at each tick, and the wheel turns
 * once per interval: ten thousand streams do not all speak in the same millisecond. Those of one spoke that have reached
 * the same place share the bytes.
 */

import { CONTROL } from '../../../shared/src/protocol.ts'
import { nowIso } from '../../base/clock.ts'
import type { Framing, Packet } from './framing.ts'

export interface Beating {
  heartbeat(packetFor: (framing: Framing, reached: number) => Packet): void
}

export interface Heartbeat {
  /** Serves a stream from now on; the first time after one interval. Returns where it stands. */
  add(stream: Beating): Spoke
  stop(): void
}

/** Where streams stand that are served together: one is deleted there when it ends. */
export interface Spoke {
  delete(stream: Beating): unknown
}

const SPOKES = 30

export function createHeartbeat(intervalMs: number, cursor: (seq: number) => string): Heartbeat {
  const wheel = Array.from({ length: SPOKES }, () => new Set<Beating>())
  const [first = new Set<Beating>()] = wheel
  let turned = 0
  const timer = setInterval(() => {
    turned = (turned + 1) % SPOKES
    beat(wheel[turned] ?? new Set(), cursor)
  }, intervalMs / SPOKES)
  timer.unref()
  return {
    add(stream) {
      const spoke = wheel[turned] ?? first
      return spoke.add(stream)
    },
    stop: () => clearInterval(timer),
  }
}

function beat(streams: ReadonlySet<Beating>, cursor: (seq: number) => string): void {
  const data = JSON.stringify({ ts: nowIso() })
  const packets = new Map<string, Packet>()
  function packetFor(framing: Framing, reached: number): Packet {
    const key = `${framing.key} ${reached}`
    let packet = packets.get(key)
    if (!packet) {
      packet = framing.pack([framing.control(CONTROL.heartbeat, data, cursor(reached), true)])
      packets.set(key, packet)
    }
    return packet
  }
  for (const stream of streams) stream.heartbeat(packetFor)
}
