/** Interprets the frames of a stream: control frames change how the stream is run, all others go to the listener. */
import { CONTROL, HEARTBEAT_MS, RETRY_MS } from '../../../shared/src/protocol.ts'
import { isKnown } from '../base/channels.ts'
import type { Clock } from '../base/clock.ts'
import { fieldOf, isControl, laterOf, parseFrame } from '../base/frames.ts'
import type { StatusKeeper } from '../base/status.ts'
import type { Frame, GapNotice, StreamListener } from '../base/types.ts'
import type { ConnectionAttempt } from './connection-attempt.ts'
import type { RawFrame } from './transport.ts'

const TIMEOUT_HEARTBEATS = 2.5
const LATE_HEARTBEATS = 1.5

export interface ReceiverOptions {
  readonly clock: Clock
  readonly status: StatusKeeper
  readonly listener: StreamListener
  /** `hello` has come. Returns what the stream carries, and from where. */
  opened(): Pick<ConnectionAttempt, 'channels' | 'cursor'>
  /** The credentials of the stream are about to expire. */
  expiring(frame: Frame): void
  /** The board was deleted, which ends its channels on this stream. */
  boardDeleted(boardId: string): void
}

export class Receiver {
  /** Every event up to this id was delivered; null before the first. Kept across connections, to resume from. */
  cursor: string | null
  /** The server's `retry:`. */
  retryMs = 0
  /** When the last frame came. */
  lastFrameAt = 0
  /** The delay that the server asked for before the next attempt. */
  serverDelayMs: number | undefined
  readonly #options: ReceiverOptions
  /** The interval that `hello` announced; 0 before the first. */
  #announcedMs = 0
  #channels: readonly string[] = []
  /** A cursor from which the server did not resume. The `gap` that follows gives the reason. */
  #notResumed: string | null = null

  constructor(cursor: string | null, options: ReceiverOptions) {
    this.cursor = cursor
    this.#options = options
  }

  /** After waking up, a heartbeat should have come within this time. */
  get lateMs(): number {
    return LATE_HEARTBEATS * (this.#announcedMs || HEARTBEAT_MS)
  }

  /** A stream is dead after a silence of this length. */
  timeoutMs(wantedMs: number | undefined): number {
    // A shorter timeout would end every quiet stream before its next heartbeat.
    const minimumMs = LATE_HEARTBEATS * this.#announcedMs
    return Math.max(wantedMs ?? TIMEOUT_HEARTBEATS * (this.#announcedMs || HEARTBEAT_MS), minimumMs)
  }

  readonly receive = (raw: RawFrame): void => {
    const { status, clock, listener, boardDeleted } = this.#options
    const frame = parseFrame(raw.event, raw.data)
    this.lastFrameAt = clock.now()
    if (!frame) {
      status.setSoon({ unreadable: status.now().unreadable + 1 })
      // The cursor must pass it, or it would come again after every reconnect.
      if (raw.id) this.cursor = laterOf(this.cursor, raw.id)
    } else if (isControl(frame.event)) this.#control(frame)
    else {
      if (this.#notResumed !== null) {
        this.#gap({ requested: this.#notResumed, oldest: frame.id, reason: 'invalid' }, frame.id)
      }
      const isCheckpoint = raw.id !== undefined
      if (isCheckpoint) this.cursor = laterOf(this.cursor, frame.id)
      // Events that clients post have names of their own.
      if (!isKnown(frame.event) && !/^(topic:|global$)/.test(frame.channel)) {
        status.setSoon({ unknown: status.now().unknown + 1 })
      }
      listener.frame(frame, isCheckpoint)
      if (frame.event === 'board_deleted') boardDeleted(String(fieldOf(frame.data, 'boardId')))
    }
    status.setSoon({ lastFrameAt: this.lastFrameAt, lastEventId: this.cursor })
  }

  #control(frame: Frame): void {
    switch (frame.event) {
      case CONTROL.hello:
        this.#hello(frame)
        break
      case CONTROL.gap:
        this.#gap(frame.data as GapNotice, frame.id)
        break
      case CONTROL.draining:
      case CONTROL.overloaded:
        this.serverDelayMs = Number(fieldOf(frame.data, 'retryMs')) || this.retryMs || RETRY_MS
        break
      case CONTROL.authExpiring:
        this.#options.expiring(frame)
        break
      case CONTROL.authExpired:
        this.serverDelayMs = 0
        break
      case CONTROL.heartbeat:
        this.cursor = laterOf(this.cursor, frame.id)
        this.#options.listener.checkpoint(frame.id)
        break
      default:
    }
  }

  #hello({ id, data }: Frame): void {
    const heartbeatMs = Number(fieldOf(data, 'heartbeatMs'))
    if (heartbeatMs > 0) this.#announcedMs = heartbeatMs
    const { channels, cursor } = this.#options.opened()
    this.#channels = channels
    this.#notResumed = fieldOf(data, 'resumed') === false ? cursor : null
    // A stream that replaces an open one begins before what that one has delivered since. Readers skip what comes again,
    // but must know where the stream begins: it may join lines of which they have the first.
    if (this.#notResumed === null) this.#start(laterOf(cursor, id) ?? id)
  }

  #gap(notice: GapNotice, id: string): void {
    this.#notResumed = null
    this.#options.listener.gap(notice)
    this.#start(id)
  }

  #start(id: string): void {
    this.cursor = id
    this.#options.listener.covered(new Set(this.#channels), id)
  }
}
