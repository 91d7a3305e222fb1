/**
 * What one listener has received over any number of connections. An SSE event counts when it or a later one has an id (an
 * event that shows under several names has its id on the last of them): after a cut, everything else must come again.
 *
 * A `gap`, or a stream that could not be resumed, begins a new stretch; within a stretch nothing may be missing.
 */
import { parseCursor } from '../../shared/src/cursor.ts'
import { CONTROL } from '../../shared/src/protocol.ts'
import type { TailFrame } from './tail.ts'

export interface ReceivedEvent extends TailFrame {
  /** Position of the id that covers it. */
  readonly seq: number
}

export interface Stretch {
  /** It contains what follows this position; undefined: the stream did not show where it begins. */
  start: number | undefined
  /** Everything up to here has been received. */
  reached: number
  /** Everything but control frames, in the order of arrival. */
  readonly frames: ReceivedEvent[]
}

export class Received {
  readonly stretches: Stretch[] = []
  readonly gaps: string[] = []
  /** Faults of the stream itself, as sentences; there must be none. */
  readonly faults: string[] = []
  lastEventId: string | undefined
  /** How many connections were resumed where the last one ended. */
  resumed = 0
  #uncovered: TailFrame[] = []
  #isFresh = false

  get stretch(): Stretch {
    return this.stretches.at(-1) ?? this.#begin()
  }

  /** Position of the last id. */
  get reached(): number {
    return parseCursor(this.lastEventId ?? '')?.seq ?? 0
  }

  /** A connection begins: drops what the last one left incomplete. */
  connect(): void {
    this.#uncovered = []
  }

  take(frame: TailFrame): void {
    if (frame.event === CONTROL.hello) this.#greet(bareOf(frame.text))
    else if (frame.event === CONTROL.gap) {
      this.gaps.push(frame.text)
      // After a hello that did not resume, the gap only gives the reason.
      if (!this.#isFresh) this.#begin()
    } else this.#isFresh = false
    this.#uncovered.push(frame)
    if (frame.id === undefined) return
    this.#cover(this.#uncovered, frame.id)
    this.#uncovered = []
  }

  #greet(hello: { resumed: boolean }): void {
    this.#isFresh = !hello.resumed
    if (hello.resumed) this.resumed += 1
    else this.#begin()
  }

  #begin(): Stretch {
    const stretch: Stretch = { start: undefined, reached: 0, frames: [] }
    this.stretches.push(stretch)
    return stretch
  }

  #cover(frames: readonly TailFrame[], id: string): void {
    const { stretch } = this
    const seq = parseCursor(id)?.seq
    if (seq === undefined || seq < this.reached) {
      this.faults.push(`${frames.at(-1)?.event} with id ${id} after ${this.lastEventId}`)
      return
    }
    const events = frames.filter(({ event }) => !CONTROLS.has(event))
    // Only an event that is exact at a position shows where a stream begins.
    if (stretch.frames.length === 0 && events.every(({ event }) => SNAPSHOTS.has(event))) stretch.start ??= seq
    stretch.reached = seq
    this.lastEventId = id
    for (const frame of events) stretch.frames.push({ ...frame, seq })
  }
}

const CONTROLS: ReadonlySet<string> = new Set(Object.values(CONTROL))
export const SNAPSHOTS: ReadonlySet<string> = new Set(['state', 'dashboard_overview'])

/** The payload of a frame, without the envelope that channel streams put around it. */
// biome-ignore lint/suspicious/noExplicitAny: tests read payloads of every shape.
export function bareOf(text: string): any {
  const data = JSON.parse(text)
  return typeof data.channel === 'string' && 'timestamp' in data && 'data' in data ? data.data : data
}
