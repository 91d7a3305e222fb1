/** Bodies of high-volume routes: one item, or many at a time. */
import * as z from 'zod'
import { MAX_BATCH_LINES } from '../../shared/src/protocol.ts'

const forms = new WeakMap<z.core.$ZodType, z.ZodType>()

/** Declares the form in which the contract shows a schema that is parsed in another. Both must take the same values. */
export function showAs(schema: z.core.$ZodType, form: z.ZodType): void {
  forms.set(schema, form)
}

/** The form in which the contract shows the schema: itself, unless another was declared. */
export function shownForm(schema: z.ZodType): z.ZodType {
  return forms.get(schema) ?? schema
}

/**
 * Parses one item, or up to 1,000 items in the field `many`, into a list. One object instead of a union, so that errors
 * name the path of the faulty field; the contract shows the union. `needed` is the only required field of an item.
 */
export function oneOrMany<Item extends z.ZodObject, Many extends string>(
  item: Item,
  many: Many,
  needed: keyof z.output<Item> & string,
) {
  const field: string = many
  const items = z.array(item).min(1).max(MAX_BATCH_LINES)
  const parsed = z
    .strictObject({
      ...item.partial().shape,
      [field]: items.optional(),
    })
    .transform((body, context): ReadonlyArray<z.output<Item>> => {
      const { [field]: items, ...one } = body as { [field: string]: unknown }
      if (items !== undefined) {
        for (const name of Object.keys(one)) {
          context.addIssue({
            code: 'custom',
            path: [name],
            message: `must be inside each of ${many} when ${many} is given`,
          })
        }
        return items as ReadonlyArray<z.output<Item>>
      }
      if (one[needed] === undefined) {
        context.addIssue({ code: 'custom', path: [needed], message: `is missing; send ${needed} or ${many}` })
        return z.NEVER
      }
      return [one as z.output<Item>]
    })
  showAs(parsed, z.union([item, z.strictObject({ [field]: items })]))
  return parsed as unknown as z.ZodType<
    ReadonlyArray<z.output<Item>>,
    z.input<Item> | { [Name in Many]: Array<z.input<Item>> }
  >
}
