/** Validates client input against a schema and turns the faults into sentences. */
import type * as z from 'zod'
import type { FieldError } from '../../shared/src/errors.ts'
import { Problem } from './errors.ts'

/** Where the input came from: the body or query of a request, or a message on a socket. */
export type Where = 'body' | 'query' | 'message'

/**
 * Returns the parsed input. Throws `bad_request` for a query and `validation_failed` for the rest, listing each fault with
 * its path; unknown fields are named.
 */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown, where: Where): T {
  const parsed = parse(schema, value, where)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.flatMap((issue) => fieldErrors(issue))
  const detail = errors
    .slice(0, 5)
    .map(({ path, message }) => (path === '' ? `The ${where} ${message}.` : `${path} ${message}.`))
    .join(' ')
  throw where === 'query' ? new Problem('bad_request', detail) : new Problem('validation_failed', detail, { errors })
}

function parse<T>(schema: z.ZodType<T>, value: unknown, where: Where): z.ZodSafeParseResult<T> {
  try {
    return schema.safeParse(value, { reportInput: false })
  } catch (cause) {
    // Schemas for arbitrary JSON recurse, and a megabyte of brackets exhausts the stack.
    if (!(cause instanceof RangeError)) throw cause
    const message = 'is nested too deeply'
    throw new Problem('validation_failed', `The ${where} ${message}.`, { errors: [{ path: '', message }], cause })
  }
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const path = issue.path.map(String)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'is not a known field here' }))
    case 'invalid_union': {
      // The branch with the fewest faults is most likely the one that was meant.
      const nearest = [...issue.errors].sort((a, b) => a.length - b.length)[0]
      if (!nearest || nearest.length === 0) return [{ path: path.join('.'), message: sentence(issue.message) }]
      return nearest.flatMap((inner) => fieldErrors({ ...inner, path: [...issue.path, ...inner.path] }))
    }
    default:
      return [{ path: path.join('.'), message: sentence(issue.message) }]
  }
}

/**
 * zod writes "Invalid input: expected string, received undefined". The message follows a path, so it needs no capital and
 * no prefix.
 */
function sentence(message: string): string {
  const text = message
    .replace(/^Invalid (input|option): /, 'is invalid: ')
    .replace('received undefined', 'but it is missing')
  return text.charAt(0).toLowerCase() + text.slice(1)
}
