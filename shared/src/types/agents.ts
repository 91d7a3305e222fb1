/** Agents, and profiles to run them with. */
import * as z from 'zod'
import { anyJson, postedJson } from './json.ts'
import { boardId } from './kanban.ts'
import { externalId, text } from './text.ts'
import { timestamp } from './time.ts'

export const agentStatus = z.enum(['online', 'offline', 'working', 'error'])

/** A list of words, or any JSON that describes an agent. */
const capabilities = z.union([z.array(anyJson), z.record(z.string(), anyJson)])
export type Capabilities = z.infer<typeof capabilities>

/** Capabilities as clients send them; stored unchanged. */
export const postedCapabilities = postedJson
  .refine((value) => typeof value === 'object', 'must be an array, an object or null')
  .transform((value) => value as Capabilities | null)

export const agent = z.strictObject({
  id: externalId,
  label: text(0, 200).nullable(),
  kind: text(0, 100).nullable(),
  capabilities: capabilities.nullable(),
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
