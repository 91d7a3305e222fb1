import type { Shell } from '../../../shared/src/types/shells.ts'
import type { Sql } from '../sql.ts'

/** All that the output of a shell needs to know of it. */
export interface ShellPlace {
  readonly boardId: string | null
  readonly cardId: string | null
  readonly attemptId: string | null
  readonly agentId: string | null
  /** The position in the log before its first event. */
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

export async function findShellPlace(sql: Sql, id: string): Promise<ShellPlace | undefined> {
  return sql.get<ShellPlace>(
    `SELECT s.board_id AS "boardId", a.card_id AS "cardId", s.attempt_id AS "attemptId", a.agent AS "agentId",
       s.since_seq AS "sinceSeq"
     FROM shells s LEFT JOIN attempts a ON a.id = s.attempt_id WHERE s.id = ?`,
    [id],
  )
}

/** The newest shells, of a board when one is given, newest first. */
export async function listShells(
  sql: Sql,
  { boardId, limit }: { boardId?: string | undefined; limit: number },
): Promise<Shell[]> {
  const rows =
    boardId === undefined
      ? await sql.all<ShellRow>(`${SELECT} ORDER BY position DESC LIMIT ?`, [limit])
      : await sql.all<ShellRow>(`${SELECT} WHERE board_id = ? ORDER BY position DESC LIMIT ?`, [boardId, limit])
  return rows.map(toShell)
}

export async function insertShell(sql: Sql, shell: Shell, sinceSeq: number): Promise<void> {
  await sql.run(
    `INSERT INTO shells (id, board_id, attempt_id, command, status, exit_code, since_seq)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    [shell.id, shell.boardId, shell.attemptId, shell.command, shell.status, shell.exitCode, sinceSeq],
  )
}

/** Writes what may change of a shell. */
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
