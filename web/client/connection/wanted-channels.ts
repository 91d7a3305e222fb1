/** The channels that subscriptions want from a connection, and those among them that the server refused. */
import { MAX_CHANNELS } from '../../../shared/src/protocol.ts'
import { inOrder } from '../base/channel-order.ts'
import { BoardcastError } from '../base/errors.ts'
import type { Refusal } from './probe.ts'

export class WantedChannels {
  /** In the order in which they were first wanted. */
  #wanted: ReadonlySet<string> = new Set()
  readonly #refused = new Map<string, BoardcastError>()

  get isEmpty(): boolean {
    return this.#wanted.size === 0
  }

  /** Why the first of the refused channels was refused. */
  get refusal(): BoardcastError | undefined {
    const [error] = this.#refused.values()
    return error
  }

  set(channels: ReadonlySet<string>): void {
    this.#wanted = channels
    for (const channel of this.#refused.keys()) if (!channels.has(channel)) this.#refused.delete(channel)
  }

  has(channel: string): boolean {
    return this.#wanted.has(channel)
  }

  refuse(channel: string, error: BoardcastError): void {
    this.#refused.set(channel, error)
  }

  /** Refused channels may be requested again. */
  forgetRefusals(): void {
    this.#refused.clear()
  }

  /** What a stream may name, in the order in which it must. */
  requestable(): string[] {
    return inOrder([...this.#wanted].filter((channel) => !this.#refused.has(channel)))
  }

  /** The newest channels beyond the limit of a stream: the server would refuse the whole list. `held`: on the stream now. */
  beyondLimit(held: readonly string[]): Refusal[] {
    const channels = this.requestable()
    if (channels.length <= MAX_CHANNELS) return []
    const byAge = [...this.#wanted].filter((channel) => channels.includes(channel))
    const oldest = [...byAge.filter((name) => held.includes(name)), ...byAge.filter((name) => !held.includes(name))]
    const reason = `a stream has at most ${MAX_CHANNELS} channels: leave some, or make another hub with share: 'none'`
    return oldest
      .slice(MAX_CHANNELS)
      .map((channel) => [channel, new BoardcastError('refused', `${channel}: ${reason}.`)] as const)
  }
}
