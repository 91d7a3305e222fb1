/** The connections that a client can open: the channels of AsyncAPI. */
import * as z from 'zod'
import {
  CLOSE,
  HEARTBEAT_MS,
  MAX_CHANNELS,
  MAX_MESSAGE_BYTES,
  MAX_REFUSALS_PER_MINUTE,
  MESSAGE_BURST,
  MESSAGES_PER_SECOND,
  SILENT_HEARTBEATS,
} from '../../shared/src/protocol.ts'
import type { DeclaredRoute } from '../routes/declared.ts'
import { boardParameters, channelParameters, connectionParameters, namesParameter } from '../sse/parameters.ts'
import { socketParameters } from '../ws/parameters.ts'
import type { Form } from './async-messages.ts'
import type { Showing } from './sent-events.ts'
import { boardProtocol, channelProtocol, type SocketProtocol } from './socket-messages.ts'

export interface Connection extends Showing, Form {
  readonly name: string
  readonly address: string
  readonly title: string
  readonly summary: string
  readonly description: string
  readonly query: z.ZodType
  /** null: the client says nothing, or is not listened to. */
  readonly protocol: SocketProtocol | null
}

const STREAM = { transport: 'http', protocol: null } as const
const NAME_OF_BOARD = { anyOf: [{ required: ['boardId'] }, { required: ['projectId'] }] }
const ofBoard = z.object({ ...boardParameters, ...connectionParameters }).meta(NAME_OF_BOARD)
const ofDashboard = z.object(connectionParameters)
const onBoard = (kind: string) => kind === 'board' || kind === '*'
const onDashboard = (kind: string) => kind === 'dashboard' || kind === '*'

export function connections(routes: readonly DeclaredRoute[]): readonly Connection[] {
  return [
    {
      ...STREAM,
      name: 'boardStream',
      address: '/sse',
      title: 'Stream of a board',
      summary: 'What happens on one board, as whole states or as changes.',
      description: text(
        `It begins with \`hello\`, the \`state\` of the board, and the newest attempt of each card. \`view=full\` has a whole
        \`state\` after every change, \`view=diff\` has \`card_*\` and \`column_*\` events instead.`,
        'The stream ends after `board_deleted`. `/api/v1/sse` is the same address.',
        STREAMS,
      ),
      shape: 'bare',
      query: ofBoard,
      shows: onBoard,
      replays: true,
    },
    {
      ...STREAM,
      name: 'dashboardStream',
      address: '/sse',
      title: 'Stream of the dashboard',
      summary: 'The overview of all boards, anew after every change.',
      description: text('`/sse`, or `/api/v1/sse`, without `boardId` and `channels`.', STREAMS),
      shape: 'bare',
      query: ofDashboard,
      shows: onDashboard,
      replays: false,
    },
    {
      ...STREAM,
      name: 'channelStream',
      address: '/sse',
      title: 'Stream of channels',
      summary: 'The events of any channels, in envelopes that name the channel.',
      description: text(
        `After \`hello\` come the snapshots of the channels that have one: \`state\` of a board, \`dashboard_overview\`,
        \`metric.update\`. \`board:ID\` is the view of changes, \`board:ID;full\` the one of whole states. Control events and events
        to everyone are on the channel \`*\`. \`/api/v1/sse\` is the same address. A stream has at most ${MAX_CHANNELS} channels.`,
        STREAMS,
      ),
      shape: 'envelope',
      query: z.object({ ...channelParameters, names: namesParameter, ...connectionParameters }),
      shows: () => true,
      replays: false,
    },
    {
      ...STREAM,
      name: 'agentStream',
      address: '/events/{agentId}',
      title: 'Stream of the output of an agent',
      summary: 'What one agent prints.',
      description: text('It has `output`, `output_batch` and control events, and nothing else.', STREAMS),
      shape: 'bare',
      query: ofDashboard,
      shows: (kind) => kind === 'agent',
      only: ['output', 'output_batch'],
      replays: false,
    },
    {
      name: 'boardSocket',
      address: '/ws',
      transport: 'ws',
      title: 'Socket of a board',
      summary: 'What happens on one board, and commands on its cards.',
      description: text(
        `The messages have the names and the payloads of the stream of a board. Commands reach only the cards of this board.
        A command with an \`id\` is answered by \`ack\`, one without only if it fails, by \`error\`.`,
        SOCKETS,
        LIMITS,
      ),
      shape: 'bare',
      query: ofBoard,
      shows: onBoard,
      replays: true,
      protocol: boardProtocol(routes),
    },
    {
      name: 'dashboardSocket',
      address: '/ws/dashboard',
      transport: 'ws',
      title: 'Socket of the dashboard',
      summary: 'The overview of all boards, anew after every change.',
      description: text('What the client sends is ignored.', SOCKETS, LIMITS),
      shape: 'bare',
      query: ofDashboard,
      shows: onDashboard,
      replays: false,
      protocol: null,
    },
    {
      name: 'channelSocket',
      address: '/ws',
      transport: 'ws',
      title: 'Socket of channels',
      summary: 'The events of channels that are joined and left while it is open, and what clients publish.',
      description: text(
        `\`/ws\` without \`boardId\`; an upgrade at \`/\` is the same. \`global\` is joined unless \`global=0\`; it is what
        \`lastEventId\` resumes, other channels have \`since\` in \`subscribe\`. The order of fields in a message means nothing.
        A socket has at most ${MAX_CHANNELS} channels.`,
        SOCKETS,
        LIMITS,
      ),
      shape: 'envelope',
      query: z.object({ ...partial(channelParameters), ...socketParameters, ...connectionParameters }),
      shows: () => true,
      replays: false,
      protocol: channelProtocol(routes),
    },
  ]
}

function partial({ channels }: typeof channelParameters) {
  return { channels: channels.optional() }
}

/** Paragraphs of Markdown, each on one line. */
function text(...paragraphs: readonly string[]): string {
  return paragraphs.map((paragraph) => paragraph.replaceAll(/\s+/g, ' ')).join('\n\n')
}

const RESUME = `An \`id\` means that everything up to it has been sent. Come back with the last one in the header \`Last-Event-ID\`
  or in \`lastEventId\`: missed events follow. If they are no longer kept, \`gap\` says so and fresh state follows.`

const STREAMS = `${RESUME} \`heartbeat\` comes every ${HEARTBEAT_MS / 1_000} s, with the newest id.
  The stream ends after \`limit\` events or \`timeout\` seconds, after \`auth_expired\` (come back with a new token), after \`draining\` and \`overloaded\` (come back after \`retryMs\`), and whenever the server cannot go on.`

const SOCKETS = `${RESUME} \`heartbeat\` comes every ${HEARTBEAT_MS / 1_000} s, with the newest id, and so does a ping frame. The same
  socket is at this address under \`/api/v1\`. A refused upgrade is answered like any request; a plain GET is 426 \`upgrade_required\`.`

const CLOSES: ReadonlyArray<readonly [number, string]> = [
  [CLOSE.done, 'the board was deleted, or `limit`, `timeout` or the maximum age was reached'],
  [CLOSE.goingAway, 'the server shuts down: come back after `retryMs` of `draining`'],
  [1002, 'not a WebSocket'],
  [1007, 'text that is not UTF-8'],
  [CLOSE.refused, 'there is no such board: do not come back'],
  [1009, `a message above ${MAX_MESSAGE_BYTES / 1_024} KiB`],
  [CLOSE.failed, 'it could not be opened: come back later'],
  [CLOSE.restart, 'it could not go on: come back with the last id'],
  [CLOSE.expired, 'the credential has lapsed: come back with a new token'],
  [CLOSE.silent, `no sign of life for ${(SILENT_HEARTBEATS * HEARTBEAT_MS) / 1_000} s: come back with the last id`],
  [CLOSE.tooMany, 'too many messages: come back and send fewer'],
]

const LIMITS = `A message of the client is one JSON object in a text frame of at most ${MAX_MESSAGE_BYTES / 1_024} KiB. At most
  ${MESSAGES_PER_SECOND} are carried out in a second, with bursts of ${MESSAGE_BURST}; after ${MAX_REFUSALS_PER_MINUTE} refused ones in a minute the
  socket closes. Fields that are not listed are ignored. Close codes: ${CLOSES.map(([code, why]) => `${code} ${why}`).join('; ')}.`
