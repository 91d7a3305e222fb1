/** The routes of the streams, and the answer to plain requests for a WebSocket. */
import type { Hono } from 'hono'
import * as z from 'zod'
import { API_PREFIX } from '../../shared/src/protocol.ts'
import type { Admission } from '../connections/admission.ts'
import type { StreamHandlerFactory } from '../sse/handlers.ts'
import { boardParameters, channelParameters, connectionParameters, namesParameter } from '../sse/parameters.ts'
import { parseAgentRequest, parseStreamRequest } from '../sse/request.ts'
import { isDashboardPath, SOCKET_PATHS, upgradeRequired } from '../ws/addresses.ts'
import { admitSocket } from '../ws/admit.ts'
import { socketParameters } from '../ws/parameters.ts'
import type { Env } from './api.ts'
import type { PlainOperation } from './operation.ts'

const SUBSCRIBE = 'Needs the right to subscribe to every channel that it follows.'
const toAll = {
  tag: 'Streams',
  summary: 'Opens a stream of a board, of the dashboard, or of channels.',
  right: SUBSCRIBE,
  credentials: 'anywhere',
  query: z.object({
    ...boardParameters,
    channels: channelParameters.channels.optional(),
    names: namesParameter,
    ...connectionParameters,
  }),
  errors: ['invalid_channel', 'board_not_found', 'draining'],
  answer: { kind: 'stream', of: 'boards' },
} as const
const toSocket = {
  tag: 'Sockets',
  right: SUBSCRIBE,
  credentials: 'anywhere',
  answer: { kind: 'upgrade' },
} as const
const toChannelSocket = {
  ...toSocket,
  summary: 'Opens a socket of a board, or of channels.',
  // The socket of a board that does not exist opens, and is closed.
  errors: ['invalid_channel', 'upgrade_required', 'draining'],
  query: z.object({
    ...boardParameters,
    channels: channelParameters.channels.optional(),
    ...socketParameters,
    ...connectionParameters,
  }),
} as const
const toDashboardSocket = {
  ...toSocket,
  summary: 'Opens a socket of the dashboard.',
  errors: ['upgrade_required', 'draining'],
  query: z.object(connectionParameters),
} as const

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
    query: z.object(connectionParameters),
    errors: ['invalid_channel', 'draining'],
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
