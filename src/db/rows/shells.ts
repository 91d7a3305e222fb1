/** Rows of shells. `position` is their insertion order. */
import type { Shell } from '../../../shared/src/types/shells.ts'
import { ChannelPatterns } from '../../base/channel-patterns.ts'
import type { Sql } from '../sql.ts'
import { anyOf, clause, equals, onBoardOr, within } from './visible.ts'

/** The ids that a shell refers to, for the events about it. */
export interface ShellRefs {
  readonly boardId: string | null
  readonly cardId: string | null
  readonly attemptId: string | null
  readonly agentId: string | null
  /** The `seq` after which its events begin; earlier events belong to a deleted shell with the same id. */
  readonly sinceSeq: number
}

interface ShellRow {
  id: string
  board_id: string | null
  attempt_id: string | null
  command: string | null
  status: Shell['status']
  exit_code: number | null
}

const SELECT = 'SELECT id, board_id, attempt_id, command, status, exit_code FROM shells'

export async function findShell(sql: Sql, id: string): Promise<Shell | undefined> {
  const row = await sql.get<ShellRow>(`${SELECT} WHERE id = ?`, [id])
  return row && toShell(row)
}

export async function findShellRefs(sql: Sql, id: string): Promise<ShellRefs | undefined> {
  return sql.get<ShellRefs>(
    `SELECT s.board_id AS "boardId", a.card_id AS "cardId", s.attempt_id AS "attemptId", a.agent AS "agentId",
       s.since_seq AS "sinceSeq"
     FROM shells s LEFT JOIN attempts a ON a.id = s.attempt_id WHERE s.id = ?`,
    [id],
  )
}

/**
 * At most `limit` shells, newest first; of one board when `boardId` is given. `sees` matches the channel of each, or that
 * of its board, which is `global` without one.
 */
export async function listShells(
  sql: Sql,
  { boardId, limit }: { boardId?: string | undefined; limit: number },
  sees: ChannelPatterns = ChannelPatterns.all,
): Promise<Shell[]> {
  const seen = anyOf(within('id', sees.idsOf('shell')), onBoardOr('global', sees))
  const { text, params } = clause('WHERE', equals('board_id', boardId), seen)
  const rows = await sql.all<ShellRow>(`${SELECT} ${text} ORDER BY position DESC LIMIT ?`, [...params, limit])
  return rows.map(toShell)
}

export async function insertShell(sql: Sql, shell: Shell, sinceSeq: number): Promise<void> {
  await sql.run(
    `INSERT INTO shells (id, board_id, attempt_id, command, status, exit_code, since_seq)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    [shell.id, shell.boardId, shell.attemptId, shell.command, shell.status, shell.exitCode, sinceSeq],
  )
}

/** Saves the fields that may change. */
export async function saveShell(sql: Sql, { id, status, exitCode }: Shell): Promise<void> {
  await sql.run('UPDATE shells SET status = ?, exit_code = ? WHERE id = ?', [status, exitCode, id])
}

function toShell(row: ShellRow): Shell {
  return {
    id: row.id,
    boardId: row.board_id,
    attemptId: row.attempt_id,
    command: row.command,
    status: row.status,
    exitCode: row.exit_code,
  }
}
