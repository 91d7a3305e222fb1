/**
 * Carries out a change of channels (channel-change.ts).
 *
 * A listener that has caught up stays so if it can: the snapshot is rendered, and if nothing was published meanwhile it is
 * exact where the listener is. Otherwise, and where the past of a channel must be replayed, the listener falls behind: it
 * reads the log up to the sequence number of the snapshot, and the change takes effect there. That needs one attempt,
 * however long a query takes and however much is committed.
 */
import type { ChannelChange, JoinChannel, LeaveChannel, RenewRights, ShowSnapshots, Start } from './channel-change.ts'
import type { Listener } from './listener.ts'
import { type Behind, CAUGHT_UP } from './listener-state.ts'
import { snapshotFrames } from './opening-frames.ts'
import { joinReplayed, lossFrame, runAt } from './replay.ts'
import type { Selection, SubscribedChannel } from './selection.ts'
import type { Opening } from './snapshots.ts'

type Rendered = Omit<Opening, 'frames'>
type Resume = Extract<Start, { kind: 'resume' }>

/** Called when a change takes effect; the next one follows. */
export type Done = (change: ChannelChange) => void

/** What the listener would be subscribed to if this were its only channel. */
export function alone({ selection, everyoneSentFrom }: Listener, channel: SubscribedChannel): Selection {
  return selection.of([channel], everyoneSentFrom)
}

export async function applyWhileCaughtUp(listener: Listener, change: ChannelChange, done: Done): Promise<void> {
  const { bus } = listener.delivery
  if (change.kind === 'leave') {
    if (listener.releaseHeldLines()) leave(listener, change, done)
    return
  }
  if (change.kind === 'renew') {
    if (listener.releaseHeldLines()) renew(listener, change, done)
    return
  }
  if (change.kind === 'join' && change.start.kind === 'resume' && change.start.seq < bus.head) {
    const state = listener.fallBehindForChange()
    if (state) replay(listener, state, change, change.start, done)
    return
  }
  const rendered = await render(listener, change)
  if (listener.state !== CAUGHT_UP) return
  // Events of the channel after its `since` would be skipped.
  const skips = change.kind === 'join' && change.start.kind === 'resume' && change.start.seq < rendered.seq
  if (skips || rendered.seq !== bus.head) listener.fallBehindForChange()
  else if (listener.releaseHeldLines()) show(listener, change, rendered, done)
}

export async function applyWhileBehind(
  listener: Listener,
  state: Behind,
  change: ChannelChange,
  done: Done,
): Promise<void> {
  if (change.kind === 'leave') {
    // First it gets what was committed before: the log up to the head of now, which the backlog may hold only in part.
    const { head } = listener.delivery.bus
    if (state.seq < head) runAt(state, head, () => leave(listener, change, done))
    else leave(listener, change, done)
  } else if (change.kind === 'renew') renewWhileBehind(listener, state, change, done)
  else if (change.kind === 'join' && change.start.kind === 'resume') {
    const { start } = change
    // It counts from a sequence number that the other channels have not reached yet.
    const seq = Math.max(start.seq, state.seq)
    runAt(state, seq, () => replay(listener, state, change, start, done))
  } else {
    const rendered = await render(listener, change)
    if (listener.state === state) runAt(state, rendered.seq, () => show(listener, change, rendered, done))
  }
}

/** The snapshots that follow the acknowledgement of a change. */
function render(listener: Listener, change: JoinChannel | ShowSnapshots): Promise<Rendered> {
  const { snapshots } = listener.delivery
  if (change.kind === 'show') return snapshots.opening(listener.selection, false)
  const selection = alone(listener, change.channel)
  return change.start.kind === 'resume' ? snapshots.due(selection) : snapshots.opening(selection, false)
}

/** The listener is at the sequence number of the snapshots. */
function show(listener: Listener, change: JoinChannel | ShowSnapshots, { seq, snapshots }: Rendered, done: Done): void {
  done(change)
  const id = listener.cursor(seq)
  const frames = snapshotFrames(listener.framing, snapshots, id)
  if (change.kind === 'show') {
    listener.writeFrames(frames)
    return
  }
  const { channel, start, isSubscribed } = change
  listener.writeFrames(start.kind === 'gap' ? [lossFrame(listener, start, id), ...frames] : frames)
  if (isSubscribed) sentToEveryone(listener, seq)
  listener.switchTo(listener.selection.with(channel))
}

/** The past of the channel is read alone, up to where the others are; they stay there meanwhile. */
function replay(listener: Listener, state: Behind, change: JoinChannel, { seq }: Resume, done: Done): void {
  const { channel } = change
  const selection = alone(listener, channel)
  done(change)
  if (change.isSubscribed) sentToEveryone(listener, seq)
  if (seq >= state.seq) joinReplayed(listener, state, channel)
  else {
    const membership = listener.delivery.bus.subscribe(selection, listener.framing)
    state.channelReplay = { channel, membership, seq }
  }
}

function leave(listener: Listener, change: LeaveChannel, done: Done): void {
  done(change)
  listener.switchTo(listener.selection.without([change.name]))
}

function renew(listener: Listener, change: RenewRights, done: Done): void {
  const { sees } = change
  for (const { name } of listener.selection.channels) if (!sees.matches(name)) change.left(name)
  done(change)
  listener.switchTo(listener.selection.seenBy(sees))
}

/** Nothing more is sent by the old rights: neither snapshots that were rendered, nor of a channel that is being replayed. */
function renewWhileBehind(listener: Listener, state: Behind, change: RenewRights, done: Done): void {
  if (state.checkpoint) state.missedSnapshots = 'all'
  state.checkpoint = null
  const replay = state.channelReplay
  if (!replay) {
    renew(listener, change, done)
    return
  }
  const { channel, seq } = replay
  const isHeld = listener.selection.rankOf(channel.name) !== undefined
  const isAllowed = change.sees.matches(channel.name)
  replay.membership.leave()
  if (!isAllowed && !isHeld) change.left(channel.name)
  renew(listener, change, done)
  const { bus } = listener.delivery
  state.channelReplay = isAllowed
    ? { channel, seq, membership: bus.subscribe(alone(listener, channel), listener.framing) }
    : null
}

function sentToEveryone(listener: Listener, from: number): void {
  listener.everyoneSentFrom = Math.min(listener.everyoneSentFrom, from)
}
