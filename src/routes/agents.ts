import * as z from 'zod'
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import { channelName } from '../../shared/src/channels.ts'
import { named } from '../../shared/src/names.ts'
import { agent, postedCapabilities } from '../../shared/src/types/agents.ts'
import { now } from '../base/clock.ts'
import { getAgent, listAgents, noteHeartbeat, registerAgent } from '../domain/agents.ts'
import { empty } from './answers.ts'
import { Answer, type Api } from './api.ts'
import { exampleAgent } from './examples.ts'
import { ANY_SUBJECT, channelOf } from './rights.ts'

const registration = named(
  'AgentRegistration',
  z.strictObject({
    id: agent.shape.id,
    label: agent.shape.label.optional(),
    kind: agent.shape.kind.optional(),
    capabilities: postedCapabilities.optional(),
  }),
)
const agentList = named('AgentList', z.strictObject({ agents: z.array(agent) }))

export function registerAgents(api: Api): void {
  api.mutate(
    'post',
    '/agents',
    {
      operationId: 'registerAgent',
      tag: 'Agents',
      summary: 'Registers an agent, or changes its registration (200).',
      status: 201,
      otherStatus: 200,
      right: {
        by: 'body',
        to: '`agent:ID` of the agent',
        needs: ({ id }) => [[channelName('agent', id)]],
      },
      speaksFor: ({ body }) => ({ agent: body.id }),
      body: registration,
      answer: agent,
      example: {
        body: { id: exampleIds.agent, label: 'Claude', kind: 'claude', capabilities: ['typescript', 'review'] },
        answer: exampleAgent,
      },
      errors: [],
      emits: ['agent.registered'],
    },
    async (tx, { body, subject }) => {
      const { agent, created } = await registerAgent(tx, body, subject.subscribe)
      return created ? agent : new Answer(200, agent)
    },
  )

  api.get(
    '/agents',
    {
      operationId: 'listAgents',
      tag: 'Agents',
      summary: 'Lists the registered agents.',
      right: ANY_SUBJECT,
      answer: agentList,
      example: { answer: { agents: [exampleAgent] } },
      errors: [],
    },
    async ({ sql, subject }) => ({
      agents: await listAgents(sql, now(), subject.subscribe),
    }),
  )

  api.get(
    '/agents/:agentId',
    {
      operationId: 'getAgent',
      tag: 'Agents',
      summary: 'Reads a registered agent.',
      right: channelOf('agent', 'agentId'),
      answer: agent,
      example: { answer: exampleAgent },
      errors: ['agent_not_found'],
    },
    ({ sql, params, subject }) => getAgent(sql, params.agentId, now(), subject.subscribe),
  )

  api.mutate(
    'post',
    '/agents/:agentId/heartbeat',
    {
      operationId: 'sendAgentHeartbeat',
      tag: 'Agents',
      summary: 'Reports a sign of life of an agent. Listeners get `agent.heartbeat`, which is not stored.',
      status: 202,
      right: channelOf('agent', 'agentId'),
      speaksFor: ({ params }) => ({ agent: params.agentId }),
      answer: empty,
      example: { answer: {} },
      errors: ['invalid_channel'],
      emits: [],
    },
    async (tx, { params }) => {
      await noteHeartbeat(tx, params.agentId)
      return {}
    },
  )
}
