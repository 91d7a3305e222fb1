/** Joining and leaving channels of a connection that may hold many. */
import { type ChannelKind, parseChannelWithView } from '../../shared/src/channels.ts'
import { MAX_CHANNELS } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import type { Store } from '../db/store.ts'
import type { Heard } from '../sse/delivery/selection.ts'
import type { Subscription } from '../sse/delivery/subscription.ts'
import { startOfChannel } from '../sse/start.ts'
import { SocketRefusal } from './socket-errors.ts'

export interface MembershipDependencies {
  readonly store: Store
  /** Throws when the thing that a channel of this kind is about does not exist, and the kind demands that it does. */
  mustExist(kind: ChannelKind, id: string): Promise<void>
}

export interface Joining {
  readonly spelled: string
  readonly since?: string | null | undefined
  /** False: it comes with something else that the client asked for. */
  readonly isSubscribed?: boolean
}

/**
 * Joins a channel: from its snapshot, or after `since`. `joined` is called with the channel's name before anything of it
 * is sent; resolves after that. Never resolves when the connection goes away meanwhile.
 */
export async function join(
  { store, mustExist }: MembershipDependencies,
  subscription: Subscription,
  { spelled, since, isSubscribed = true }: Joining,
  joined: (name: string) => void,
): Promise<void> {
  const channel = channelOf(spelled)
  await mustExist(channel.kind, channel.id)
  const start = await startOfChannel(store, subscription.alone(channel), since)
  const { channels } = subscription
  if (!channels.has(channel.name) && channels.size >= MAX_CHANNELS) {
    throw new SocketRefusal(
      'SUBSCRIPTION_LIMIT',
      `A connection holds at most ${MAX_CHANNELS} channels. Leave one, or open another connection.`,
    )
  }
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

/** Leaves a channel; one that is not held is left already. As `join` otherwise. */
export async function leave(subscription: Subscription, spelled: string, left: (name: string) => void): Promise<void> {
  const { name } = channelOf(spelled)
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

function channelOf(spelled: string): Heard {
  const channel = parseChannelWithView(spelled)
  if (channel) return channel
  throw new Problem(
    'invalid_channel',
    `${JSON.stringify(spelled.slice(0, 300))} is not a channel. Write board:ID, project:ID, issue:ID, attempt:ID, agent:ID, session:ID, workflow:run:ID, shell:terminal:ID, topic:NAME, dashboard, metrics or global.`,
  )
}
