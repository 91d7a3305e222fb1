/** Sessions of agents, and their output. Types are inferred from the schemas. */
import * as z from 'zod'
import { named } from '../names.ts'
import { boardId } from './kanban.ts'
import { externalId, line, text } from './text.ts'
import { timestamp } from './time.ts'

export const sessionStatus = named('SessionStatus', z.enum(['idle', 'working', 'completed', 'error', 'cancelled']))
export type SessionStatus = z.infer<typeof sessionStatus>

export const session = named(
  'Session',
  z.strictObject({
    id: externalId,
    boardId: boardId.nullable(),
    agentId: externalId.nullable(),
    name: text(0, 200).nullable(),
    status: sessionStatus,
    error: text(0, 65_536).nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  }),
)
export type Session = z.infer<typeof session>

/** One piece of output. Chunks keep their boundaries: none is ever split or joined. */
export const sessionChunk = z.strictObject({ content: line, type: z.enum(['stdout', 'stderr', 'system']) })
export type SessionChunk = z.infer<typeof sessionChunk>
