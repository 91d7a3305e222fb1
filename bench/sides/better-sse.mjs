/**
 * better-sse: sessions in a channel. The text is already JSON, so the serializer, which runs once per session, passes it
 * through. Ids are counted, because random ones cost more.
 */
import { createServer } from 'node:http'
import { createChannel, createSession } from 'better-sse'
import { bodyOf, done, EVENT, listen } from './serve.mjs'

const channel = createChannel()
let id = 0

listen(
  createServer(async (request, response) => {
    if (request.method === 'GET') {
      channel.register(await createSession(request, response, { serializer: (text) => text }))
      return
    }
    const body = await bodyOf(request)
    id += 1
    channel.broadcast(body, EVENT, { eventId: String(id) })
    done(response)
  }),
)
