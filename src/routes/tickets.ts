import * as z from 'zod'
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import { isChannelPattern } from '../../shared/src/channels.ts'
import { named } from '../../shared/src/names.ts'
import { MAX_CHANNELS } from '../../shared/src/protocol.ts'
import { timestamp } from '../../shared/src/types/time.ts'
import { issueTicket } from '../auth/tickets.ts'
import type { Api } from './api.ts'
import { ANY_SUBJECT } from './rights.ts'

const channelOrPattern = z
  .string()
  .max(257)
  .refine(isChannelPattern, 'must be the name of a channel, or the beginning of names before a * at the end')
const newTicket = named(
  'NewTicket',
  z.strictObject({ channels: z.array(channelOrPattern).min(1).max(MAX_CHANNELS).optional() }),
)
const ticket = named(
  'Ticket',
  z.strictObject({ ticket: z.string().meta({ pattern: '^[A-Za-z0-9_-]{43}$' }), expiresAt: timestamp }),
)

export function registerTickets(api: Api): void {
  api.mutate(
    'post',
    '/tickets',
    {
      operationId: 'createTicket',
      tag: 'Access',
      summary:
        'Makes a ticket, which stands for the token once and for 30 seconds, in the address of a stream or a page.',
      status: 201,
      right: ANY_SUBJECT,
      body: newTicket,
      emptyBody: {},
      isSecret: true,
      answer: ticket,
      example: {
        body: { channels: [`board:${exampleIds.board}`] },
        answer: { ticket: 'v5Jt0Yp1rWn7sQe2xKc8aLd4uHf6gZb9mTi3oNyPqRS', expiresAt: '2026-01-31T12:00:30.000Z' },
      },
      errors: [],
      emits: [],
    },
    (tx, { body, subject }) => issueTicket(tx, subject, body.channels),
  )
}
