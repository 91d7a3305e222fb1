import * as z from 'zod'
import { named } from '../../shared/src/names.ts'
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
import { exampleProfile } from './examples.ts'
import { agentFilter, boardFilter } from './paging.ts'
import { ANY_SUBJECT, knowledgeOf } from './rights.ts'
import { agentOrBoardOfProfile } from './things.ts'

const { agent, name, config, boardId } = profile.shape

const newProfile = named(
  'NewProfile',
  z.strictObject({ agent, name, config: config.default({}), boardId: boardId.default(null) }),
)
const profileEdit = named('ProfileEdit', z.strictObject({ agent, name, config, boardId }).partial())
const filter = z.object({ boardId: boardFilter, agent: agentFilter })
const profileList = named('ProfileList', z.strictObject({ profiles: z.array(profile) }))

const { id: _, ...exampleNewProfile } = exampleProfile

export function registerAgentProfiles(api: Api): void {
  api.mutate(
    'post',
    '/agent-profiles',
    {
      operationId: 'createProfile',
      tag: 'Profiles',
      summary: 'Creates a profile, for one board or for all.',
      status: 201,
      right: {
        by: 'body',
        to: '`agent:ID` of the agent, or `board:ID` of the board',
        needs: (body) => [channelsOfProfile(body)],
      },
      body: newProfile,
      answer: profile,
      example: { body: exampleNewProfile, answer: exampleProfile },
      errors: [],
      emits: ['agent.profile.changed'],
    },
    (tx, { body, subject }) => createProfile(tx, body, knowledgeOf(subject)),
  )

  api.get(
    '/agent-profiles',
    {
      operationId: 'listProfiles',
      tag: 'Profiles',
      summary: 'Lists the profiles.',
      right: ANY_SUBJECT,
      query: filter,
      answer: profileList,
      example: { answer: { profiles: [exampleProfile] } },
      errors: [],
    },
    async ({ sql, query, subject }) => ({
      profiles: await listProfiles(sql, query, subject.subscribe),
    }),
  )

  api.mutate(
    'patch',
    '/agent-profiles/:profileId',
    {
      operationId: 'updateProfile',
      tag: 'Profiles',
      summary: 'Changes fields of a profile.',
      status: 200,
      right: agentOrBoardOfProfile,
      body: profileEdit,
      answer: profile,
      example: { body: { name: 'Very careful' }, answer: { ...exampleProfile, name: 'Very careful' } },
      errors: ['profile_not_found'],
      emits: ['agent.profile.changed'],
    },
    async (tx, { params, body, subject }) => {
      const profile = await updateProfile(tx, params.profileId, body, knowledgeOf(subject))
      // Its channels may be others now.
      authorizeAny(subject, 'publish', channelsOfProfile(profile))
      return profile
    },
  )

  api.mutate(
    'delete',
    '/agent-profiles/:profileId',
    {
      operationId: 'deleteProfile',
      tag: 'Profiles',
      summary: 'Deletes a profile. Attempts that used it keep its id.',
      status: 204,
      right: agentOrBoardOfProfile,
      example: {},
      errors: ['profile_not_found'],
      emits: ['agent.profile.changed'],
    },
    async (tx, { params, subject }) => {
      await deleteProfile(tx, params.profileId, knowledgeOf(subject))
      return undefined
    },
  )
}
