import { connect, createServer, type Socket } from 'node:net'

/** A gate in front of a server. While shut, it refuses connections, like a server that is down. */
export async function openGate(targetUrl: string) {
  const target = new URL(targetUrl)
  const sockets = new Set<Socket>()
  const server = createServer((inner) => {
    const outer = connect(Number(target.port), target.hostname)
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {}) // the other side is cut as well, by `close`
      socket.once('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    inner.pipe(outer).pipe(inner)
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  const shut = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    url: `http://127.0.0.1:${address.port}`,
    shut,
    reopen: () => listen(address.port),
    [Symbol.asyncDispose]: shut,
  }
}
