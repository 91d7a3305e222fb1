/** Parses what a client sent with a schema, and says in sentences what is wrong with it. */
import type * as z from 'zod'
import type { FieldError } from '../../shared/src/errors.ts'
import { Problem } from './errors.ts'

/** What a client sent: the body or the query of a request, or a message on a socket. */
export type Where = 'body' | 'query' | 'message'

/** `bad_request` for a query, `validation_failed` for the rest: each fault with its path, unknown fields by name. */
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
    // Values of any shape are walked by recursion, which a body of a megabyte of brackets exhausts.
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
      // The branch that came nearest says best what is wrong.
      const nearest = [...issue.errors].sort((a, b) => a.length - b.length)[0]
      if (!nearest || nearest.length === 0) return [{ path: path.join('.'), message: sentence(issue.message) }]
      return nearest.flatMap((inner) => fieldErrors({ ...inner, path: [...issue.path, ...inner.path] }))
    }
    default:
      return [{ path: path.join('.'), message: sentence(issue.message) }]
  }
}

/** zod says "Invalid input: expected string, received undefined"; read after a path it wants no capital and no prefix. */
function sentence(message: string): string {
  const text = message
    .replace(/^Invalid (input|option): /, 'is invalid: ')
    .replace('received undefined', 'but it is missing')
  return text.charAt(0).toLowerCase() + text.slice(1)
}
