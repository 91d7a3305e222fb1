/** Socket.IO over WebSocket: `io.emit`, which encodes a packet once for all sockets. Defaults, without long polling. */
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { bodyOf, done, EVENT, listen } from './serve.mjs'

const server = createServer(async (request, response) => {
  const body = await bodyOf(request)
  io.emit(EVENT, JSON.parse(body))
  done(response)
})
const io = new Server(server, { transports: ['websocket'], serveClient: false })
listen(server)
