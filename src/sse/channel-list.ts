/** The channels that a request names. A request for too many is refused here; joins on a socket, in src/ws/membership.ts. */
import { parseChannelWithView } from '../../shared/src/channels.ts'
import { MAX_CHANNELS } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import type { SubscribedChannel } from './delivery/selection.ts'

/** In the order of the list, each channel once; its first mention counts. Throws `bad_request` and `invalid_channel`. */
export function parseChannelList(text: string): SubscribedChannel[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.some((name) => name === '')) {
    throw new Problem(
      'bad_request',
      'channels must be a comma-separated list of channels without empty places, such as board:demo,agent:claude-1.',
    )
  }
  const channels = new Map<string, SubscribedChannel>()
  for (const name of names) {
    const channel = parseChannelWithView(name)
    if (!channel) throw notAChannel(`"${name}"`)
    if (!channels.has(channel.name)) channels.set(channel.name, channel)
  }
  if (channels.size > MAX_CHANNELS) {
    throw new Problem('bad_request', `channels may name at most ${MAX_CHANNELS} channels, not ${channels.size}.`)
  }
  return [...channels.values()]
}

/** `quoted`: the name, in quotes and of bounded length. */
export function notAChannel(quoted: string): Problem {
  return new Problem(
    'invalid_channel',
    `${quoted} is not a channel. Write board:ID, project:ID, issue:ID, attempt:ID, agent:ID, session:ID, workflow:run:ID, shell:terminal:ID, topic:NAME, dashboard, metrics or global.`,
  )
}
