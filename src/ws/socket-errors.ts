/** Refusals on channel sockets and Socket.IO, whose codes differ from those of HTTP. */
import { type ErrorCode, problemBody } from '../../shared/src/errors.ts'
import { asProblem, Problem } from '../base/errors.ts'

const TITLES = {
  UNKNOWN_MESSAGE_TYPE: 'Unknown message type',
  INVALID_EVENT: 'Invalid event',
  SUBSCRIPTION_LIMIT: 'Subscription limit',
} as const

/** Other codes are those of HTTP in capitals. */
const CODES: Partial<Record<ErrorCode, string>> = {
  invalid_json: 'PARSE_ERROR',
  validation_failed: 'INVALID_MESSAGE',
  invalid_channel: 'INVALID_CHANNEL',
  board_not_found: 'INVALID_CHANNEL',
}

/** A refusal for which HTTP has no code. */
export class SocketRefusal extends Error {
  readonly code: keyof typeof TITLES

  constructor(code: keyof typeof TITLES, message: string) {
    super(message)
    this.name = 'SocketRefusal'
    this.code = code
  }
}

export interface SocketError {
  /** A title. */
  readonly error: string
  /** A sentence that names the fix. */
  readonly message: string
  readonly code: string
}

export const BINARY: SocketError = {
  error: 'Invalid JSON',
  message: 'Messages are JSON in text frames, not binary.',
  code: 'PARSE_ERROR',
}

export const TOO_MANY = new Problem('rate_limited', 'Too many messages: at most 10 a second, with bursts of 20.')

/** `onError` is called for internal errors. */
export function socketErrorOf(thrown: unknown, onError: (error: unknown) => void): SocketError {
  if (thrown instanceof SocketRefusal) return { error: TITLES[thrown.code], message: thrown.message, code: thrown.code }
  if (!(thrown instanceof Problem)) onError(thrown)
  const problem = asProblem(thrown)
  const { title, code } = problemBody(problem.code, problem.message)
  return { error: title, message: problem.message, code: socketCode(code) }
}

/** A code of HTTP as it is on channel sockets. */
export function socketCode(code: ErrorCode): string {
  return CODES[code] ?? code.toUpperCase()
}

/** Codes that HTTP does not have. */
export const SOCKET_CODES = Object.keys(TITLES) as ReadonlyArray<keyof typeof TITLES>
