/** The addresses of the streams. */
import type { Hono } from 'hono'
import { API_PREFIX } from '../../shared/src/protocol.ts'
import type { StreamHandlerFactory } from '../sse/handlers.ts'
import { parseAgentRequest, parseStreamRequest } from '../sse/request.ts'
import type { Env } from './api.ts'

export function registerStreams(app: Hono<Env>, stream: StreamHandlerFactory): void {
  const boardsAndChannels = stream(parseStreamRequest)
  app.get('/sse', boardsAndChannels)
  app.get(`${API_PREFIX}/sse`, boardsAndChannels)
  app.get(
    '/events/:agentId',
    stream((asking, c) => parseAgentRequest(asking, c.req.param('agentId') ?? '')),
  )
}
