/** How channel sockets say no: codes of their own, made of those of HTTP. */
import { type ErrorCode, problemBody } from '../../shared/src/errors.ts'
import { Problem } from '../base/errors.ts'

const TITLES = {
  UNKNOWN_MESSAGE_TYPE: 'Unknown message type',
  INVALID_EVENT: 'Invalid event',
  SUBSCRIPTION_LIMIT: 'Subscription limit',
} as const

const CODES: Partial<Record<ErrorCode, string>> = {
  invalid_json: 'PARSE_ERROR',
  validation_failed: 'INVALID_MESSAGE',
  invalid_channel: 'INVALID_CHANNEL',
  board_not_found: 'INVALID_CHANNEL',
}

/** A refusal that HTTP does not know. */
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

/** `onError` is told of what is nobody's fault but ours. */
export function socketErrorOf(thrown: unknown, onError: (error: unknown) => void): SocketError {
  if (thrown instanceof SocketRefusal) return { error: TITLES[thrown.code], message: thrown.message, code: thrown.code }
  if (!(thrown instanceof Problem)) onError(thrown)
  const problem = asProblem(thrown)
  const { title, code } = problemBody(problem.code, problem.message)
  return { error: title, message: problem.message, code: CODES[code] ?? code.toUpperCase() }
}

/** What is not a refusal is kept to ourselves. */
export function asProblem(thrown: unknown): Problem {
  return thrown instanceof Problem ? thrown : new Problem('internal', 'Something went wrong here; it has been logged.')
}
