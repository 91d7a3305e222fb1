/** Plain Node: one `res.write` per listener of a buffer that is made once per event. */
import { createServer } from 'node:http'
import { bodyOf, done, EVENT, listen, STREAM_HEADERS } from './serve.mjs'

const listeners = new Set()
let id = 0

listen(
  createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, STREAM_HEADERS).flushHeaders()
      listeners.add(response)
      response.on('close', () => listeners.delete(response))
      return
    }
    const body = await bodyOf(request)
    id += 1
    const frame = Buffer.from(`event: ${EVENT}\ndata: ${body}\nid: ${id}\n\n`)
    for (const listener of listeners) listener.write(frame)
    done(response)
  }),
)
