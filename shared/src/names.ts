/** The names that schemas have in the published contract: components of its documents, and types of generated clients. */
import * as z from 'zod'

export const contractNames = z.registry<{ id: string }>()

/** Gives the schema its name and returns it. Two schemas cannot have one name. */
export function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  contractNames.add(schema, { id })
  return schema
}
