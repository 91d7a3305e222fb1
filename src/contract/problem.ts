/** The body of every error (RFC 9457). */
import * as z from 'zod'
import { named } from '../../shared/src/names.ts'
import { errorCodes } from './errors-of.ts'

const fieldError = named('FieldError', z.strictObject({ path: z.string(), message: z.string() }))

export const problem = named(
  'Problem',
  z.strictObject({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    code: z.enum(errorCodes()),
    /** The title again. */
    error: z.string(),
    /** Only with 422. */
    errors: z.array(fieldError).optional(),
  }),
)
