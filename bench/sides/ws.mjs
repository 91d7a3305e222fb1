/** ws: the broadcast example of its documentation, with one buffer for all and no compression (its default). */
import { createServer } from 'node:http'
import { WebSocket, WebSocketServer } from 'ws'
import { bodyOf, done, listen } from './serve.mjs'

const server = createServer(async (request, response) => {
  const body = Buffer.from(await bodyOf(request))
  for (const client of sockets.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(body, { binary: false })
  }
  done(response)
})
const sockets = new WebSocketServer({ server })
listen(server)
