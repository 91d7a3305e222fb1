/** Makes a database one of an earlier version: takes back the newest migrations, as its schema was before them. */
import type { Sql } from '../../src/db/sql.ts'

/** By the number of the migration; one that is added takes its own place here. */
const UNDO: Readonly<Record<number, readonly string[]>> = {
  5: ['DROP TABLE trimmed'],
  6: ['boards', 'attempts', 'agent_profiles'].flatMap((table) => [
    `DROP INDEX ${table}_by_position`,
    `ALTER TABLE ${table} DROP COLUMN position`,
  ]),
  7: ['ALTER TABLE events DROP COLUMN actor'],
  8: ['DROP TABLE tickets'],
  10: ['DROP TABLE nodes', 'ALTER TABLE agent_sockets DROP COLUMN node'],
  9: ['DROP TABLE passed_events'],
}

/** `schema`: the newest migration that the earlier version had; 4 at least. */
export async function returnToSchema(sql: Sql, schema: number): Promise<void> {
  const row = await sql.get<{ value: string }>("SELECT value FROM meta WHERE name = 'schema'")
  for (let newest = Number(row?.value); newest > schema; newest--) {
    const statements = UNDO[newest]
    if (!statements) throw new Error(`tests/support/older-schema.ts cannot take back migration ${newest}`)
    for (const statement of statements) await sql.run(statement)
  }
  await sql.run("UPDATE meta SET value = ? WHERE name = 'schema'", [String(schema)])
}
