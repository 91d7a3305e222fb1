/** Rows of agent profiles. */
import type { Profile } from '../../../shared/src/types/agents.ts'
import type { Sql } from '../sql.ts'

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

/** Oldest first. The profiles of a board include those for every board. */
export async function listProfiles(sql: Sql, filter: { boardId?: string; agent?: string }): Promise<Profile[]> {
  const boardId = filter.boardId ?? null
  const agent = filter.agent ?? null
  const rows = await sql.all<ProfileRow>(
    `${SELECT} WHERE (CAST(? AS TEXT) IS NULL OR board_id = ? OR board_id IS NULL)
       AND (CAST(? AS TEXT) IS NULL OR agent = ?)
     ORDER BY position`,
    [boardId, boardId, agent, agent],
  )
  return rows.map(fromRow)
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

function fromRow(row: ProfileRow): Profile {
  return {
    id: row.id,
    agent: row.agent,
    name: row.name,
    config: JSON.parse(row.config) as Profile['config'],
    boardId: row.board_id,
  }
}
