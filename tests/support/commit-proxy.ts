/**
 * A TCP proxy in front of PostgreSQL that loses one COMMIT: that of the transaction which wrote a marker. Others pass.
 *
 *   before   the COMMIT never arrives
 *   after    the COMMIT arrives, its answer does not
 *
 * Then the connection ends, and with `shuts` all others too: new ones are refused until `isOpen` is set.
 */
import { connect, createServer, type Socket } from 'node:net'
import { gate } from './gate.ts'

/** The message of the simple query protocol. */
const COMMIT = Buffer.concat([Buffer.from([0x51, 0, 0, 0, 11]), Buffer.from('COMMIT\0')])

export interface CommitProxy extends AsyncDisposable {
  readonly port: number
  isOpen: boolean
  /** Resolves when the COMMIT was lost; `after`: when the database has answered it. */
  lose(marker: string, where: 'before' | 'after', options?: { readonly shuts: boolean }): Promise<void>
}

interface Order {
  readonly marker: string
  readonly where: 'before' | 'after'
  lost(): void
}

export async function startCommitProxy(target: { readonly port: number }): Promise<CommitProxy> {
  const sockets = new Set<Socket>()
  let order: Order | undefined

  const server = createServer((client) => {
    if (!proxy.isOpen) {
      client.destroy()
      return
    }
    const upstream = connect(target.port, '127.0.0.1')
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    /** What was sent since the COMMIT before. */
    let sent = Buffer.alloc(0)
    let losesAnswer: (() => void) | undefined
    client.on('data', (bytes: Buffer) => {
      sent = Buffer.concat([sent, bytes])
      const at = sent.indexOf(COMMIT)
      const found = at >= 0 && order && sent.subarray(0, at).includes(order.marker) ? order : undefined
      if (at >= 0) sent = Buffer.alloc(0)
      if (found) order = undefined
      if (found?.where === 'before') {
        end()
        found.lost()
        return
      }
      losesAnswer = found?.lost ?? losesAnswer
      upstream.write(bytes)
    })
    upstream.on('data', (bytes: Buffer) => {
      if (!losesAnswer) client.write(bytes)
      else if (bytes.includes('COMMIT\0')) {
        end()
        losesAnswer()
      }
    })
  })
  const proxy: CommitProxy = {
    port: 0,
    isOpen: true,
    async lose(marker, where, { shuts } = { shuts: false }) {
      const { promise, resolve } = gate()
      const lost = () => {
        if (shuts) {
          proxy.isOpen = false
          for (const socket of sockets) socket.destroy()
        }
        resolve()
      }
      order = { marker, where, lost }
      await promise
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return Object.assign(proxy, { port: typeof address === 'object' && address ? address.port : 0 })
}
