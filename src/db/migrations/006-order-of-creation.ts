/**
 * Adds the insertion order (`position`) to boards, attempts and profiles. Timestamps cannot give it: several rows may share
 * a millisecond, and the clock may have been set back between two starts.
 */
const TABLES = ['boards', 'attempts', 'agent_profiles']

export const orderOfCreation = TABLES.flatMap((table) => [
  `ALTER TABLE ${table} ADD COLUMN position INTEGER NOT NULL DEFAULT 0`,
  `UPDATE ${table} SET position = numbered.place
   FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS place FROM ${table}) AS numbered
   WHERE numbered.id = ${table}.id`,
  `CREATE INDEX ${table}_by_position ON ${table} (position)`,
])
