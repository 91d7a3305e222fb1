/** Bodies of high-volume routes: one item, or many at a time. */
import * as z from 'zod'
import { MAX_BATCH_LINES } from '../../shared/src/protocol.ts'

/**
 * Parses one item, or up to 1,000 items in the field `many`, into a list. One object instead of a union, so that errors
 * name the path of the faulty field. `needed` is the only required field of an item.
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
}
