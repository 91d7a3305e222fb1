/** Joining and leaving channels on a socket, and the limit on how many it may hold. */
import { type ChannelKind, parseChannelWithView } from '../../shared/src/channels.ts'
import { MAX_CHANNELS } from '../../shared/src/protocol.ts'
import { authorize } from '../auth/rights.ts'
import type { Subject } from '../auth/subject.ts'
import type { Store } from '../db/store.ts'
import { notAChannel } from '../sse/channel-list.ts'
import type { SubscribedChannel } from '../sse/delivery/selection.ts'
import type { Subscription } from '../sse/delivery/subscription.ts'
import { startOfChannel } from '../sse/start.ts'
import { SocketRefusal } from './socket-errors.ts'

export interface MembershipDependencies {
  readonly store: Store
  /** Throws if the subject of the channel does not exist and channels of this kind require that it does. */
  mustExist(kind: ChannelKind, id: string): Promise<void>
}

export interface JoinRequest {
  /** As the client wrote it. */
  readonly channel: string
  readonly since?: string | null | undefined
  /** False: the client did not ask for the channel itself, but for something that comes with it. */
  readonly isSubscribed?: boolean
}

/** Who joins, and with which connection. */
export interface Member {
  readonly subscription: Subscription
  readonly subject: Subject
}

/**
 * Joins a channel, from its snapshot or after `since`. `joined` is called with the channel's name before anything of the
 * channel is sent; the promise resolves after that, and never if the connection ends meanwhile.
 */
export async function join(
  { store, mustExist }: MembershipDependencies,
  { subscription, subject }: Member,
  { channel: text, since, isSubscribed = true }: JoinRequest,
  joined: (name: string) => void,
): Promise<void> {
  const channel = parseChannel(text)
  // Before anything is looked up: the answer must not tell what exists.
  authorize(subject, 'subscribe', channel.name)
  await mustExist(channel.kind, channel.id)
  const start = await startOfChannel(store, subscription.alone(channel), since)
  mustHaveRoomFor(subscription, [channel.name], 'Leave one, or open another connection.')
  await new Promise<void>((resolve) => {
    subscription.change({
      kind: 'join',
      channel,
      start,
      isSubscribed,
      done() {
        joined(channel.name)
        resolve()
      },
    })
  })
}

/** Leaves a channel. One that is not held counts as left. Otherwise as `join`. */
export async function leave(subscription: Subscription, text: string, left: (name: string) => void): Promise<void> {
  const { name } = parseChannel(text)
  await new Promise<void>((resolve) => {
    subscription.change({
      kind: 'leave',
      name,
      done() {
        left(name)
        resolve()
      },
    })
  })
}

/** Throws SUBSCRIPTION_LIMIT if the connection would hold too many channels; `fix` tells the client what to do. */
export function mustHaveRoomFor({ channels }: Subscription, names: readonly string[], fix: string): void {
  const missing = names.filter((name) => !channels.has(name))
  if (missing.length === 0 || channels.size + missing.length <= MAX_CHANNELS) return
  throw new SocketRefusal('SUBSCRIPTION_LIMIT', `A connection holds at most ${MAX_CHANNELS} channels. ${fix}`)
}

function parseChannel(text: string): SubscribedChannel {
  const channel = parseChannelWithView(text)
  if (!channel) throw notAChannel(JSON.stringify(text.slice(0, 300)))
  return channel
}
