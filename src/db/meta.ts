/** Single facts about the database, by name. */
import type { Sql } from './sql.ts'

type MetaName = 'schema' | 'epoch' | 'trimmed' | 'trimmed_runs' | 'chatter' | 'in_use' | 'probe' | 'session_key'

export async function readMeta(sql: Sql, name: MetaName): Promise<string | undefined> {
  const row = await sql.get<{ value: string }>('SELECT value FROM meta WHERE name = ?', [name])
  return row?.value
}

/** The value that is there, or `value` where none was. Nobody changes it until the transaction ends. */
export async function holdMeta(sql: Sql, name: MetaName, value: string): Promise<string> {
  const row = await sql.get<{ value: string }>(
    'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = meta.value RETURNING value',
    [name, value],
  )
  return row?.value ?? value
}

export async function writeMeta(sql: Sql, name: MetaName, value: string): Promise<void> {
  await sql.run(
    'INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    [name, value],
  )
}
