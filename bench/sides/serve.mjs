/** What the sides share: reading a body, and listening on a free port that is printed. */

/** The whole body as text. */
export function bodyOf(request) {
  return new Promise((resolve, reject) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => resolve(Buffer.concat(chunks).toString()))
    request.on('error', reject)
  })
}

/** Listens on a free loopback port, with a backlog for thousands of simultaneous connections. */
export function listen(server) {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    process.stdout.write(`listening on http://127.0.0.1:${server.address().port}\n`)
  })
}

/** Answers a publisher. */
export function done(response) {
  response.writeHead(204).end()
}

export const STREAM_HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }
export const EVENT = 'attempt_log'
