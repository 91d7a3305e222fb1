/** An HTTP answer on the socket of an upgrade that is not granted, and its end. */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { HEADER } from '../../shared/src/protocol.ts'
import { NOT_STORED, type Problem } from '../base/errors.ts'

export function refuseUpgrade(socket: Duplex, problem: Problem, headers: Readonly<Record<string, string>>): void {
  const body = Buffer.from(JSON.stringify(problem.body))
  const all: Record<string, string | number> = {
    Connection: 'close',
    ...headers,
    'Content-Type': 'application/problem+json',
    'Cache-Control': NOT_STORED,
    'Content-Length': body.length,
    ...(problem.retryAfterS !== undefined && { [HEADER.retryAfter]: problem.retryAfterS }),
  }
  const { status } = problem.body
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.on('error', () => undefined) // Harmless: it is over either way.
  // One that never closes its side would keep a server that goes down waiting.
  socket.once('finish', () => socket.destroy())
  socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n`), body]))
}
