import { type ErrorCode, type FieldError, type ProblemBody, problemBody } from '../../shared/src/errors.ts'

/** `Cache-Control` of every answer of the API: what a cache gave in its place would be old state, and nobody would notice. */
export const NOT_STORED = 'no-store'

/**
 * A refusal: thrown where a rule is broken, turned into a problem body at the edge. `detail` is a sentence for the
 * caller that names the field and the fix; it never holds internals.
 */
export class Problem extends Error {
  readonly code: ErrorCode
  readonly errors: readonly FieldError[] | undefined
  /** Seconds for `Retry-After`, where coming back later helps. */
  readonly retryAfterS: number | undefined

  constructor(
    code: ErrorCode,
    detail: string,
    more: { errors?: readonly FieldError[]; retryAfterS?: number; cause?: unknown } = {},
  ) {
    super(detail, { cause: more.cause })
    this.name = 'Problem'
    this.code = code
    this.errors = more.errors
    this.retryAfterS = more.retryAfterS
  }

  get body(): ProblemBody {
    return problemBody(this.code, this.message, this.errors)
  }
}

/** The refusal of a body whose field at `path` means something impossible. */
export function invalidField(path: string, message: string): Problem {
  return new Problem('validation_failed', `${path} ${message}`, { errors: [{ path, message }] })
}

/** What a client learns of an error: a Problem as it is, of anything else only that it was logged. */
export function asProblem(thrown: unknown): Problem {
  return thrown instanceof Problem ? thrown : new Problem('internal', 'Something went wrong here; it has been logged.')
}
