/** The sockets that agents hold. After a crash, the next start removes the rows that are left. */
export const presence = [
  `CREATE TABLE agent_sockets (
    client_id TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL,
    session_id TEXT
  )`,
  'CREATE INDEX agent_sockets_by_agent ON agent_sockets (agent_id)',
]
