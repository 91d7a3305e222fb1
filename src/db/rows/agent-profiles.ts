/** Rows of agent profiles. */
import type { Profile } from '../../../shared/src/types/agents.ts'
import { ChannelPatterns } from '../../base/channel-patterns.ts'
import type { Sql } from '../sql.ts'
import { anyOf, type Condition, clause, equals, within } from './visible.ts'

interface ProfileRow {
  id: string
  agent: string
  name: string
  config: string
  board_id: string | null
}

const SELECT = 'SELECT id, agent, name, config, board_id FROM agent_profiles'

export async function findProfile(sql: Sql, id: string): Promise<Profile | undefined> {
  const row = await sql.get<ProfileRow>(`${SELECT} WHERE id = ?`, [id])
  return row && fromRow(row)
}

/**
 * Oldest first. The profiles of a board include those for every board. `sees` matches the agent of each, or its board.
 */
export async function listProfiles(
  sql: Sql,
  { boardId, agent }: { boardId?: string; agent?: string },
  sees: ChannelPatterns = ChannelPatterns.all,
): Promise<Profile[]> {
  const { text, params } = clause(
    'WHERE',
    boardId === undefined ? null : { text: '(board_id = ? OR board_id IS NULL)', params: [boardId] },
    equals('agent', agent),
    anyOf(within('agent', sees.idsOf('agent')), boardsWithin(sees)),
  )
  const rows = await sql.all<ProfileRow>(`${SELECT} ${text} ORDER BY position`, params)
  return rows.map(fromRow)
}

/** Undefined for a profile that does not exist, or is for another board. */
export async function findProfileForBoard(sql: Sql, id: string, boardId: string): Promise<Profile | undefined> {
  const profile = await findProfile(sql, id)
  return profile && (profile.boardId === null || profile.boardId === boardId) ? profile : undefined
}

export async function insertProfile(sql: Sql, profile: Profile, createdAt: string): Promise<void> {
  await sql.run(
    `INSERT INTO agent_profiles (id, agent, name, config, board_id, created_at, position)
     VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM agent_profiles))`,
    [profile.id, profile.agent, profile.name, JSON.stringify(profile.config), profile.boardId, createdAt],
  )
}

export async function updateProfile(sql: Sql, profile: Profile): Promise<void> {
  await sql.run('UPDATE agent_profiles SET agent = ?, name = ?, config = ?, board_id = ? WHERE id = ?', [
    profile.agent,
    profile.name,
    JSON.stringify(profile.config),
    profile.boardId,
    profile.id,
  ])
}

export async function deleteProfile(sql: Sql, id: string): Promise<void> {
  await sql.run('DELETE FROM agent_profiles WHERE id = ?', [id])
}

function boardsWithin(sees: ChannelPatterns): Condition {
  return within('board_id', sees.idsOf('board')) ?? { text: 'board_id IS NOT NULL', params: [] }
}

function fromRow(row: ProfileRow): Profile {
  return {
    id: row.id,
    agent: row.agent,
    name: row.name,
    config: JSON.parse(row.config) as Profile['config'],
    boardId: row.board_id,
  }
}
