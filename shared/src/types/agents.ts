/** Agents, and profiles to run them with. */
import * as z from 'zod'
import { named } from '../names.ts'
import { cardId, profileId } from './ids.ts'
import { anyJson, postedJson } from './json.ts'
import { boardId } from './kanban.ts'
import { externalId, text } from './text.ts'
import { timestamp } from './time.ts'

export const agentStatus = named('AgentStatus', z.enum(['online', 'offline', 'working', 'error']))

/** A list of words, or any JSON that describes an agent. */
const capabilities = z.union([z.array(anyJson), z.record(z.string(), anyJson)])
export type Capabilities = z.infer<typeof capabilities>

/** Capabilities as clients send them; stored unchanged. */
export const postedCapabilities = postedJson
  .refine((value) => typeof value === 'object', 'must be an array, an object or null')
  .meta({ type: ['array', 'object', 'null'] })
  .transform((value) => value as Capabilities | null)

export const agent = named(
  'Agent',
  z.strictObject({
    id: externalId,
    label: text(0, 200).nullable(),
    kind: text(0, 100).nullable(),
    capabilities: capabilities.nullable(),
    status: agentStatus,
    currentCardId: cardId.nullable(),
    lastSeenAt: timestamp.nullable(),
    createdAt: timestamp,
  }),
)
export type Agent = z.infer<typeof agent>

export const profile = named(
  'Profile',
  z.strictObject({
    id: profileId,
    agent: externalId,
    name: text(1, 200),
    config: z.record(z.string(), anyJson),
    /** null: for every board. */
    boardId: boardId.nullable(),
  }),
)
export type Profile = z.infer<typeof profile>
