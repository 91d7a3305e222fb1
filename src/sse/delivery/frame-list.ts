/**
 * Events in, frames out: the same code for new events and for those that are read from the log, so that a listener
 * cannot tell the two apart.
 *
 * Consecutive lines of output by one actor are held back and joined into one `output_batch`. The held lines become a frame before
 * anything with a higher id does, so ids on a connection never go back.
 */

import { JOIN_MAX_LENGTH, JOIN_MAX_LINES } from '../../../shared/src/protocol.ts'
import { now } from '../../base/clock.ts'
import { jsonLine } from '../../base/json.ts'
import type { LogEvent } from '../../db/log-event.ts'
import type { Framing } from './framing.ts'
import type { Selection, VisibleEvent } from './selection.ts'

export interface Frame {
  readonly text: string
  /**
   * Sequence numbers of the first and the last event in it. For something that is not in the log, `last` is what had been
   * reached before it, and `first` comes after that.
   */
  readonly first: number
  readonly last: number
  /** How much of a `limit` it uses up. */
  readonly counts: number
  /** Another frame of the same event follows, and must leave together with this one. */
  readonly isPartial?: boolean
  /** Channels that end with it. */
  readonly ends: readonly string[]
}

interface Held {
  readonly channel: string
  readonly event: string
  readonly actor: string | null
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

  /** Lines are held back to be joined. */
  get isHolding(): boolean {
    return this.#held !== null
  }

  /** Adds the frames of an event: consecutive, only the last with its id. */
  add(event: LogEvent): void {
    const visible = this.#selection.view(event)
    const ends = this.#selection.endedBy(event)
    const only = visible.length === 1 ? visible[0] : undefined
    if (only?.lines) {
      this.#hold(event, only, only.lines)
      return
    }
    if (visible.length === 0 && ends.length === 0) return
    this.release()
    const id = this.#cursor(event.seq)
    const seqs = { first: event.seq, last: event.seq }
    for (const [index, one] of visible.entries()) {
      const data = textOf(one, event.at)
      const isLast = index === visible.length - 1
      const text = this.#framing.frame(one.lines ? { ...one, data } : one, event.at, id, isLast)
      if (isLast) this.#frames.push({ text, ...seqs, counts: 1, ends })
      else this.#frames.push({ text, ...seqs, counts: 0, ends: NO_ENDS, isPartial: true })
    }
    // A channel may end with an event that does not show on it.
    if (visible.length === 0) this.#frames.push({ text: '', ...seqs, counts: 0, ends })
  }

  /** Adds something that is not in the log, as of sequence number `reached`. */
  addUnstored(visible: VisibleEvent, reached: number, marked: boolean): void {
    this.release()
    const text = this.#framing.frame(visible, now(), this.#cursor(reached), marked)
    this.#frames.push({ text, first: reached + 1, last: reached, counts: 1, ends: NO_ENDS })
  }

  /** Makes a frame of the lines that are held back. */
  release(): void {
    const held = this.#held
    if (!held) return
    this.#held = null
    const data = outputBatch(held.at, held.lines)
    const text = this.#framing.frame(
      { channel: held.channel, event: held.event, data, actor: held.actor },
      held.at,
      this.#cursor(held.last),
      true,
    )
    this.#frames.push({ text, first: held.first, last: held.last, counts: 1, ends: NO_ENDS })
  }

  /** Takes the frames made so far. */
  take(): Frame[] {
    const frames = this.#frames
    this.#frames = []
    return frames
  }

  #hold(event: LogEvent, visible: VisibleEvent, lines: readonly string[]): void {
    let length = 0
    for (const line of lines) length += line.length
    const held = this.#held
    if (
      held &&
      (held.channel !== visible.channel ||
        held.event !== visible.event ||
        held.actor !== event.actor ||
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
        channel: visible.channel,
        event: visible.event,
        actor: event.actor,
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

/** The JSON text of an event's payload, when its lines are not joined with others. */
export function textOf({ lines, data }: VisibleEvent, at: number): string {
  return lines ? outputBatch(at, lines) : data
}

function outputBatch(at: number, lines: readonly string[]): string {
  return jsonLine({ timestamp: at, lines })
}
