/**
 * What clients send on a channel socket: the fields beside `type` and `id`. Messages are parsed with these schemas, and the
 * contract shows them. Fields that are not listed are ignored.
 */
import * as z from 'zod'
import { externalId } from '../../shared/src/types/text.ts'

/** The longest name, in the spelling that is longest, with the view of a board. */
const channel = z.string().meta({ minLength: 1, maxLength: 261 })
/** Anything else gets `gap`, so messages are not refused for one. */
const since = z.string().meta({ pattern: '^([0-9a-f]{8}-(0|[1-9][0-9]{0,15})|now|earliest)$' })
/** Refused as INVALID_EVENT (publish.ts). */
const event = z.string().meta({ pattern: '^[A-Za-z0-9:_.-]{1,128}$' })

export const channelMessages = {
  subscribe: z.object({ channel, since: since.nullish() }),
  unsubscribe: z.object({ channel }),
  publish: z.object({ channel, event, data: z.unknown().optional() }),
  auth: z.object({
    token: z.string().nullish(),
    agent_id: externalId.nullish(),
    session_id: externalId.nullish(),
  }),
  ping: z.object({ timestamp: z.unknown().optional() }),
} as const
