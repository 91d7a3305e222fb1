/**
 * The nodes on the database, each with its lease: `seen_at`, in milliseconds since 1970 by the clock of the database. A
 * session is one start of a node. One of them leads. A socket of an agent is on a node.
 */
export const nodes = [
  `CREATE TABLE nodes (
    node TEXT PRIMARY KEY,
    session TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    streams INTEGER NOT NULL,
    wants_metrics INTEGER NOT NULL,
    leads INTEGER NOT NULL
  )`,
  'ALTER TABLE agent_sockets ADD COLUMN node TEXT',
]
