import * as z from 'zod'
import { isChannelPattern } from '../../shared/src/channels.ts'
import { MAX_CHANNELS } from '../../shared/src/protocol.ts'
import { issueTicket } from '../auth/tickets.ts'
import type { Api } from './api.ts'
import { ANY_SUBJECT } from './rights.ts'

const channelOrPattern = z
  .string()
  .max(257)
  .refine(isChannelPattern, 'must be the name of a channel, or the beginning of names before a * at the end')
const asked = z.strictObject({ channels: z.array(channelOrPattern).min(1).max(MAX_CHANNELS).optional() })

export function registerTickets(api: Api): void {
  api.mutate(
    'post',
    '/tickets',
    { status: 201, right: ANY_SUBJECT, body: asked, emptyBody: {}, isSecret: true },
    (tx, { body, subject }) => issueTicket(tx, subject, body.channels),
  )
}
