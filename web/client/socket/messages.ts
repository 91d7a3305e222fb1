/** A channel socket on the wire: its address, and the messages of the server. */
import type { Frame } from '../base/types.ts'
import type { Answer } from './join-requests.ts'
import type { Addressed } from './socket-channels.ts'

export interface ServerEvent extends Frame {
  readonly type?: string
  /** More frames with this id follow, so the channel cannot be resumed from here. */
  readonly more?: boolean
}

export interface ServerMessage extends Answer {
  readonly message?: string
}

export interface AddressOptions {
  readonly baseUrl: string
  readonly agentId?: string | undefined
  readonly sessionId?: string | undefined
  readonly token?: string | undefined
}

export function addressOf(
  { baseUrl, agentId, sessionId, token }: AddressOptions,
  { channels, since }: Addressed,
): string {
  const query = new URLSearchParams({ global: '0', more: '1' })
  const given = { agent_id: agentId, session_id: sessionId, token, lastEventId: since }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value)
  // Not escaped: channel names need no escapes, which would make the address a tenth longer.
  const list = channels.length > 0 ? `&channels=${channels.map(({ spelled }) => spelled).join(',')}` : ''
  return `${baseUrl.replace(/^http/, 'ws')}/ws?${query}${list}`
}

/** A message that cannot be read becomes an error message. */
export function parseMessage(text: string): ServerMessage {
  const unreadable = {
    type: 'error',
    code: 'PARSE_ERROR',
    message: 'the server sent a message that is not a JSON object',
  }
  try {
    return (JSON.parse(text) as ServerMessage | null) ?? unreadable
  } catch {
    return unreadable
  }
}
