/** What a GET of a stream asks for. Refusals name the parameter and the fix. */
import { channelName, parseChannelWithView, type View } from '../../shared/src/channels.ts'
import { narrowed, parseTypeFilter } from '../../shared/src/type-filter.ts'
import type { ChannelPatterns } from '../base/channel-patterns.ts'
import { Problem } from '../base/errors.ts'
import { parseChannelList } from './channel-list.ts'
import { Selection, type SubscribedChannel } from './delivery/selection.ts'
import { boardParameters, endParameters, namesParameter } from './parameters.ts'

/** Header and query fields of a request, whatever the transport represents them by. */
export interface RequestFields {
  header(name: string): string | undefined
  query(name: string): string | undefined
}

export interface StreamRequest extends RequestedEnd {
  readonly selection: Selection
  /** Channel streams wrap payloads in envelopes; board, dashboard and agent streams do not. */
  readonly isChannelStream: boolean
  /** Without `event:` lines; only on channel streams, whose envelopes have the name. */
  readonly isNameless: boolean
}

/** When the client wants the stream to end. */
export interface RequestedEnd {
  /** The number of events after which the stream ends. */
  readonly limit: number | undefined
  readonly timeoutMs: number | undefined
}

/** The request of `/sse`, by a subject who may see that much. Throws `bad_request` and `invalid_channel`. */
export function parseStreamRequest(fields: RequestFields, sees: ChannelPatterns): StreamRequest {
  const board = parseBoard(fields)
  const channels = fields.query('channels')
  if (board && channels !== undefined) {
    throw new Problem('bad_request', `Give ${board.name} or channels, not both; a list of channels may hold board:ID.`)
  }
  const types = parseTypeFilter(fields.query('types'))
  const selected = channels !== undefined ? parseChannelList(channels) : [board?.channel ?? DASHBOARD]
  return {
    selection: new Selection(selected, types, { sees }),
    isChannelStream: channels !== undefined,
    isNameless: channels !== undefined && namesParameter.safeParse(fields.query('names')).data === '0',
    ...parseEnd(fields),
  }
}

/** The request of `/events/:agentId`: the output of one agent. Throws `bad_request` and `invalid_channel`. */
export function parseAgentRequest(fields: RequestFields, sees: ChannelPatterns, agentId: string): StreamRequest {
  const channel = parseChannelWithView(channelName('agent', agentId))
  if (!channel) {
    throw new Problem('invalid_channel', `"${agentId}" cannot be the id of an agent: letters, digits and : _ - . only.`)
  }
  const types = narrowed(['output', 'output_batch'], parseTypeFilter(fields.query('types')))
  return {
    selection: new Selection([channel], types, { sees }),
    isChannelStream: false,
    isNameless: false,
    ...parseEnd(fields),
  }
}

/** `limit` and `timeout`. Throws `bad_request`. */
export function parseEnd(fields: RequestFields): RequestedEnd {
  const limit = parseNumber(fields, 'limit')
  const seconds = parseNumber(fields, 'timeout')
  return { limit, timeoutMs: seconds === undefined ? undefined : seconds * 1_000 }
}

export const DASHBOARD: SubscribedChannel = { kind: 'dashboard', id: '', name: 'dashboard', view: 'full' }

/** The board that is asked for, with its view, and the name of the parameter. Throws `bad_request`. */
export function parseBoard(fields: RequestFields): { name: string; channel: SubscribedChannel } | undefined {
  const view = parseView(fields.query('view'))
  for (const name of ['boardId', 'projectId']) {
    const id = fields.query(name)
    if (id === undefined) continue
    if (id === '') {
      throw new Problem('bad_request', `${name} is empty. Give the id of a board, or leave it out for the dashboard.`)
    }
    return { name, channel: { kind: 'board', id, name: channelName('board', id), view } }
  }
  return undefined
}

function parseView(text: string | undefined): View {
  const { success, data } = boardParameters.view.safeParse(text)
  if (success) return data
  throw new Problem('bad_request', `view must be full or diff, not "${text}".`)
}

function parseNumber(fields: RequestFields, name: keyof typeof endParameters): number | undefined {
  const text = fields.query(name)
  const { success, data } = endParameters[name].safeParse(text)
  if (success) return data
  throw new Problem(
    'bad_request',
    `${name} must be a ${name === 'limit' ? 'whole ' : ''}number above 0, not "${text}".`,
  )
}
