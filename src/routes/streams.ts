/** The routes of the streams, and the answer to plain requests for a WebSocket. */
import type { Hono } from 'hono'
import { API_PREFIX } from '../../shared/src/protocol.ts'
import type { StreamHandlerFactory } from '../sse/handlers.ts'
import { parseAgentRequest, parseStreamRequest } from '../sse/request.ts'
import { SOCKET_PATHS, upgradeRequired } from '../ws/addresses.ts'
import type { Env } from './api.ts'

export function registerStreams(app: Hono<Env>, stream: StreamHandlerFactory): void {
  const boardsAndChannels = stream(parseStreamRequest)
  app.get('/sse', boardsAndChannels)
  app.get(`${API_PREFIX}/sse`, boardsAndChannels)
  for (const path of SOCKET_PATHS) {
    app.get(path, (c) => {
      c.header('Upgrade', 'websocket')
      c.header('Connection', 'Upgrade')
      throw upgradeRequired(path)
    })
  }
  app.get(
    '/events/:agentId',
    stream((fields, c) => parseAgentRequest(fields, c.req.param('agentId') ?? '')),
  )
}
