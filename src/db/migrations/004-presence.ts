/** The sockets by which agents are present. What a crash leaves here is settled by the next start. */
export const presence = [
  `CREATE TABLE agent_sockets (
    client_id TEXT PRIMARY KEY,
    agent_id TEXT NOT NULL,
    session_id TEXT
  )`,
  'CREATE INDEX agent_sockets_by_agent ON agent_sockets (agent_id)',
]
