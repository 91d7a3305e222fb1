/**
 * What a listener may be asked to change while it is subscribed. Changes are carried out one after the other, each at a
 * moment when the listener has been sent everything up to some sequence number, so that what follows is exact: the
 * snapshot of a channel, or the events that were missed on it, and then its new events, with no gap and no repetition.
 */
import type { GapReason } from '../../../shared/src/protocol.ts'
import type { ChannelPatterns } from '../../base/channel-patterns.ts'
import type { SubscribedChannel } from './selection.ts'

/** Where a listener begins. */
export type Start =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'resume'; readonly seq: number }
  /** `oldest`: the sequence number after which nothing is missing of what was asked for. */
  | { readonly kind: 'gap'; readonly requested: string; readonly reason: GapReason; readonly oldest: number }

export type ChannelChange = JoinChannel | LeaveChannel | ShowSnapshots | RenewRights

/** `done` is called when the change takes effect, before anything is sent that comes of it. */
interface Change {
  done(): void
}

/** Subscribes to a channel, or again to one that is held: from its snapshot, or from where `start` says. */
export interface JoinChannel extends Change {
  readonly kind: 'join'
  readonly channel: SubscribedChannel
  readonly start: Start
  /** The client asked for this very channel, and counts from its acknowledgement on. */
  readonly isSubscribed: boolean
}

export interface LeaveChannel extends Change {
  readonly kind: 'leave'
  readonly name: string
}

/** Sends the snapshots of all channels. */
export interface ShowSnapshots extends Change {
  readonly kind: 'show'
}

/** The subject may see other channels than before. Those that are held and that it may not see are left. */
export interface RenewRights extends Change {
  readonly kind: 'renew'
  readonly sees: ChannelPatterns
  /** Called before `done` for each channel that is left. */
  left(name: string): void
}

/** The names of the channels that will be held once all changes are carried out. */
export function namesAfter(held: readonly SubscribedChannel[], changes: readonly ChannelChange[]): Set<string> {
  const names = new Set(held.map(({ name }) => name))
  for (const change of changes) {
    if (change.kind === 'join') names.add(change.channel.name)
    else if (change.kind === 'leave') names.delete(change.name)
    else if (change.kind === 'renew') for (const name of names) if (!change.sees.matches(name)) names.delete(name)
  }
  return names
}
