/** The routes of the streams, and the answer to plain requests for a WebSocket. */
import type { Hono } from 'hono'
import * as z from 'zod'
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import { API_PREFIX } from '../../shared/src/protocol.ts'
import { cursor } from '../../shared/src/types/ids.ts'
import { boardId } from '../../shared/src/types/kanban.ts'
import { externalId } from '../../shared/src/types/text.ts'
import type { Admission } from '../connections/admission.ts'
import type { StreamHandlerFactory } from '../sse/handlers.ts'
import { parseAgentRequest, parseStreamRequest } from '../sse/request.ts'
import { isDashboardPath, SOCKET_PATHS, upgradeRequired } from '../ws/addresses.ts'
import { admitSocket } from '../ws/admit.ts'
import type { Env } from './api.ts'
import { exampleCursor } from './examples.ts'
import type { PlainOperation } from './operation.ts'

const CURSOR = { description: 'Instead of the header Last-Event-ID.', examples: [exampleCursor] }
const ofEveryStream = {
  types: z
    .string()
    .optional()
    .meta({ description: 'Names of events, separated by commas; `card_*` stands for a family.', examples: ['card_*'] }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .meta({
      description: 'The stream ends after so many events.',
      examples: [10],
    }),
  timeout: z.coerce
    .number()
    .gt(0)
    .optional()
    .meta({
      description: 'The stream ends after so many seconds.',
      examples: [30],
    }),
  lastEventId: cursor.optional().meta(CURSOR),
  last_event_id: cursor.optional().meta(CURSOR),
  since: cursor.optional().meta(CURSOR),
}
const ofBoards = {
  boardId: boardId.optional().meta({ description: 'The board to follow.', examples: [exampleIds.board] }),
  projectId: boardId.optional().meta({ description: 'The same as `boardId`.', examples: [exampleIds.board] }),
  view: z
    .enum(['full', 'diff'])
    .default('full')
    .meta({ description: 'Whole states of the board, or its changes.', examples: ['diff'] }),
  channels: z
    .string()
    .optional()
    .meta({
      description: 'Channels to follow instead, separated by commas. Their events come in envelopes.',
      examples: [`board:${exampleIds.board},agent:${exampleIds.agent}`],
    }),
}
const ofChannelSockets = {
  global: z
    .enum(['0', '1', 'false', 'true'])
    .optional()
    .meta({ description: '`0` leaves the channel `global` out.', examples: ['0'] }),
  more: z
    .enum(['0', '1'])
    .optional()
    .meta({ description: '`1` marks messages whose id is not safe to resume from.', examples: ['1'] }),
  agent_id: externalId.optional().meta({ description: 'The agent that connects.', examples: [exampleIds.agent] }),
  session_id: externalId.optional().meta({ description: 'The session that connects.', examples: [exampleIds.session] }),
}

const SUBSCRIBE = 'Needs the right to subscribe to every channel that it follows.'
const toAll = {
  tag: 'Streams',
  summary: 'Opens a stream of a board, of the dashboard, or of channels.',
  right: SUBSCRIBE,
  credentials: 'anywhere',
  query: z.object({
    ...ofBoards,
    names: z
      .enum(['0', '1'])
      .optional()
      .meta({ description: '`0` leaves `event:` out on a stream of channels.', examples: ['0'] }),
    ...ofEveryStream,
  }),
  errors: ['invalid_channel', 'board_not_found', 'draining', 'overloaded'],
  answer: { kind: 'stream', of: 'boards' },
} as const
const toSocket = {
  tag: 'Sockets',
  right: SUBSCRIBE,
  credentials: 'anywhere',
  errors: ['invalid_channel', 'board_not_found', 'upgrade_required', 'draining', 'overloaded'],
  answer: { kind: 'upgrade' },
} as const
const toChannelSocket = {
  ...toSocket,
  summary: 'Opens a socket of a board, or of channels.',
  query: z.object({ ...ofBoards, ...ofChannelSockets, ...ofEveryStream }),
}
const toDashboardSocket = {
  ...toSocket,
  summary: 'Opens a socket of the dashboard.',
  query: z.object(ofEveryStream),
}

/** By the paths that they are registered under. */
export const streamOperations: readonly PlainOperation[] = [
  { ...toAll, operationId: 'openStream', path: '/sse' },
  { ...toAll, operationId: 'openStreamV1', path: `${API_PREFIX}/sse` },
  {
    ...toAll,
    operationId: 'openAgentStream',
    path: '/events/:agentId',
    summary: 'Opens a stream of the output of an agent.',
    right: 'Needs the right to subscribe to `agent:{agentId}`.',
    query: z.object(ofEveryStream),
    errors: ['invalid_channel', 'draining', 'overloaded'],
    answer: { kind: 'stream', of: 'agent' },
  },
  { ...toChannelSocket, operationId: 'openSocket', path: '/ws' },
  { ...toChannelSocket, operationId: 'openSocketV1', path: `${API_PREFIX}/ws` },
  { ...toDashboardSocket, operationId: 'openDashboardSocket', path: '/ws/dashboard' },
  { ...toDashboardSocket, operationId: 'openDashboardSocketV1', path: `${API_PREFIX}/ws/dashboard` },
]

export function registerStreams(app: Hono<Env>, stream: StreamHandlerFactory, admission: Admission): void {
  const boardsAndChannels = stream(parseStreamRequest)
  app.get('/sse', boardsAndChannels)
  app.get(`${API_PREFIX}/sse`, boardsAndChannels)
  for (const path of SOCKET_PATHS) {
    app.get(path, async (c) => {
      const fields = { header: (name: string) => c.req.header(name), query: (name: string) => c.req.query(name) }
      // A browser does not tell its page why an upgrade was refused, but the page may ask here.
      if (admission.asks) await admitSocket(admission, fields, isDashboardPath(path) ?? false)
      c.header('Upgrade', 'websocket')
      c.header('Connection', 'Upgrade')
      throw upgradeRequired(path)
    })
  }
  app.get(
    '/events/:agentId',
    stream((fields, sees, c) => parseAgentRequest(fields, sees, c.req.param('agentId') ?? '')),
  )
}
