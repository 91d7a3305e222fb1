/** A proxy that changes the events of streams: each one can be replaced, repeated or left out. */
import { createServer, request } from 'node:http'

/** Gets the text of an event, without the blank line after it, and returns what the client gets instead. */
export type Tamper = (event: string) => readonly string[]

/** The first `after` events of a stream pass, the others are held until a promise resolves. */
interface Holding {
  readonly after: number
  readonly until: Promise<void>
}

export async function startTamperingProxy(target: string, tamper: Tamper, holding?: Holding) {
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/', headers } = incoming
    const upstream = request(target + url, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      if (!url.startsWith('/sse')) {
        answer.pipe(outgoing)
        return
      }
      outgoing.flushHeaders()
      let rest = ''
      let passed = 0
      answer.setEncoding('utf8').on('data', (text: string) => {
        const events = (rest + text).split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events.flatMap(tamper)) {
          const write = () => void outgoing.write(`${event}\n\n`)
          if (holding && passed >= holding.after) void holding.until.then(write)
          else write()
          passed += 1
        }
      })
      answer.on('close', () => outgoing.destroy())
    })
    upstream.on('error', () => outgoing.destroy())
    outgoing.on('close', () => upstream.destroy())
    incoming.pipe(upstream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
