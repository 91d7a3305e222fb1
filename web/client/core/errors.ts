/** The ways in which the client fails, each with a code; `status` and `problem` are what the server said. */
import type { FieldError } from '../../../shared/src/errors.ts'

export type ClientErrorCode =
  /** Nobody answered, as often as it was tried. */
  | 'unreachable'
  /** The server refused; `problem.code` says why. */
  | 'refused'
  /** Something else than the API answered: a redirect that loses the request, a login page, a proxy. */
  | 'unexpected'
  /** The client was closed meanwhile. */
  | 'closed'
  /** What was asked of the client cannot be: a channel that is none, an option that does not fit. */
  | 'misuse'

/** The body of a refusal, as far as it could be read. */
export interface Problem {
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly errors?: readonly FieldError[]
}

export class BoardcastError extends Error {
  override readonly name = 'BoardcastError'
  readonly code: ClientErrorCode
  readonly status: number | undefined
  readonly problem: Problem | undefined

  constructor(
    code: ClientErrorCode,
    message: string,
    more: { status?: number; problem?: Problem; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.status = more.status
    this.problem = more.problem
  }
}

export function closed(): BoardcastError {
  return new BoardcastError('closed', 'This hub was closed: make another with createClient.')
}

export function misuse(message: string): BoardcastError {
  return new BoardcastError('misuse', message)
}
