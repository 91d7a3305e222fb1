/** The tables of sessions, workflow runs with their steps, and shells. `position` is the insertion order. */
export const sessionsWorkflowsShells = [
  // The output of sessions and shells is in the log, after the sequence number `since_seq`. Earlier output belongs to a
  // deleted session or shell that had the same id.
  `CREATE TABLE sessions (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    board_id TEXT REFERENCES boards (id) ON DELETE CASCADE,
    agent_id TEXT,
    name TEXT,
    status TEXT NOT NULL,
    error TEXT,
    since_seq BIGINT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
  )`,
  'CREATE INDEX sessions_by_board ON sessions (board_id, position)',
  'CREATE INDEX sessions_by_status ON sessions (status)',
  `CREATE TABLE workflow_runs (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    board_id TEXT REFERENCES boards (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    current_step TEXT,
    error TEXT,
    started_at TEXT,
    completed_at TEXT
  )`,
  'CREATE INDEX workflow_runs_by_board ON workflow_runs (board_id, position)',
  `CREATE TABLE workflow_steps (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    phase TEXT,
    status TEXT NOT NULL,
    progress TEXT,
    error TEXT
  )`,
  'CREATE INDEX workflow_steps_by_run ON workflow_steps (run_id, position)',
  `CREATE TABLE shells (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    board_id TEXT REFERENCES boards (id) ON DELETE CASCADE,
    attempt_id TEXT REFERENCES attempts (id) ON DELETE CASCADE,
    command TEXT,
    status TEXT NOT NULL,
    exit_code BIGINT,
    since_seq BIGINT NOT NULL
  )`,
  'CREATE INDEX shells_by_board ON shells (board_id, position)',
  'CREATE INDEX shells_by_attempt ON shells (attempt_id)',
]
