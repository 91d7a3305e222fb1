/** Names of channels, as callers give them. */
import { type Channel, parseChannel } from '../../../shared/src/channels.ts'
import { misuse } from './errors.ts'

/** The channel that `text` spells; throws where the server would refuse the whole stream for it. */
export function channelOf(text: string): Channel {
  const channel = parseChannel(text.replace(/^(board:.*);diff$/, '$1'))
  if (channel) return channel
  const fix = text.endsWith(';full')
    ? 'hub.board(id) has the whole state of a board'
    : 'write board:ID, agent:ID, global'
  throw misuse(`"${text}" is not a channel that can be subscribed to: ${fix}.`)
}
