/** What an upgrade asks for, parsed once. */
import { externalId } from '../../shared/src/types/text.ts'
import { Problem } from '../base/errors.ts'
import { type Heard, Selection } from '../sse/delivery/selection.ts'
import { parseTypeFilter } from '../sse/delivery/type-filter.ts'
import { type Asking, DASHBOARD, parseBoard, parseChannelList, parseEnd, type RequestedEnd } from '../sse/request.ts'

export interface SocketRequest extends RequestedEnd {
  readonly kind: 'board' | 'dashboard' | 'channels'
  readonly selection: Selection
  /** Of a channel socket: messages that are no place to come back to are to say so. */
  readonly saysMore: boolean
  /** Of a channel socket: who it says it is. */
  readonly agentId: string | undefined
  readonly sessionId: string | undefined
}

const GLOBAL: Heard = { kind: 'global', id: '', name: 'global', view: 'diff', isImplied: true }

/** Throws `bad_request`. */
export function parseSocketRequest(asking: Asking, isDashboard: boolean): SocketRequest {
  const types = parseTypeFilter(asking.query('types'))
  const end = parseEnd(asking)
  const anonymous = { saysMore: false, agentId: undefined, sessionId: undefined }
  if (isDashboard) return { kind: 'dashboard', selection: new Selection([DASHBOARD], types), ...end, ...anonymous }
  const board = parseBoard(asking)
  if (board && asking.query('channels') !== undefined) {
    throw new Problem('bad_request', `Give ${board.name} or channels, not both.`)
  }
  if (board) return { kind: 'board', selection: new Selection([board.channel], types), ...end, ...anonymous }
  const named = asking.query('channels')
  const channels = named === undefined ? [] : parseChannelList(named)
  const hasGlobal = channels.some(({ kind }) => kind === 'global')
  const implied = hasGlobal || ['0', 'false'].includes(asking.query('global') ?? '') ? [] : [GLOBAL]
  return {
    kind: 'channels',
    selection: new Selection([...channels, ...implied], types),
    ...end,
    saysMore: asking.query('more') === '1',
    agentId: parseId(asking, 'agent_id'),
    sessionId: parseId(asking, 'session_id'),
  }
}

function parseId(asking: Asking, name: string): string | undefined {
  const text = asking.query(name) || undefined
  if (text === undefined || externalId.safeParse(text).success) return text
  throw new Problem('bad_request', `${name} must be 1 to 200 letters, digits and : _ - ., not "${text}".`)
}
