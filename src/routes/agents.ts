import * as z from 'zod'
import { agent, postedCapabilities } from '../../shared/src/types/agents.ts'
import { now } from '../base/clock.ts'
import { getAgent, listAgents, noteHeartbeat, registerAgent } from '../domain/agents.ts'
import { Answer, type Api } from './api.ts'

const registration = z.strictObject({
  id: agent.shape.id,
  label: agent.shape.label.optional(),
  kind: agent.shape.kind.optional(),
  capabilities: postedCapabilities.optional(),
})

export function registerAgents(api: Api): void {
  api.mutate('post', '/agents', { status: 201, body: registration }, async (tx, { body }) => {
    const { agent, created } = await registerAgent(tx, body)
    return created ? agent : new Answer(200, agent)
  })

  api.get('/agents', {}, async ({ sql }) => ({ agents: await listAgents(sql, now()) }))

  api.get('/agents/:id', {}, ({ sql, params }) => getAgent(sql, params.id, now()))

  api.mutate('post', '/agents/:id/heartbeat', { status: 202 }, async (tx, { params }) => {
    await noteHeartbeat(tx, params.id)
    return {}
  })
}
