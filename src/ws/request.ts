/** What a request for a WebSocket asks for. */

import { parseTypeFilter } from '../../shared/src/type-filter.ts'
import type { ChannelPatterns } from '../base/channel-patterns.ts'
import { Problem } from '../base/errors.ts'
import { parseChannelList } from '../sse/channel-list.ts'
import { Selection, type SubscribedChannel } from '../sse/delivery/selection.ts'
import { DASHBOARD, parseBoard, parseEnd, type RequestedEnd, type RequestFields } from '../sse/request.ts'
import { socketParameters } from './parameters.ts'

export interface SocketRequest extends RequestedEnd {
  readonly kind: 'board' | 'dashboard' | 'channels'
  readonly selection: Selection
  /** Channel sockets: mark messages whose id is not safe to resume from. */
  readonly marksMore: boolean
  /** Channel sockets: the agent and session that the client claims. */
  readonly agentId: string | undefined
  readonly sessionId: string | undefined
}

const GLOBAL: SubscribedChannel = { kind: 'global', id: '', name: 'global', view: 'diff', isImplied: true }

/** The request of a subject who may see that much. Throws `bad_request` and `invalid_channel`. */
export function parseSocketRequest(fields: RequestFields, isDashboard: boolean, sees: ChannelPatterns): SocketRequest {
  const types = parseTypeFilter(fields.query('types'))
  const end = parseEnd(fields)
  const anonymous = { marksMore: false, agentId: undefined, sessionId: undefined }
  if (isDashboard)
    return { kind: 'dashboard', selection: new Selection([DASHBOARD], types, { sees }), ...end, ...anonymous }
  const board = parseBoard(fields)
  if (board && fields.query('channels') !== undefined) {
    throw new Problem('bad_request', `Give ${board.name} or channels, not both.`)
  }
  if (board) return { kind: 'board', selection: new Selection([board.channel], types, { sees }), ...end, ...anonymous }
  const named = fields.query('channels')
  const channels = named === undefined ? [] : parseChannelList(named)
  const hasGlobal = channels.some(({ kind }) => kind === 'global')
  const isUnwanted =
    hasGlobal || ['0', 'false'].includes(socketParameters.global.safeParse(fields.query('global')).data ?? '')
  // It was not asked for, so a subject without the right is not refused.
  const implied = isUnwanted || !sees.matches(GLOBAL.name) ? [] : [GLOBAL]
  return {
    kind: 'channels',
    selection: new Selection([...channels, ...implied], types, { sees }),
    ...end,
    marksMore: socketParameters.more.safeParse(fields.query('more')).data === '1',
    agentId: parseId(fields, 'agent_id'),
    sessionId: parseId(fields, 'session_id'),
  }
}

function parseId(fields: RequestFields, name: 'agent_id' | 'session_id'): string | undefined {
  const text = fields.query(name) || undefined
  if (text === undefined || socketParameters[name].safeParse(text).success) return text
  throw new Problem('bad_request', `${name} must be 1 to 200 letters, digits and : _ - ., not "${text}".`)
}
