/** What the frames of a stream say: events for the readers, and how the stream itself stands. */
import { CONTROL, HEARTBEAT_MS, RETRY_MS } from '../../../shared/src/protocol.ts'
import type { Clock } from './clock.ts'
import { fieldOf, parseFrame } from './frames.ts'
import { laterOf } from './positions.ts'
import type { SourceListener } from './source.ts'
import type { StatusKeeper } from './status.ts'
import type { RawFrame } from './transport.ts'
import type { Frame, GapNotice } from './types.ts'
import { isKnown } from './wire-names.ts'

export interface HearingOptions {
  readonly clock: Clock
  readonly status: StatusKeeper
  readonly listener: SourceListener
  /** A hello came; the channels that the stream has from then on. */
  opened(): readonly string[]
  /** A board was deleted: its part of the stream is over. */
  over(boardId: string): void
}

/** What is known of the stream, over all its connections. */
export interface Hearing {
  /** Everything up to here was told; null before anything was. */
  position: string | null
  /** The server's `retry:`. */
  retryMs: number
  /** Set by a server that said when to come back. */
  comeBackMs: number | undefined
  readonly heartbeatMs: number
  /** As `hello` said it; 0 before one did. */
  readonly saidHeartbeatMs: number
  take(frame: RawFrame): void
}

export function createHearing(start: string | null, { clock, status, listener, ...on }: HearingOptions): Hearing {
  let saidHeartbeatMs = 0
  /** What was asked for and not resumed; the gap that follows says why. */
  let unresumed: string | null = null
  let channels: readonly string[] = []
  const hearing: Hearing = {
    position: start,
    retryMs: 0,
    comeBackMs: undefined,
    get heartbeatMs() {
      return saidHeartbeatMs || HEARTBEAT_MS
    },
    get saidHeartbeatMs() {
      return saidHeartbeatMs
    },
    take(raw) {
      const frame = parseFrame(raw)
      const lastFrameAt = clock.now()
      if (frame) {
        hear(frame, raw.id !== undefined)
        status.setSoon({ lastFrameAt, lastEventId: hearing.position })
      } else {
        status.setSoon({ lastFrameAt, unreadable: status.now().unreadable + 1 })
        // It would come again and again.
        if (raw.id) reach(raw.id)
      }
    },
  }
  return hearing

  function hear(frame: Frame, marks: boolean): void {
    switch (frame.event) {
      case CONTROL.hello:
        hello(frame)
        break
      case CONTROL.gap:
        gap(frame.data as GapNotice, frame.id)
        break
      case CONTROL.draining:
      case CONTROL.overloaded:
        hearing.comeBackMs = Number(fieldOf(frame.data, 'retryMs')) || hearing.retryMs || RETRY_MS
        break
      case CONTROL.authExpiring:
        // The same credentials may still be all that there is: the end is waited for.
        break
      case CONTROL.authExpired:
        hearing.comeBackMs = 0
        break
      case CONTROL.heartbeat:
        reach(frame.id)
        listener.mark(frame.id)
        break
      default:
        tell(frame, marks)
    }
  }

  function tell(frame: Frame, marks: boolean): void {
    if (unresumed !== null) gap({ requested: unresumed, oldest: frame.id, reason: 'invalid' }, frame.id)
    if (marks) reach(frame.id)
    // What clients post has names of their own.
    if (!isKnown(frame.event) && !/^(topic:|global$)/.test(frame.channel)) {
      status.setSoon({ unknown: status.now().unknown + 1 })
    }
    listener.frame(frame, marks)
    if (frame.event === 'board_deleted') on.over(String(fieldOf(frame.data, 'boardId')))
  }

  function hello({ id, data }: Frame): void {
    const beat = Number(fieldOf(data, 'heartbeatMs'))
    if (beat > 0) saidHeartbeatMs = beat
    channels = on.opened()
    unresumed = fieldOf(data, 'resumed') === false ? hearing.position : null
    if (unresumed === null) stand(laterOf(hearing.position, id) ?? id)
  }

  function gap(notice: GapNotice, id: string): void {
    unresumed = null
    listener.gap(notice)
    stand(id)
  }

  function stand(at: string): void {
    hearing.position = at
    listener.covered(new Set(channels), at)
  }

  function reach(id: string): void {
    hearing.position = laterOf(hearing.position, id)
  }
}
