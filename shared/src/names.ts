/** The names that schemas have in the published contract: components of its documents, and types of generated clients. */
import type * as z from 'zod'

const schemas = new Map<string, z.ZodType>()

/** Every schema that has a name. */
export const namedSchemas: ReadonlyMap<string, z.ZodType> = schemas

/** Gives the schema its name and returns it. Throws if another schema has that name. */
export function named<Schema extends z.ZodType>(name: string, schema: Schema): Schema {
  if (schemas.has(name)) throw new Error(`two schemas are named ${name}`)
  schemas.set(name, schema)
  return schema
}
