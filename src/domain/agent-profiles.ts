/** Profiles: named sets of options to run an agent with, for one board or for all. */
import { isDeepStrictEqual } from 'node:util'
import { channelName } from '../../shared/src/channels.ts'
import type { Profile } from '../../shared/src/types/agents.ts'
import { Problem } from '../base/errors.ts'
import * as rows from '../db/rows/agent-profiles.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { agentLabel } from './agents.ts'
import { checkBoardId } from './boards.ts'
import { newId } from './ids.ts'
import { KNOWS_ALL, type Knows } from './knows.ts'

export { listProfiles } from '../db/rows/agent-profiles.ts'

/** `boardId` is null for a profile of every board. */
export type ProfileInput = Omit<Profile, 'id'>

/** Throws `validation_failed` when `boardId` names no board. */
export async function createProfile(tx: Tx, input: ProfileInput, knows: Knows = KNOWS_ALL): Promise<Profile> {
  await checkBoardId(tx.sql, input.boardId, knows)
  const profile = { id: newId('pro'), ...input }
  await rows.insertProfile(tx.sql, profile, tx.now)
  await emitChanged(tx, 'created', profile, knows)
  return profile
}

/** Changes the given fields. Emits nothing when nothing changes. Throws `profile_not_found`. */
export async function updateProfile(
  tx: Tx,
  id: string,
  changes: Partial<ProfileInput>,
  knows: Knows = KNOWS_ALL,
): Promise<Profile> {
  const before = await requireProfile(tx.sql, id)
  const after: Profile = { ...before, ...changes }
  if (isDeepStrictEqual(before, after)) return before
  // The board that it has may be unknown to whoever has a right to its agent.
  if (after.boardId !== before.boardId) await checkBoardId(tx.sql, after.boardId, knows)
  await rows.updateProfile(tx.sql, after)
  await emitChanged(tx, 'updated', after, knows)
  return after
}

/** Deletes the profile; attempts that used it keep its id. Throws `profile_not_found`. */
export async function deleteProfile(tx: Tx, id: string, knows: Knows = KNOWS_ALL): Promise<void> {
  const profile = await requireProfile(tx.sql, id)
  await rows.deleteProfile(tx.sql, id)
  await emitChanged(tx, 'deleted', profile, knows)
}

/** The channels that show a profile: that of its agent, and that of its board if it has one. */
export function channelsOfProfile({ agent, boardId }: Pick<Profile, 'agent' | 'boardId'>): string[] {
  return [channelName('agent', agent), ...(boardId === null ? [] : [channelName('board', boardId)])]
}

/** The event reaches everyone who may see the board: it has the agent's label only if the author may know the agent. */
async function emitChanged(
  tx: Tx,
  kind: 'created' | 'updated' | 'deleted',
  { id, agent, boardId }: Profile,
  knows: Knows,
): Promise<void> {
  const label = knows(channelName('agent', agent)) ? await agentLabel(tx.sql, agent) : null
  tx.emit('agent.profile.changed', { agentId: agent, boardId, kind, profileId: id, agent, label })
}

async function requireProfile(sql: Sql, id: string): Promise<Profile> {
  const profile = await rows.findProfile(sql, id)
  if (!profile) throw new Problem('profile_not_found', `There is no profile ${id}. GET /agent-profiles lists them.`)
  return profile
}
