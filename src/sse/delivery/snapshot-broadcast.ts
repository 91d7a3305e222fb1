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
import { channelOfKey, type Renderings, renderingKey } from './renderings.ts'
import { type SnapshotSources, sourceOf } from './snapshot-source.ts'

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

  /**
   * Sends the rendering with this key. Sends nothing when nobody is there to take it, or the channel's thing does not exist
   * any more.
   */
  async send(key: string): Promise<void> {
    const channel = parseChannel(channelOfKey(key))
    const source = channel && this.#sources[channel.kind]
    if (!source) return
    for (let reads = 0; ; reads++) {
      const sees = this.#takersOf(key)[0]?.selection.sees
      if (!sees) return
      const wanted = { channel, source, sees }
      const current = this.#renderings.current(wanted)
      if (current !== undefined) return this.#publish(key, source.event, current)
      const { head, rendered } = await this.#renderings.read([wanted], async () => undefined)
      const [made] = rendered
      if (!made) return
      if (made.latest !== undefined && head === this.#bus.head) return this.#publish(key, source.event, made.latest)
      if (reads + 1 < MAX_READS) continue
      if (!source.hasDiffView) this.#publish(key, source.event, made.text)
      return
    }
  }

  #takersOf(key: string): Audience[] {
    const name = channelOfKey(key)
    const source = sourceOf(this.#sources, name)
    return followersOf(this.#bus, this.#sources, name).filter(
      ({ memberCount, selection: { sees } }) => memberCount > 0 && source && renderingKey(name, source, sees) === key,
    )
  }

  #publish(key: string, event: string, data: string): void {
    const channel = channelOfKey(key)
    for (const audience of this.#takersOf(key)) {
      audience.publishUnstored({ channel, event, data }, this.#bus.head, true)
      audience.flush()
    }
  }
}
