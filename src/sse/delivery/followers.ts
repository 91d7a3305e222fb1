/** Who gets a snapshot of a channel after every change, and not only the first. */
import type { Audience } from './audience.ts'
import type { Audiences } from './audiences.ts'
import type { SubscribedChannel } from './selection.ts'
import type { SnapshotSources } from './snapshot-source.ts'

export function follows(sources: SnapshotSources, { kind, view }: SubscribedChannel): boolean {
  const source = sources[kind]
  return source !== undefined && !(source.hasDiffView && view === 'diff')
}

/** The audiences that follow a channel, also those whose members are all behind. */
export function followersOf(bus: Audiences, sources: SnapshotSources, channel: string): Audience[] {
  return [...bus.audiencesOf(channel)].filter(({ selection }) => {
    const heard = selection.channels.find(({ name }) => name === channel)
    return heard && follows(sources, heard) && selection.types.passes(sources[heard.kind]?.event ?? '')
  })
}
