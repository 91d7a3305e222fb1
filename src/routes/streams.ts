/** The routes of the streams, and the answer to plain requests for a WebSocket. */
import type { Hono } from 'hono'
import { API_PREFIX } from '../../shared/src/protocol.ts'
import type { Admission } from '../connections/admission.ts'
import type { StreamHandlerFactory } from '../sse/handlers.ts'
import { parseAgentRequest, parseStreamRequest } from '../sse/request.ts'
import { isDashboardPath, SOCKET_PATHS, upgradeRequired } from '../ws/addresses.ts'
import { admitSocket } from '../ws/admit.ts'
import type { Env } from './api.ts'

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
