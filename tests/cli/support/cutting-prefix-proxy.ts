/**
 * A TCP proxy that cuts streams, for clients that choose their own query. A first connection to `/cut-17/...` is cut 17
 * bytes after the head of the answer; the later ones pass. The prefix is taken out of the request.
 */
import { connect, createServer, type Socket } from 'node:net'

const HEAD_END = '\r\n\r\n'

export async function startPrefixProxy(target: { readonly port: number }) {
  const sockets = new Set<Socket>()
  const cut = new Set<string>()
  const server = createServer((client) => {
    const upstream = connect(target.port, '127.0.0.1')
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    let head = ''
    let after = Number.POSITIVE_INFINITY
    client.on('data', (bytes) => {
      const text = bytes.toString('latin1')
      const [, prefix, count] = /^GET (\/cut-(\d+))\//.exec(text) ?? []
      const isStream = /\/(sse|ws)\?/.test(text)
      if (prefix !== undefined && isStream && !cut.has(prefix)) {
        cut.add(prefix)
        after = Number(count)
      }
      upstream.write(prefix === undefined ? text : text.replace(prefix, ''), 'latin1')
    })
    let passed = 0
    upstream.on('data', (bytes) => {
      let body = bytes.toString('latin1')
      if (!head.includes(HEAD_END)) {
        const text = head + body
        const end = text.indexOf(HEAD_END)
        const before = head.length
        head = end < 0 ? text : text.slice(0, end + HEAD_END.length)
        client.write(head.slice(before), 'latin1')
        body = text.slice(head.length)
      }
      const taken = body.slice(0, after - passed)
      passed += taken.length
      if (taken !== '') client.write(taken, 'latin1')
      if (passed < after || !head.includes(HEAD_END)) return
      upstream.pause()
      client.end()
      client.destroySoon()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** How many connections have been cut. */
    cuts: () => cut.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
