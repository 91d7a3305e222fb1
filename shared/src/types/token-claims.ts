/** The claims of a token. docs/security.md explains them. */
import * as z from 'zod'
import { externalId, text } from './text.ts'

/** A channel's name, or the beginning of names before a `*`. Names of kinds that are not known match nothing. */
const pattern = z
  .string()
  .max(257)
  .regex(
    /^(?:[A-Za-z0-9:_./-]+\*?|\*)$/,
    'must be the name of a channel, or the beginning of names before a * at the end',
  )

export const tokenClaims = z.object({
  sub: text(1, 200)
    .refine((value) => !/\p{Cc}/u.test(value), 'may not hold control characters')
    .optional(),
  /** Seconds since 1970. */
  exp: z.number().optional(),
  boardcast: z
    .object({
      subscribe: z.array(pattern).default([]),
      publish: z.array(pattern).default([]),
      admin: z.boolean().default(false),
    })
    .default({ subscribe: [], publish: [], admin: false }),
  agent_id: externalId.optional(),
  session_id: externalId.optional(),
})
