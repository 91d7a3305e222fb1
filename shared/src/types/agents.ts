/** Agents and the profiles they are run with. */
import * as z from 'zod'
import { boardId } from './kanban.ts'
import { anyJson, externalId, text, timestamp } from './text.ts'

export const agentStatus = z.enum(['online', 'offline', 'working', 'error'])

export const agent = z.strictObject({
  id: externalId,
  label: text(0, 200).nullable(),
  kind: text(0, 100).nullable(),
  capabilities: z.array(text(1, 100)).max(100).nullable(),
  status: agentStatus,
  currentCardId: z.string().nullable(),
  lastSeenAt: timestamp.nullable(),
  createdAt: timestamp,
})
export type Agent = z.infer<typeof agent>

export const profile = z.strictObject({
  id: z.string(),
  agent: externalId,
  name: text(1, 200),
  config: z.record(z.string(), anyJson),
  /** null: for every board. */
  boardId: boardId.nullable(),
})
export type Profile = z.infer<typeof profile>
