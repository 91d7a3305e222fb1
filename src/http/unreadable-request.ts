/** Requests that cannot be read are answered in the form of all other refusals. */
import type { Socket } from 'node:net'
import { HEADER } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import { answerUnreadRequest, bareProblemResponse } from './problem-answers.ts'

/** The refusal of an address or Host from which no URL can be made. */
export function unreadableAddress(): Problem {
  return new Problem('bad_request', 'The address or the Host header of the request cannot be read.')
}

/** Answers when the adapter could make no URL and gave up before it called the application. */
export function answerUnreadableAddress(): Response {
  return bareProblemResponse(unreadableAddress())
}

/** Makes the listener for Node's `clientError`: there is no response, only a socket. `node`: the name of this one. */
export function answersToUnreadable(node: string): (error: NodeJS.ErrnoException, socket: Socket) => void {
  const headers = { [HEADER.node]: node }
  return (error, socket) => answerUnreadable(error, socket, headers)
}

function answerUnreadable(
  error: NodeJS.ErrnoException,
  socket: Socket,
  headers: Readonly<Record<string, string>>,
): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    // Opened in advance and not used: an answer could be taken for that to the first request.
    if (socket.bytesRead === 0) socket.destroy()
    else answerUnreadRequest(socket, tooSlow(), headers)
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
  answerUnreadRequest(socket, problem, headers)
}

function tooSlow(): Problem {
  return new Problem(
    'request_timeout',
    'The request did not arrive in time. Send it on a new connection, less at a time.',
  )
}
