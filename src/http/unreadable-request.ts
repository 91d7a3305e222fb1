import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { uuidv7 } from 'uuidv7'
import { HEADER } from '../../shared/src/protocol.ts'
import { NOT_STORED, Problem } from '../base/errors.ts'

/** A request whose address or Host makes no URL: the adapter gives up before anything of ours has seen it. */
export function refuseUnreadable(): Response {
  const { body } = new Problem('bad_request', 'The address or the Host header of the request cannot be read.')
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': NOT_STORED, [HEADER.requestId]: uuidv7() },
  })
}

/** A request that Node cannot read gets no further than here: the answer is written by hand, in the form of all others. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const isTooLong = error.code === 'HPE_HEADER_OVERFLOW'
  const problem = isTooLong
    ? new Problem(
        'too_large',
        'The address and headers of a request may be at most 64 KiB. Name fewer channels at a time.',
      )
    : new Problem(
        'bad_request',
        'The request is not HTTP/1.1 that can be read. TLS and HTTP/2 need a proxy in front of this server.',
      )
  const body = JSON.stringify(problem.body)
  const head = [
    `HTTP/1.1 ${problem.body.status} ${STATUS_CODES[problem.body.status]}`,
    'Content-Type: application/problem+json',
    `Cache-Control: ${NOT_STORED}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `${HEADER.requestId}: ${uuidv7()}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
