import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** A port of loopback that is free at this moment. */
export function freePort(): Promise<number> {
  return checked(0)
}

/**
 * Several ports, for a program that takes a while to listen on all of them. They are below those that the system gives out,
 * so that no connection and no other test takes one in between.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>()
  while (found.size < count) {
    const port = await checked(randomInt(10_000, 30_000)).catch(() => undefined) // taken
    if (port !== undefined) found.add(port)
  }
  return [...found]
}

function checked(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
