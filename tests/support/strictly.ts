import * as z from 'zod'

/** One object with the fields of all these schemas, and no others. */
export function strictly(...schemas: readonly z.ZodObject[]): z.ZodObject {
  return z.strictObject(Object.assign({}, ...schemas.map(({ shape }) => shape)))
}
