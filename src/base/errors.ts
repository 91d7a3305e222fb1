import { type ErrorCode, type FieldError, type ProblemBody, problemBody } from '../../shared/src/errors.ts'

type TokenError = 'invalid_token' | 'insufficient_scope'

interface ProblemOptions {
  readonly errors?: readonly FieldError[]
  readonly retryAfterS?: number
  readonly tokenError?: TokenError
  readonly cause?: unknown
}

/**
 * A request that breaks a rule. Thrown where the rule is checked and turned into a problem body at the edge. `detail` is a
 * sentence for the client that names the field and the fix; it never exposes internals.
 */
export class Problem extends Error {
  readonly code: ErrorCode
  readonly errors: readonly FieldError[] | undefined
  /** Seconds for `Retry-After`, when retrying later can help. */
  readonly retryAfterS: number | undefined
  /** What is wrong with the token that was sent, as RFC 6750, 3.1 names it. */
  readonly tokenError: TokenError | undefined

  constructor(code: ErrorCode, detail: string, more: ProblemOptions = {}) {
    super(detail, { cause: more.cause })
    this.name = 'Problem'
    this.code = code
    this.errors = more.errors
    this.retryAfterS = more.retryAfterS
    this.tokenError = more.tokenError
  }

  get body(): ProblemBody {
    return problemBody(this.code, this.message, this.errors)
  }
}

/** `validation_failed` for the field at `path` of a body; `message` continues the sentence that the path begins. */
export function invalidField(path: string, message: string): Problem {
  return new Problem('validation_failed', `${path} ${message}`, { errors: [{ path, message }] })
}

/** What a client sees of an error: a Problem unchanged; for any other error, only that it was logged. */
export function asProblem(thrown: unknown): Problem {
  return thrown instanceof Problem ? thrown : new Problem('internal', 'Something went wrong here; it has been logged.')
}
