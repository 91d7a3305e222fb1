/** The route of Socket.IO, whose library writes the response itself. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Hono } from 'hono'
import { Problem } from '../base/errors.ts'
import { ANSWER_SECURITY } from '../base/security-headers.ts'
import { SOCKET_IO_PATH, type SocketIo } from '../ws/socketio/server.ts'
import type { Env } from './api.ts'

export function registerSocketIo(app: Hono<Env>, socketIo: SocketIo | null): void {
  app.all(`${SOCKET_IO_PATH}*`, (c) => {
    if (!socketIo)
      throw new Problem('not_found', 'Socket.IO is switched off. Start the server with BOARDCAST_SOCKETIO=1 to use it.')
    for (const [name, value] of ANSWER_SECURITY) c.env.outgoing.setHeader(name, value)
    socketIo.handleRequest(c.env.incoming, c.env.outgoing)
    return RESPONSE_ALREADY_SENT
  })
}
