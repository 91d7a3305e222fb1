/** Migrates a database to the newest schema. Each numbered step runs in one transaction. */

import type { Sql } from '../sql.ts'
import { boardFamily } from './001-board-family.ts'
import { tasksAndMail } from './002-tasks-and-mail.ts'
import { sessionsWorkflowsShells } from './003-sessions-workflows-shells.ts'
import { presence } from './004-presence.ts'
import { trimmed } from './005-trimmed.ts'
import { orderOfCreation } from './006-order-of-creation.ts'

const MIGRATIONS: ReadonlyArray<readonly string[]> = [
  boardFamily,
  tasksAndMail,
  sessionsWorkflowsShells,
  presence,
  trimmed,
  orderOfCreation,
]

/** Throws when a newer version has migrated the database further than this version can. */
export async function migrate(sql: Sql): Promise<void> {
  await sql.run('CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)')
  const row = await sql.get<{ value: string }>("SELECT value FROM meta WHERE name = 'schema'")
  const done = Number(row?.value ?? 0)
  if (done > MIGRATIONS.length) {
    throw new Error(`The database has schema ${done}, this version knows ${MIGRATIONS.length}: run a newer Boardcast`)
  }
  for (const [index, statements] of MIGRATIONS.entries()) {
    if (index < done) continue
    await sql.run('BEGIN IMMEDIATE')
    for (const statement of statements) await sql.run(statement)
    await sql.run(
      "INSERT INTO meta (name, value) VALUES ('schema', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      [String(index + 1)],
    )
    await sql.run('COMMIT')
  }
}
