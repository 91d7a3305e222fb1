/** Profiles: named sets of options that an agent is run with, for one board or for all. */
import { isDeepStrictEqual } from 'node:util'
import type { Profile } from '../../shared/src/types/agents.ts'
import { Problem } from '../base/errors.ts'
import { deleteProfile, findProfile, insertProfile, updateProfile } from '../db/rows/agent-profiles.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { agentLabel } from './agents.ts'
import { checkBoardNamed } from './boards.ts'
import { newId } from './ids.ts'

export { listProfiles } from '../db/rows/agent-profiles.ts'

/** `boardId` null: for every board. */
export type ProfileInput = Omit<Profile, 'id'>

export async function createProfile(tx: Tx, input: ProfileInput): Promise<Profile> {
  await checkBoardNamed(tx.sql, input.boardId)
  const profile = { id: newId('pro'), ...input }
  await insertProfile(tx.sql, profile, tx.now)
  await announce(tx, 'created', profile)
  return profile
}

/** Fields that are not given stay; a change without effect is no event. */
export async function changeProfile(tx: Tx, id: string, changes: Partial<ProfileInput>): Promise<Profile> {
  const before = await mustFindProfile(tx.sql, id)
  const after: Profile = { ...before, ...changes }
  if (isDeepStrictEqual(before, after)) return before
  await checkBoardNamed(tx.sql, after.boardId)
  await updateProfile(tx.sql, after)
  await announce(tx, 'updated', after)
  return after
}

/** Attempts that were run with it keep its id. */
export async function removeProfile(tx: Tx, id: string): Promise<void> {
  const profile = await mustFindProfile(tx.sql, id)
  await deleteProfile(tx.sql, id)
  await announce(tx, 'deleted', profile)
}

async function announce(tx: Tx, kind: 'created' | 'updated' | 'deleted', profile: Profile): Promise<void> {
  const { id, agent, boardId } = profile
  const label = await agentLabel(tx.sql, agent)
  tx.emit('agent.profile.changed', { agentId: agent, boardId, kind, profileId: id, agent, label })
}

async function mustFindProfile(sql: Sql, id: string): Promise<Profile> {
  const profile = await findProfile(sql, id)
  if (!profile) throw new Problem('profile_not_found', `There is no profile ${id}. GET /agent-profiles lists them.`)
  return profile
}
