/** The tables of tasks, subtasks and messages. `position` is the insertion order. */
export const tasksAndMail = [
  // `duration_ms` is the time from creation to completion, null until then.
  `CREATE TABLE tasks (
    position INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL UNIQUE,
    request_id TEXT,
    session_id TEXT,
    name TEXT NOT NULL,
    wave_number INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at TEXT NOT NULL,
    completed_at TEXT,
    duration_ms BIGINT
  )`,
  'CREATE INDEX tasks_by_status ON tasks (status, position)',
  'CREATE INDEX tasks_by_session ON tasks (session_id, position)',
  // The metrics scan the last hour.
  'CREATE INDEX tasks_by_completion ON tasks (status, completed_at, duration_ms)',
  `CREATE TABLE subtasks (
    position INTEGER PRIMARY KEY,
    subtask_id TEXT NOT NULL UNIQUE,
    task_id TEXT NOT NULL REFERENCES tasks (task_id) ON DELETE CASCADE,
    agent_type TEXT,
    agent_id TEXT,
    description TEXT NOT NULL,
    status TEXT NOT NULL,
    blocked_by TEXT NOT NULL,
    result TEXT,
    created_at TEXT NOT NULL,
    started_at TEXT,
    completed_at TEXT
  )`,
  'CREATE INDEX subtasks_by_task ON subtasks (task_id, position)',
  // `mailbox` is the agent that a message is for, '*' for everyone, null for a topic.
  // `is_kept` is 1 once the addressee has read the message: it no longer expires.
  `CREATE TABLE messages (
    position INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    mailbox TEXT,
    is_kept INTEGER NOT NULL DEFAULT 0,
    from_agent TEXT NOT NULL,
    to_agent TEXT,
    topic TEXT,
    content TEXT NOT NULL,
    priority INTEGER NOT NULL,
    ttl_seconds INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
  )`,
  'CREATE INDEX messages_by_mailbox ON messages (mailbox, is_kept, position)',
  'CREATE INDEX messages_by_expiry ON messages (is_kept, expires_at, position)',
  `CREATE TABLE message_reads (
    position INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES messages (message_id) ON DELETE CASCADE,
    agent_id TEXT NOT NULL
  )`,
  'CREATE UNIQUE INDEX message_reads_by_agent ON message_reads (message_id, agent_id)',
  // The number of messages sent in each second of the last hour. It cannot be counted: rows are deleted when they expire.
  'CREATE TABLE messages_sent (second INTEGER PRIMARY KEY, messages INTEGER NOT NULL)',
]
