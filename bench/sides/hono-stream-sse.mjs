/** Hono's `streamSSE` helper, as in its documentation: a callback per stream that lasts as long as the stream. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { EVENT } from './serve.mjs'

const streams = new Set()
let id = 0

const app = new Hono()
app.get('/sse', (c) =>
  streamSSE(c, async (stream) => {
    streams.add(stream)
    await new Promise((resolve) => stream.onAbort(resolve))
    streams.delete(stream)
  }),
)
app.post('/publish', async (c) => {
  const data = await c.req.text()
  id += 1
  const message = { id: String(id), event: EVENT, data }
  // Not awaited one by one: a slow listener must not delay the others.
  for (const stream of streams) void stream.writeSSE(message)
  return c.body(null, 204)
})

const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  process.stdout.write(`listening on http://127.0.0.1:${port}\n`)
})
server.on('error', (error) => {
  throw error
})
