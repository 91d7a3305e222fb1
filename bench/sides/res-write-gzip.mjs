/** Plain Node with a gzip stream per listener that is flushed after every event, as compression middleware does. */
import { createServer } from 'node:http'
import { constants, createGzip } from 'node:zlib'
import { bodyOf, done, EVENT, listen, STREAM_HEADERS } from './serve.mjs'

const listeners = new Set()
let id = 0

listen(
  createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { ...STREAM_HEADERS, 'Content-Encoding': 'gzip' }).flushHeaders()
      // Every write is flushed, so that events arrive at once.
      const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
      gzip.pipe(response)
      listeners.add(gzip)
      response.on('close', () => listeners.delete(gzip))
      return
    }
    const body = await bodyOf(request)
    id += 1
    const frame = Buffer.from(`event: ${EVENT}\ndata: ${body}\nid: ${id}\n\n`)
    for (const listener of listeners) listener.write(frame)
    done(response)
  }),
)
