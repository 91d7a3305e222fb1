/**
 * Events in, frames out: the same code for what is happening and for what is read back from the log, so that a listener
 * cannot tell the two apart.
 *
 * Consecutive lines of output are held and joined into one `output_batch`. The held lines become a frame before
 * anything with a higher id does, so ids on a connection never go back.
 */

import { JOIN_MAX_LENGTH, JOIN_MAX_LINES } from '../../../shared/src/protocol.ts'
import { now } from '../../base/clock.ts'
import { jsonLine } from '../../base/json.ts'
import type { LogEvent } from '../../db/log-event.ts'
import type { Framing } from './framing.ts'
import type { Selection, Shown } from './selection.ts'

export interface Frame {
  readonly text: string
  /** Positions of the first and the last event in it. What is not stored begins after the position that it is exact at. */
  readonly first: number
  readonly last: number
  /** How much of a `limit` it uses up. */
  readonly counts: number
  /** Another frame of the same event follows, and must leave together with this one. */
  readonly isPartial?: boolean
  /** Channels that are over after it. */
  readonly ends: readonly string[]
}

interface Held {
  readonly channel: string
  readonly event: string
  readonly first: number
  readonly lines: string[]
  /** Of all lines, in characters. */
  length: number
  last: number
  at: number
}

const NO_ENDS: readonly string[] = []

export class FrameList {
  readonly #selection: Selection
  readonly #framing: Framing
  readonly #cursor: (seq: number) => string
  #frames: Frame[] = []
  #held: Held | null = null

  constructor(selection: Selection, framing: Framing, cursor: (seq: number) => string) {
    this.#selection = selection
    this.#framing = framing
    this.#cursor = cursor
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0
  }

  /** Lines wait to be joined. */
  get isHolding(): boolean {
    return this.#held !== null
  }

  /** Adds the frames of an event: consecutive, only the last with its id. */
  add(event: LogEvent): void {
    const { shown, ends } = this.#selection.sight(event)
    const only = shown.length === 1 ? shown[0] : undefined
    if (only?.lines) {
      this.#hold(event, only, only.lines)
      return
    }
    if (shown.length === 0 && ends.length === 0) return
    this.release()
    const id = this.#cursor(event.seq)
    const place = { first: event.seq, last: event.seq }
    for (const [index, one] of shown.entries()) {
      const data = textOf(one, event.at)
      const isLast = index === shown.length - 1
      const text = this.#framing.frame(one.lines ? { ...one, data } : one, event.at, id, isLast)
      if (isLast) this.#frames.push({ text, ...place, counts: 1, ends })
      else this.#frames.push({ text, ...place, counts: 0, ends: NO_ENDS, isPartial: true })
    }
    // A channel may end without a word.
    if (shown.length === 0) this.#frames.push({ text: '', ...place, counts: 0, ends })
  }

  /** Adds something that is not stored, exact at or sent after the position `at`. */
  addUnstored(shown: Shown, reached: number, marked: boolean): void {
    this.release()
    const text = this.#framing.frame(shown, now(), this.#cursor(reached), marked)
    this.#frames.push({ text, first: reached + 1, last: reached, counts: 1, ends: NO_ENDS })
  }

  /** Makes a frame of the lines held. */
  release(): void {
    const held = this.#held
    if (!held) return
    this.#held = null
    const data = outputBatch(held.at, held.lines)
    const text = this.#framing.frame(
      { channel: held.channel, event: held.event, data },
      held.at,
      this.#cursor(held.last),
      true,
    )
    this.#frames.push({ text, first: held.first, last: held.last, counts: 1, ends: NO_ENDS })
  }

  /** The frames made so far, which are then forgotten. */
  take(): Frame[] {
    const frames = this.#frames
    this.#frames = []
    return frames
  }

  #hold(event: LogEvent, shown: Shown, lines: readonly string[]): void {
    let length = 0
    for (const line of lines) length += line.length
    const held = this.#held
    if (
      held &&
      (held.channel !== shown.channel ||
        held.event !== shown.event ||
        held.lines.length + lines.length > JOIN_MAX_LINES ||
        held.length + length > JOIN_MAX_LENGTH)
    ) {
      this.release()
    }
    if (this.#held) {
      for (const line of lines) this.#held.lines.push(line)
      this.#held.length += length
      this.#held.last = event.seq
      this.#held.at = event.at
    } else {
      this.#held = {
        channel: shown.channel,
        event: shown.event,
        first: event.seq,
        lines: [...lines],
        length,
        last: event.seq,
        at: event.at,
      }
    }
    if (this.#held && (this.#held.lines.length >= JOIN_MAX_LINES || this.#held.length >= JOIN_MAX_LENGTH)) {
      this.release()
    }
  }
}

/** The payload's JSON text of what is shown of one event alone. */
export function textOf({ lines, data }: Shown, at: number): string {
  return lines ? outputBatch(at, lines) : data
}

function outputBatch(at: number, lines: readonly string[]): string {
  return jsonLine({ timestamp: at, lines })
}
