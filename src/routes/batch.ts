/** Bodies of what can flood: one item, or many of them at a time. */
import * as z from 'zod'
import { MAX_BATCH_LINES } from '../../shared/src/protocol.ts'

/**
 * Parses an item, or up to 1,000 items under the field `many`, to a list. One object rather than a union of two, so that
 * a fault is named by its own path. `needed` is the one field that an item must have; the others are optional.
 */
export function oneOrMany<Item extends z.ZodObject>(item: Item, many: string, needed: keyof z.output<Item> & string) {
  return z
    .strictObject({
      ...item.partial().shape,
      [many]: z.array(item).min(1).max(MAX_BATCH_LINES).optional(),
    })
    .transform((body, context): ReadonlyArray<z.output<Item>> => {
      const { [many]: items, ...one } = body as { [field: string]: unknown }
      if (items !== undefined) {
        for (const field of Object.keys(one)) {
          context.addIssue({
            code: 'custom',
            path: [field],
            message: `belongs into the ${many}, when ${many} are given`,
          })
        }
        return items as ReadonlyArray<z.output<Item>>
      }
      if (one[needed] === undefined) {
        context.addIssue({ code: 'custom', path: [needed], message: `is missing; send a ${needed}, or ${many}` })
        return z.NEVER
      }
      return [one as z.output<Item>]
    })
}
