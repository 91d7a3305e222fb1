/** Names of channels, as callers give them. */
import { type Channel, parseChannel } from '../../../shared/src/channels.ts'
import { misuse } from './errors.ts'

/** The channel that `text` spells; throws where the server would refuse the whole stream for it. */
export function channelOf(text: string): Channel {
  const channel = parseChannel(text.replace(/^(board:.*);diff$/, '$1'))
  if (channel) return channel
  const fix = text.endsWith(';full') ? 'hub.board(id)' : 'board:ID, agent:ID, global'
  throw misuse(`"${text}" cannot be subscribed to: use ${fix}.`)
}
