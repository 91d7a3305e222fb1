/** Mail between agents. This family is snake_case on the wire. */
import * as z from 'zod'
import { named } from '../names.ts'
import { messageId } from './ids.ts'
import { anyJson, postedJson } from './json.ts'
import { externalId } from './text.ts'
import { timestamp } from './time.ts'

const content = z.union([z.string(), z.record(z.string(), anyJson)])
export type MessageContent = z.infer<typeof content>

/** Content as clients send it; passed on unchanged. */
export const postedContent = postedJson
  .refine(
    (value) => typeof value === 'string' || (typeof value === 'object' && value !== null && !Array.isArray(value)),
    'must be text or an object',
  )
  .meta({ type: ['string', 'object'] })
  .transform((value) => value as MessageContent)

export const message = named(
  'Message',
  z.strictObject({
    message_id: messageId,
    from_agent: externalId,
    /** null without a topic means everyone. */
    to_agent: externalId.nullable(),
    topic: externalId.nullable(),
    content,
    priority: z.int().min(0).max(10),
    ttl_seconds: z.int().min(1).max(86_400),
    created_at: timestamp,
    expires_at: timestamp,
    /** Ids of agents, in the order in which they read it. */
    read_by: z.array(externalId),
  }),
)
export type Message = z.infer<typeof message>
