/** How a Problem is answered over HTTP, whether or not there is a response object to answer with. */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { HEADER } from '../../shared/src/protocol.ts'
import type { Problem } from '../base/errors.ts'
import { ANSWER_SECURITY } from '../base/security-headers.ts'
import { NOT_STORED } from './cache-control.ts'
import { requestIdOf } from './request-id.ts'

/** How long the client of a request that could not be read has to read why. */
const LAST_WORDS_MS = 2_000
const CONTENT_TYPE = 'application/problem+json'
const CHALLENGE = 'WWW-Authenticate'
const FIXED = { 'Cache-Control': NOT_STORED, ...Object.fromEntries(ANSWER_SECURITY) }

/** An answer of the application, with the headers that were set before the error was thrown (cursor, CORS). */
export function problemResponse(problem: Problem, before: Headers): Response {
  const headers = new Headers(before)
  headers.set('Content-Type', CONTENT_TYPE)
  if (problem.retryAfterS !== undefined) headers.set(HEADER.retryAfter, String(problem.retryAfterS))
  const challenge = challengeOf(problem)
  if (challenge !== undefined) headers.set(CHALLENGE, challenge)
  return new Response(JSON.stringify(problem.body), { status: problem.body.status, headers })
}

/** An answer outside of the application, which would have added the other headers. */
export function bareProblemResponse(problem: Problem): Response {
  const headers = { 'Content-Type': CONTENT_TYPE, ...FIXED, [HEADER.requestId]: requestIdOf({}) }
  return new Response(JSON.stringify(problem.body), { status: problem.body.status, headers })
}

/** Answers on a connection whose request Node could not read, and ends the connection. */
export function answerUnreadRequest(socket: Duplex, problem: Problem, headers: Readonly<Record<string, string>>): void {
  const body = Buffer.from(JSON.stringify(problem.body))
  const tail = { ...headers, [HEADER.requestId]: requestIdOf({}), Connection: 'close' }
  socket.on('error', () => undefined) // Harmless: the connection ends either way.
  // At once it could destroy the answer; but a client that never closes its side must not keep the connection.
  const patience = setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref()
  socket.once('close', () => clearTimeout(patience))
  socket.end(httpMessage(problem, { ...bodyHeaders(body), ...tail }, body))
}

/** Answers a request for an upgrade that is refused, and ends the connection. `node`: the name of this one. */
export function refuseUpgrade(
  { headers: requested }: IncomingMessage,
  socket: Duplex,
  problem: Problem,
  node: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(JSON.stringify(problem.body))
  const challenge = challengeOf(problem)
  const all = {
    Connection: 'close',
    [HEADER.requestId]: requestIdOf(requested),
    [HEADER.node]: node,
    ...headers,
    ...bodyHeaders(body),
    ...(problem.retryAfterS !== undefined && { [HEADER.retryAfter]: problem.retryAfterS }),
    ...(challenge !== undefined && { [CHALLENGE]: challenge }),
  }
  socket.on('error', () => undefined) // Harmless: the connection ends either way.
  // A client that never closes its side would hold up a shutdown.
  socket.once('finish', () => socket.destroy())
  socket.end(httpMessage(problem, all, body))
}

/** How the client can authenticate (RFC 6750, 3); undefined: that would not help. */
function challengeOf({ tokenError, body: { status } }: Problem): string | undefined {
  if (tokenError === undefined && status !== 401) return undefined
  return `Bearer realm="boardcast"${tokenError === undefined ? '' : `, error="${tokenError}"`}`
}

function bodyHeaders(body: Buffer): Record<string, string | number> {
  return { 'Content-Type': CONTENT_TYPE, ...FIXED, 'Content-Length': body.length }
}

function httpMessage({ body: { status } }: Problem, headers: Record<string, string | number>, body: Buffer): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n`), body])
}
