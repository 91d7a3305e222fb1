/** What a GET of a stream asks for, parsed once. Refusals name the parameter and the fix. */
import { channelName, parseChannelWithView, type View } from '../../shared/src/channels.ts'
import { parseCursor } from '../../shared/src/cursor.ts'
import { CURSOR_PARAMETERS, HEADER, MAX_CHANNELS } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import type { Bounds } from '../db/snapshot.ts'
import type { Start } from './delivery/channel-change.ts'
import { type Heard, Selection } from './delivery/selection.ts'
import { narrowed, parseTypeFilter } from './delivery/type-filter.ts'

/** Header and query of a request, as far as a stream looks at them. */
export interface Asking {
  header(name: string): string | undefined
  query(name: string): string | undefined
}

export interface StreamRequest extends RequestedEnd {
  readonly selection: Selection
  /** Channel streams wrap payloads in envelopes; board, dashboard and agent streams do not. */
  readonly isChannelStream: boolean
  /** Its frames have no `event:` line; only channel streams can do without. */
  readonly isNameless: boolean
}

/** When the client wants the stream to end. */
export interface RequestedEnd {
  /** After so many events. */
  readonly limit: number | undefined
  readonly timeoutMs: number | undefined
}

/** What `/sse` with these parameters listens to. Throws `bad_request` and `invalid_channel`. */
export function parseStreamRequest(asking: Asking): StreamRequest {
  const board = parseBoard(asking)
  const channels = asking.query('channels')
  if (board && channels !== undefined) {
    throw new Problem('bad_request', `Give ${board.name} or channels, not both; a list of channels may hold board:ID.`)
  }
  const types = parseTypeFilter(asking.query('types'))
  const heard = channels !== undefined ? parseChannelList(channels) : [board?.channel ?? DASHBOARD]
  return {
    selection: new Selection(heard, types),
    isChannelStream: channels !== undefined,
    isNameless: channels !== undefined && asking.query('names') === '0',
    ...parseEnd(asking),
  }
}

/** `limit` and `timeout`. Throws `bad_request`. */
export function parseEnd(asking: Asking): RequestedEnd {
  return { limit: positive(asking, 'limit', true), timeoutMs: secondsToMs(positive(asking, 'timeout', false)) }
}

/** What `/events/:agentId` listens to: the output of one agent, and nothing else. */
export function parseAgentRequest(asking: Asking, agentId: string): StreamRequest {
  const channel = parseChannelWithView(channelName('agent', agentId))
  if (!channel)
    throw new Problem('invalid_channel', `"${agentId}" cannot be the id of an agent: letters, digits and : _ - . only.`)
  return {
    selection: new Selection([channel], narrowed(['output', 'output_batch'], parseTypeFilter(asking.query('types')))),
    isChannelStream: false,
    isNameless: false,
    ...parseEnd(asking),
  }
}

/**
 * Where a stream begins: the header wins over the query, and no cursor at all is a fresh start. The bounds, here and below,
 * are those of what is listened to.
 */
export function parseStart(asking: Asking, epoch: string, { oldest, newest }: Bounds): Start {
  const requested =
    asking.header(HEADER.lastEventId) || CURSOR_PARAMETERS.map((name) => asking.query(name)).find(Boolean)
  if (!requested) return { kind: 'fresh' }
  const isSince = !asking.header(HEADER.lastEventId) && requested === asking.query('since')
  return isSince ? startSince(requested, epoch, { oldest, newest }) : startAt(requested, epoch, { oldest, newest })
}

/** `since`: a cursor, or `now`, or `earliest`. */
export function startSince(
  since: string,
  epoch: string,
  { oldest, newest }: Bounds,
): Exclude<Start, { kind: 'fresh' }> {
  if (since === 'now') return { kind: 'resume', seq: newest }
  if (since === 'earliest') return { kind: 'resume', seq: oldest }
  return startAt(since, epoch, { oldest, newest })
}

/** Where a reader that comes with a cursor goes on, or why it cannot. */
function startAt(requested: string, epoch: string, { oldest, newest }: Bounds): Exclude<Start, { kind: 'fresh' }> {
  const cursor = parseCursor(requested)
  if (!cursor) return { kind: 'gap', requested, reason: 'invalid', oldest }
  if (cursor.epoch !== epoch) return { kind: 'gap', requested, reason: 'epoch', oldest }
  if (cursor.seq > newest) return { kind: 'gap', requested, reason: 'invalid', oldest }
  if (cursor.seq < oldest) return { kind: 'gap', requested, reason: 'trimmed', oldest }
  return { kind: 'resume', seq: cursor.seq }
}

/** A list of channels, in its order, each once; the first mention of a channel counts. */
export function parseChannelList(text: string): Heard[] {
  const spelled = text.split(',').map((name) => name.trim())
  if (spelled.some((name) => name === '')) {
    throw new Problem(
      'bad_request',
      'channels must be a comma-separated list of channels without empty places, such as board:demo,agent:claude-1.',
    )
  }
  const heard = new Map<string, Heard>()
  for (const name of spelled) {
    const channel = parseChannelWithView(name)
    if (!channel) {
      throw new Problem(
        'invalid_channel',
        `"${name}" is not a channel. Write board:ID, project:ID, issue:ID, attempt:ID, agent:ID, session:ID, workflow:run:ID, shell:terminal:ID, topic:NAME, dashboard, metrics or global.`,
      )
    }
    if (!heard.has(channel.name)) heard.set(channel.name, channel)
  }
  if (heard.size > MAX_CHANNELS) {
    throw new Problem('bad_request', `channels may name at most ${MAX_CHANNELS} channels, not ${heard.size}.`)
  }
  return [...heard.values()]
}

export const DASHBOARD: Heard = { kind: 'dashboard', id: '', name: 'dashboard', view: 'full' }

/** The board that is asked for, with its view, and the parameter that names it. Throws `bad_request`. */
export function parseBoard(asking: Asking): { name: string; channel: Heard } | undefined {
  const view = parseView(asking.query('view')) ?? 'full'
  for (const name of ['boardId', 'projectId']) {
    const id = asking.query(name)
    if (id === undefined) continue
    if (id === '')
      throw new Problem('bad_request', `${name} is empty. Give the id of a board, or leave it out for the dashboard.`)
    return { name, channel: { kind: 'board', id, name: channelName('board', id), view } }
  }
  return undefined
}

function parseView(text: string | undefined): View | undefined {
  if (text === undefined || text === 'full' || text === 'diff') return text
  throw new Problem('bad_request', `view must be full or diff, not "${text}".`)
}

function positive(asking: Asking, name: string, whole: boolean): number | undefined {
  const text = asking.query(name)
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value > 0 && (!whole || Number.isInteger(value))) return value
  throw new Problem('bad_request', `${name} must be a ${whole ? 'whole ' : ''}number above 0, not "${text}".`)
}

function secondsToMs(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000
}
