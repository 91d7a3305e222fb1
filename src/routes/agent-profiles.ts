import * as z from 'zod'
import { profile } from '../../shared/src/types/agents.ts'
import { authorizeAny } from '../auth/rights.ts'
import {
  channelsOfProfile,
  createProfile,
  deleteProfile,
  listProfiles,
  updateProfile,
} from '../domain/agent-profiles.ts'
import type { Api } from './api.ts'
import { ANY_SUBJECT, knowledgeOf } from './rights.ts'
import { agentOrBoardOfProfile } from './things.ts'

const { agent, name, config, boardId } = profile.shape

const creation = z.strictObject({ agent, name, config: config.default({}), boardId: boardId.default(null) })
const changes = z.strictObject({ agent, name, config, boardId }).partial()
const filter = z.object({ boardId: boardId.unwrap().optional(), agent: agent.optional() })

export function registerAgentProfiles(api: Api): void {
  api.mutate(
    'post',
    '/agent-profiles',
    { status: 201, right: { by: 'body', needs: (body) => [channelsOfProfile(body)] }, body: creation },
    (tx, { body, subject }) => createProfile(tx, body, knowledgeOf(subject)),
  )

  api.get('/agent-profiles', { right: ANY_SUBJECT, query: filter }, async ({ sql, query, subject }) => ({
    profiles: await listProfiles(sql, query, subject.subscribe),
  }))

  api.mutate(
    'patch',
    '/agent-profiles/:id',
    { status: 200, right: agentOrBoardOfProfile, body: changes },
    async (tx, { params, body, subject }) => {
      const profile = await updateProfile(tx, params.id, body, knowledgeOf(subject))
      // Its channels may be others now.
      authorizeAny(subject, 'publish', channelsOfProfile(profile))
      return profile
    },
  )

  api.mutate(
    'delete',
    '/agent-profiles/:id',
    { status: 204, right: agentOrBoardOfProfile },
    async (tx, { params, subject }) => {
      await deleteProfile(tx, params.id, knowledgeOf(subject))
      return undefined
    },
  )
}
