/** `fetch`, also for a server that listens on a Unix socket. */
import { type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'

const UNIX = 'unix:'

/** The path of the socket that a base address names; undefined: it is a URL. */
export function socketPathOf(baseUrl: string): string | undefined {
  return baseUrl.startsWith(UNIX) ? baseUrl.slice(UNIX.length) : undefined
}

/** `path` is what follows the base address. The body is text or left out. Rejects like `fetch`. */
export function fetchFrom(baseUrl: string, path: string, init: RequestInit): Promise<Response> {
  const socketPath = socketPathOf(baseUrl)
  return socketPath === undefined ? fetch(baseUrl + path, init) : fetchBySocket(socketPath, path, init)
}

function fetchBySocket(socketPath: string, path: string, { method, headers, body, signal }: RequestInit) {
  return new Promise<Response>((resolve, reject) => {
    const asked = request(
      {
        socketPath,
        path,
        method: method ?? 'GET',
        headers: { Host: 'localhost', ...Object.fromEntries(new Headers(headers)) },
        ...(signal && { signal }),
      },
      (answer) => resolve(responseOf(answer)),
    )
    asked.on('error', reject)
    asked.end(typeof body === 'string' ? body : undefined)
  })
}

function responseOf(answer: IncomingMessage): Response {
  const { statusCode: status = 0, rawHeaders } = answer
  const headers = new Headers()
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '')
  const hasBody = status !== 204 && status !== 304
  if (!hasBody) answer.resume()
  return new Response(hasBody ? (Readable.toWeb(answer) as ReadableStream) : null, { status, headers })
}
