/** An event as a stream of channels shows it, and the pages of the log. */
import * as z from 'zod'
import { named } from '../names.ts'
import { cursor } from './ids.ts'
import { anyJson } from './json.ts'
import { eventName, externalId } from './text.ts'

export const envelope = named(
  'Envelope',
  z.strictObject({
    channel: z.string().meta({ pattern: '^[A-Za-z0-9:_.-]{1,256}$|^\\*$' }),
    event: eventName,
    data: anyJson,
    /** The time of the commit, in milliseconds since 1970. */
    timestamp: z.int().min(0),
    /** Who did it, if rights are on. */
    actor: z.string().nullable().optional(),
    id: cursor,
    /** Of an event that a client posted, on `global`. */
    topic: externalId.optional(),
  }),
)
export type Envelope = z.infer<typeof envelope>
