/** What a listener that is behind reads: pages of the log, the past of a channel, the snapshots that it missed. */

import type { EncodedPage } from './catch-up.ts'
import type { Start } from './channel-change.ts'
import type { Listener } from './listener.ts'
import type { Behind, ChannelReplay } from './listener-state.ts'
import { gapFrame, openingFrames, snapshotFrames } from './opening-frames.ts'

/** What a `gap` says. */
export type Lost = Omit<Extract<Start, { kind: 'gap' }>, 'kind'>

/** Reads and writes one page of the log, up to a sequence number or to where the page ends. */
export async function readPage(listener: Listener, state: Behind, upTo?: number): Promise<void> {
  const { audience } = listener
  const page = await listener.delivery.catchUp.page(audience, state.seq, upTo)
  if (listener.state !== state) return
  if ('oldest' in page) {
    await startAfresh(listener, state, page.oldest)
    return
  }
  const isWritten = writePage(listener, page, (last) => {
    state.seq = last
    // A channel ended: the rest of the page was made for a listener that still had it.
    return listener.state === state && listener.audience === audience
  })
  if (!isWritten) return
  state.seq = page.reached
  if (upTo === undefined) state.hasReadToEnd = page.isLast
}

/** Reads the past of a channel, up to where the other channels are, and then joins it. */
export async function readChannelReplay(listener: Listener, state: Behind, replay: ChannelReplay): Promise<void> {
  const page = await listener.delivery.catchUp.page(replay.membership.audience, replay.seq, state.seq)
  if (listener.state !== state) return
  if ('oldest' in page) {
    // The client comes back with the id that it has of this channel, and gets the gap before anything else.
    listener.end('failed')
    return
  }
  const isWritten = writePage(
    listener,
    page,
    (last) => {
      replay.seq = last
      return listener.state === state
    },
    true,
  )
  if (!isWritten) return
  replay.seq = page.reached
  if (replay.seq < state.seq) return
  replay.membership.leave()
  state.channelReplay = null
  joinReplayed(listener, state, replay.channel)
}

/** The channel has been replayed up to where the others are: it is one of them from now on. */
export function joinReplayed(listener: Listener, state: Behind, channel: ChannelReplay['channel']): void {
  if (state.missedSnapshots !== 'all') state.missedSnapshots = [...state.missedSnapshots, channel]
  listener.switchTo(listener.selection.with(channel))
}

/** Renders the snapshots that the listener missed; they are sent once it has reached their sequence number. */
export async function renderMissedSnapshots(listener: Listener, state: Behind): Promise<void> {
  const { missedSnapshots } = state
  const { selection } = listener
  const due = await listener.delivery.snapshots.due(
    missedSnapshots === 'all' ? selection : selection.of(missedSnapshots),
  )
  if (listener.state !== state) return
  runAt(state, due.seq, () => {
    // Without a backlog, later ones may have been missed meanwhile.
    if (state.backlog) state.missedSnapshots = []
    listener.writeFrames(snapshotFrames(listener.framing, due.snapshots, listener.cursor(due.seq)))
  })
}

/** Calls `run` once everything up to `seq` has been sent: at once, or after the pages up to there. */
export function runAt(state: Behind, seq: number, run: () => void): void {
  // Rendered from an older state than the listener has seen: it is rendered again.
  if (seq < state.seq) return
  if (seq === state.seq) run()
  else state.checkpoint = { seq, run }
}

/** The log no longer has what comes next for this listener. It gets `gap`, and continues from the current state. */
async function startAfresh(listener: Listener, state: Behind, oldest: number): Promise<void> {
  const requested = listener.cursor(state.seq)
  const opening = await listener.delivery.snapshots.opening(listener.selection, listener.withOpeningFrames)
  if (listener.state !== state) return
  const { framing } = listener
  const id = listener.cursor(opening.seq)
  const gap = lossFrame(listener, { requested, reason: 'slow', oldest }, id)
  listener.writeFrames([gap, ...openingFrames(framing, opening, id)])
  // Events to everyone in the part that was skipped were not sent: a later `since` in it must find them.
  if (listener.everyoneSentFrom !== Infinity) listener.everyoneSentFrom = opening.seq
  state.seq = opening.seq
  state.missedSnapshots = []
  // Whatever was to be exact there is older than this.
  state.checkpoint = null
}

export function lossFrame(listener: Listener, { requested, reason, oldest }: Lost, id: string): string {
  return gapFrame(listener.framing, { requested, oldest: listener.cursor(oldest), reason }, id)
}

/**
 * Writes the segments of a page. `written` is called after each with the sequence number reached, and answers whether to
 * go on. False: not all was written.
 */
function writePage(
  listener: Listener,
  { segments }: EncodedPage,
  written: (last: number) => boolean,
  isPast = false,
): boolean {
  for (const segment of segments) {
    if (isPast) listener.writeReplayed(segment)
    else listener.write(segment)
    if (!written(segment.last)) return false
    // What is left of the page is read again later: cheaper than keeping it for a slow connection.
    if (listener.sink.pendingBytes > 0 && segment !== segments.at(-1)) return false
  }
  return true
}
