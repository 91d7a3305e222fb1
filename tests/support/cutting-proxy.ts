/**
 * A TCP proxy that cuts streams. The parameter `cut` of an address sets where: `cut=17` cuts the first connection to this
 * address after 17 bytes of the body as they are on the wire, chunk sizes included. Later connections pass. The proxy
 * changes nothing but the four digits of `retry:`, so that clients reconnect at once.
 */
import { connect, createServer, type Socket } from 'node:net'
import { gate } from './gate.ts'

export interface CuttingProxy extends AsyncDisposable {
  readonly url: string
  /** Resolves when the first connection of an address has been cut. */
  cut(path: string): Promise<void>
}

/** Long enough for a client in this process to read everything before the cut. If it isn't, the cut falls earlier. */
const READ_MS = 15
const HEAD_END = '\r\n\r\n'

export async function startCuttingProxy(target: { readonly port: number }): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  const cuts = new Map<string, ReturnType<typeof gate>>()
  const cutOf = (path: string) => {
    const known = cuts.get(path) ?? gate()
    cuts.set(path, known)
    return known
  }
  const seen = new Set<string>()

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
    let request = ''
    let cutAfter = Infinity
    let path = ''
    client.on('data', (bytes) => {
      request += bytes.toString('latin1')
      if (path === '' && request.includes(HEAD_END)) {
        path = request.split(' ')[1] ?? ''
        const cut = new URL(path, 'http://proxy').searchParams.get('cut')
        if (cut !== null && !seen.has(path)) cutAfter = Number(cut)
        seen.add(path)
      }
      upstream.write(bytes)
    })
    let head = ''
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
      const taken = body.replace(/retry: \d{4}\n/, 'retry: 0001\n').slice(0, cutAfter - passed)
      passed += taken.length
      if (taken !== '') client.write(taken, 'latin1')
      if (passed < cutAfter || !head.includes(HEAD_END)) return
      upstream.pause()
      setTimeout(() => {
        cutOf(path).resolve()
        client.end()
        client.destroySoon()
      }, READ_MS)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: (path) => cutOf(path).promise,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
