/** Requests written byte by byte: with any target, version and `Host`, or without one. */
import { connect } from 'node:net'

export interface RawReply {
  readonly status: number
  /** The status line and the headers. */
  readonly head: string
  /** The body as received, including chunk framing. */
  readonly body: string
  header(name: string): string | undefined
}

export interface RawRequest {
  readonly method?: string
  readonly target: string
  readonly version?: '1.0' | '1.1'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Default: `close`. */
  readonly connection?: string
}

/** Sends the request with `Connection` and only these headers; resolves when `enough` of the answer, or all, has arrived. */
export function rawRequest(
  port: number,
  { method = 'GET', target, version = '1.1', headers = {}, body = '', connection = 'close' }: RawRequest,
  enough: (answer: string) => boolean = () => false,
): Promise<RawReply> {
  const length = body !== '' && !headers['Transfer-Encoding'] && { 'Content-Length': String(Buffer.byteLength(body)) }
  const all = { ...headers, Connection: connection, ...length }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (enough(answer)) socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(replyOf(answer)))
    socket.write(`${method} ${target} HTTP/${version}\r\n${lines.join('')}\r\n${body}`)
  })
}

function replyOf(answer: string): RawReply {
  const end = answer.indexOf('\r\n\r\n')
  const head = answer.slice(0, end)
  return {
    status: Number(head.split(' ')[1]),
    head,
    body: answer.slice(end + 4),
    header(name) {
      const line = head.split('\r\n').find((text) => text.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      return line?.slice(line.indexOf(':') + 1).trim()
    },
  }
}
