/**
 * Sends the snapshot of a channel that changed to those who follow it, with the id of the bus's head: they have been given
 * every event up to there. A rendering that applies events is always at the head. Another one may be overtaken, when an
 * event that changes the channel is published while it is read. Then it is read again, but only so often in a row:
 *
 *   read 1 ... overtaken   read 2 ... overtaken   read 3 ... overtaken   sent as it is
 *
 * What is sent then is older than its id by one read at most, and what overtook it has requested the next snapshot. Where
 * listeners apply events to it (`hasDiffView`), it must be exact: they wait for the next one.
 */
import { parseChannel } from '../../../shared/src/channels.ts'
import type { Audience } from './audience.ts'
import type { Audiences } from './audiences.ts'
import { followersOf } from './followers.ts'
import type { Renderings } from './renderings.ts'
import type { SnapshotSources } from './snapshot-source.ts'

const MAX_READS = 3

export class SnapshotBroadcast {
  readonly #bus: Audiences
  readonly #sources: SnapshotSources
  readonly #renderings: Renderings

  constructor(bus: Audiences, sources: SnapshotSources, renderings: Renderings) {
    this.#bus = bus
    this.#sources = sources
    this.#renderings = renderings
  }

  /** Sends nothing when nobody is there to take it, or the channel's thing does not exist any more. */
  async send(name: string): Promise<void> {
    const channel = parseChannel(name)
    const source = channel && this.#sources[channel.kind]
    if (!source) return
    const wanted = { channel, source }
    for (let reads = 0; this.#takersOf(name).length > 0; reads++) {
      const current = this.#renderings.current(wanted)
      if (current !== undefined) return this.#publish(name, source.event, current)
      const { head, rendered } = await this.#renderings.read([wanted], async () => undefined)
      const [made] = rendered
      if (!made) return
      if (made.latest !== undefined && head === this.#bus.head) return this.#publish(name, source.event, made.latest)
      if (reads + 1 < MAX_READS) continue
      if (!source.hasDiffView) this.#publish(name, source.event, made.text)
      return
    }
  }

  #takersOf(channel: string): Audience[] {
    return followersOf(this.#bus, this.#sources, channel).filter(({ memberCount }) => memberCount > 0)
  }

  #publish(channel: string, event: string, data: string): void {
    for (const audience of this.#takersOf(channel)) {
      audience.publishUnstored({ channel, event, data }, this.#bus.head, true)
      audience.flush()
    }
  }
}
