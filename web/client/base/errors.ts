/** The errors of the client. Each has a code; `status` and `problem` are the server's answer. */
import type { FieldError } from '../../../shared/src/errors.ts'

export type ClientErrorCode =
  /** No answer, after all retries. */
  | 'unreachable'
  /** The server refused; `problem.code` gives the reason. */
  | 'refused'
  /** Something other than the API answered: a redirect that loses the request, a login page, a proxy. */
  | 'unexpected'
  /** The hub was closed. */
  | 'closed'
  /** The call itself is wrong: an invalid channel or option. */
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
  return new BoardcastError('closed', 'This hub was closed: create another with createClient.')
}

export function misuse(message: string): BoardcastError {
  return new BoardcastError('misuse', message)
}

/** Whatever was thrown, as an error. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
