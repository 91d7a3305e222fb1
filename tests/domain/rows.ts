/** Inserts rows by SQL, for tests that read them. */
import type { AttemptStatus } from '../../shared/src/types/kanban.ts'
import type { Sql } from '../../src/db/sql.ts'

/** A board with these columns, each named by its key and, after a slash, its title; ids are `<board>.<index>`. */
export async function putBoard(
  sql: Sql,
  id: string,
  more: { columns?: string[]; createdAt?: string } = {},
): Promise<void> {
  const at = more.createdAt ?? '2025-01-01T00:00:00.000Z'
  await sql.run(
    `INSERT INTO boards (id, name, ticket_prefix, created_at, updated_at, position)
     VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM boards))`,
    [id, `Board ${id}`, 'T', at, at],
  )
  for (const [index, column] of (more.columns ?? ['backlog', 'review', 'done']).entries()) {
    const [key, title] = column.split('/')
    await sql.run('INSERT INTO board_columns (id, board_id, column_key, title, position) VALUES (?, ?, ?, ?, ?)', [
      `${id}.${index}`,
      id,
      key || null,
      title ?? column,
      index,
    ])
  }
}

/** `columnId` begins with the board's id and a dot. */
export async function putCard(sql: Sql, id: string, columnId: string): Promise<void> {
  const at = '2025-01-01T00:00:00.000Z'
  await sql.run(
    `INSERT INTO cards (id, board_id, column_id, position, ticket_key, title, labels, revision, created_at, updated_at)
     VALUES (?, ?, ?, 0, ?, ?, '[]', 1, ?, ?)`,
    [id, columnId.split('.')[0] ?? '', columnId, `T-${id}`, `Title of ${id}`, at, at],
  )
}

export interface AttemptRow {
  readonly id: string
  readonly card: string
  readonly status: AttemptStatus
  readonly createdAt: string
  readonly startedAt?: string | null
  readonly endedAt?: string | null
  readonly lastLineAt?: string | null
  readonly updatedAt?: string
  readonly agent?: string
  readonly error?: string | null
}

/** Inserts the newest attempt of its card. `updatedAt` defaults to its end, else its start, else its creation. */
export async function putAttempt(sql: Sql, row: AttemptRow): Promise<void> {
  await sql.run(
    `INSERT INTO attempts (id, board_id, card_id, ordinal, agent, status, error, last_line_at, started_at, ended_at,
       created_at, updated_at, position)
     VALUES (?, (SELECT board_id FROM cards WHERE id = ?), ?,
       (SELECT coalesce(max(ordinal), 0) + 1 FROM attempts WHERE card_id = ?), ?, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM attempts))`,
    [
      row.id,
      row.card,
      row.card,
      row.card,
      row.agent ?? 'claude-1',
      row.status,
      row.error ?? null,
      row.lastLineAt ?? null,
      row.startedAt ?? null,
      row.endedAt ?? null,
      row.createdAt,
      row.updatedAt ?? row.endedAt ?? row.startedAt ?? row.createdAt,
    ],
  )
}
