import * as z from 'zod'
import { EVERYONE } from '../protocol.ts'
import { connectionId, profileId } from '../types/ids.ts'
import { boardId } from '../types/kanban.ts'
import { externalId } from '../types/text.ts'
import { event } from './define.ts'
import { exampleIds } from './examples.ts'

const label = z.string().nullable()

/** snake_case, like mail and tasks. */
const socket = z.strictObject({ agent_id: externalId, client_id: connectionId, session_id: externalId.nullable() })
const exampleSocket = {
  agent_id: exampleIds.agent,
  client_id: '0192f3a4-5b6c-7d8e-9f00-0000000000c1',
  session_id: exampleIds.session,
}

export const agentEvents = {
  'agent.registered': event({
    summary: 'An agent registered, or changed its registration.',
    about: z.strictObject({ agentId: externalId }),
    shows: z.strictObject({ agent: externalId, label }),
    example: { agentId: exampleIds.agent, agent: exampleIds.agent, label: 'Claude' },
    to: [{ channel: EVERYONE, event: 'agent_registered', concerns: { agent: 'agentId' } }],
    refreshes: ['dashboard'],
  }),
  'agent.profile.changed': event({
    summary: 'A profile was created, changed or deleted.',
    about: z.strictObject({ agentId: externalId, boardId: boardId.nullable() }),
    shows: z.strictObject({
      kind: z.enum(['created', 'updated', 'deleted']),
      profileId,
      agent: externalId,
      label,
    }),
    example: {
      agentId: exampleIds.agent,
      boardId: null,
      kind: 'created',
      profileId: exampleIds.profile,
      agent: exampleIds.agent,
      label: 'Claude',
    },
    to: [{ channel: EVERYONE, event: 'agent_profile', concerns: { agent: 'agentId', board: 'boardId' } }],
    refreshes: ['dashboard'],
  }),
  'agent.connected': event({
    summary: 'An agent opened a socket.',
    about: z.strictObject({}),
    shows: socket,
    example: exampleSocket,
    to: [{ channel: 'agent', by: 'agent_id', event: 'agent.connected' }],
    refreshes: ['dashboard'],
  }),
  'agent.disconnected': event({
    summary: 'A socket of an agent ended, for any reason.',
    about: z.strictObject({}),
    shows: socket,
    example: exampleSocket,
    to: [{ channel: 'agent', by: 'agent_id', event: 'agent.disconnected' }],
    refreshes: ['dashboard'],
  }),
}
