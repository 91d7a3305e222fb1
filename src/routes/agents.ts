import * as z from 'zod'
import { channelName } from '../../shared/src/channels.ts'
import { agent, postedCapabilities } from '../../shared/src/types/agents.ts'
import { now } from '../base/clock.ts'
import { getAgent, listAgents, noteHeartbeat, registerAgent } from '../domain/agents.ts'
import { Answer, type Api } from './api.ts'
import { ANY_SUBJECT, channelOf } from './rights.ts'

const registration = z.strictObject({
  id: agent.shape.id,
  label: agent.shape.label.optional(),
  kind: agent.shape.kind.optional(),
  capabilities: postedCapabilities.optional(),
})

export function registerAgents(api: Api): void {
  api.mutate(
    'post',
    '/agents',
    {
      status: 201,
      right: { by: 'body', needs: ({ id }) => [[channelName('agent', id)]] },
      speaksFor: ({ body }) => ({ agent: body.id }),
      body: registration,
    },
    async (tx, { body, subject }) => {
      const { agent, created } = await registerAgent(tx, body, subject.subscribe)
      return created ? agent : new Answer(200, agent)
    },
  )

  api.get('/agents', { right: ANY_SUBJECT }, async ({ sql, subject }) => ({
    agents: await listAgents(sql, now(), subject.subscribe),
  }))

  api.get('/agents/:id', { right: channelOf('agent') }, ({ sql, params, subject }) =>
    getAgent(sql, params.id, now(), subject.subscribe),
  )

  api.mutate(
    'post',
    '/agents/:id/heartbeat',
    { status: 202, right: channelOf('agent'), speaksFor: ({ params }) => ({ agent: params.id }) },
    async (tx, { params }) => {
      await noteHeartbeat(tx, params.id)
      return {}
    },
  )
}
