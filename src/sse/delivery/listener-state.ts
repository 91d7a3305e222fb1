/**
 * The states of a listener, and the transitions between them.
 *
 *               opened                caught up
 *   opening  ----------->  behind  ------------------>  caught up
 *                            ^                            |
 *                            |   no room for a segment,   |
 *                            +----------------------------+          any of them  ->  ended
 *                                a channel ended, or a
 *                                change needs the log
 */
import type { Segment } from './audience.ts'
import type { Membership } from './audiences.ts'
import type { SubscribedChannel } from './selection.ts'

export type State = Opening | Behind | CaughtUp | Ended

/** Nothing was sent yet. `hello` comes first, so calls made meanwhile are deferred. */
export interface Opening {
  readonly phase: 'opening'
  readonly deferred: Array<() => void>
}

/** Takes every segment that its audience flushes. */
export interface CaughtUp {
  readonly phase: 'caughtUp'
}

/** Reads the log, one page at a time. Exists only while a listener is behind, so it may be large. */
export interface Behind {
  readonly phase: 'behind'
  /** Everything up to this sequence number has been sent. */
  seq: number
  /** Of which channels snapshots may have been broadcast that this listener did not get. */
  missedSnapshots: MissedSnapshots
  /** Idle until the sink has drained. */
  isWaiting: boolean
  /**
   * The newest page went up to the end of the log as it was then. More may have been committed since; waiting for a page
   * that nothing follows could take for ever where queries take their time.
   */
  hasReadToEnd: boolean
  /** What its audience flushes while the last pages are read. */
  backlog: Backlog | null
  checkpoint: Checkpoint | null
  channelReplay: ChannelReplay | null
}

export interface Ended {
  readonly phase: 'ended'
}

/** A listener that was behind missed all of them; one that joined a channel with its past, those of that channel. */
export type MissedSnapshots = 'all' | readonly SubscribedChannel[]

/**
 * Something that is exact at one sequence number, such as a snapshot. The log is read up to exactly there, then `run` is
 * called. That way it does not matter how much was committed while the snapshot was rendered.
 */
export interface Checkpoint {
  readonly seq: number
  run(): void
}

/** The past of a channel that is about to be joined; the other channels stay at their sequence number meanwhile. */
export interface ChannelReplay {
  readonly channel: SubscribedChannel
  /** In the audience that has this channel only. */
  readonly membership: Membership
  /** Everything of this channel up to here has been sent. */
  seq: number
}

/** What an audience flushed since `from`: all of it comes after that sequence number. */
export interface Backlog {
  readonly from: number
  readonly segments: Segment[]
  bytes: number
}

// Shared by all listeners, so that the state costs a connection no object.
export const CAUGHT_UP: CaughtUp = { phase: 'caughtUp' }
export const ENDED: Ended = { phase: 'ended' }

const TRANSITIONS: Readonly<Record<State['phase'], ReadonlyArray<State['phase']>>> = {
  opening: ['behind', 'ended'],
  behind: ['caughtUp', 'ended'],
  caughtUp: ['behind', 'ended'],
  ended: [],
}

export function canFollow(from: State, to: State): boolean {
  return TRANSITIONS[from.phase].includes(to.phase)
}

export function behindAt(seq: number, missedSnapshots: MissedSnapshots): Behind {
  return {
    phase: 'behind',
    seq,
    missedSnapshots,
    isWaiting: false,
    hasReadToEnd: false,
    backlog: null,
    checkpoint: null,
    channelReplay: null,
  }
}

export function hasMissedSnapshots({ missedSnapshots }: Behind): boolean {
  return missedSnapshots === 'all' || missedSnapshots.length > 0
}
