/**
 * What a listener may ask for while it listens. Changes are carried out one after the other, each at a moment when the
 * listener has had everything up to the newest position, so that what follows is exact: the snapshot of a channel, or
 * what was missed of it, and then its events, without a gap and without a repetition.
 */
import type { GapReason } from '../../../shared/src/protocol.ts'
import type { Membership } from './audiences.ts'
import type { Heard } from './selection.ts'

/** Where a listener begins. */
export type Start =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'resume'; readonly seq: number }
  /** `oldest`: the first position from which nothing is missing of what was asked for. */
  | { readonly kind: 'gap'; readonly requested: string; readonly reason: GapReason; readonly oldest: number }

/** `done` is called when the change takes effect, before anything is sent that comes of it. */
export type ChannelChange =
  /** Listens to a channel more, or again: from its snapshot, or from where `start` says. */
  | {
      readonly kind: 'join'
      readonly channel: Heard
      readonly start: Start
      /** The client asked for this very channel, and counts from its acknowledgement on. */
      readonly isSubscribed: boolean
      done(): void
    }
  | { readonly kind: 'leave'; readonly name: string; done(): void }
  /** Sends the snapshots of all channels. */
  | { readonly kind: 'show'; done(): void }

/** A channel whose past is being read before it is joined; the other channels wait at their position meanwhile. */
export interface Replay {
  readonly channel: Heard
  /** Of the audience that hears this channel alone. */
  readonly membership: Membership
  cursor: number
}

/** The names of what will be listened to once all changes are carried out. */
export function namesAfter(held: readonly Heard[], changes: readonly ChannelChange[]): Set<string> {
  const names = new Set(held.map(({ name }) => name))
  for (const change of changes) {
    if (change.kind === 'join') names.add(change.channel.name)
    else if (change.kind === 'leave') names.delete(change.name)
  }
  return names
}
