/**
 * The log, and the tables of boards, columns, cards, attempts, agents and profiles. `position` is the list index of a
 * column or card, and the insertion order of conversation items.
 */
export const boardFamily = [
  // `seq` is the sequence number of an event; rows may be trimmed, sequence numbers are never used again.
  // `skip` is where the bare payload begins in `data`; `chatter` is 1 for transient events, which retention may trim.
  `CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    at BIGINT NOT NULL,
    chatter INTEGER NOT NULL,
    skip INTEGER NOT NULL,
    data TEXT NOT NULL
  )`,
  // Consecutive events of a channel share one row: a batch of 1,000 lines costs one row per channel.
  `CREATE TABLE event_channels (
    id INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL
  )`,
  'CREATE INDEX event_channels_by_channel ON event_channels (channel, last_seq, first_seq)',
  `CREATE TABLE boards (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT,
    ticket_prefix TEXT NOT NULL,
    last_ticket INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
  )`,
  `CREATE TABLE board_columns (
    id TEXT PRIMARY KEY,
    board_id TEXT NOT NULL REFERENCES boards (id) ON DELETE CASCADE,
    column_key TEXT,
    title TEXT NOT NULL,
    position INTEGER NOT NULL
  )`,
  'CREATE INDEX board_columns_by_board ON board_columns (board_id, position)',
  'CREATE UNIQUE INDEX board_columns_by_key ON board_columns (board_id, column_key)',
  `CREATE TABLE cards (
    id TEXT PRIMARY KEY,
    board_id TEXT NOT NULL REFERENCES boards (id) ON DELETE CASCADE,
    column_id TEXT NOT NULL REFERENCES board_columns (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    ticket_key TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    ticket_type TEXT,
    priority TEXT,
    labels TEXT NOT NULL,
    stage TEXT,
    assigned_agent_id TEXT,
    is_enhanced INTEGER NOT NULL DEFAULT 0,
    pr_url TEXT,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
  )`,
  'CREATE INDEX cards_by_column ON cards (column_id, position, id)',
  'CREATE UNIQUE INDEX cards_by_ticket ON cards (board_id, ticket_key)',
  `CREATE TABLE card_dependencies (
    card_id TEXT NOT NULL REFERENCES cards (id) ON DELETE CASCADE,
    depends_on TEXT NOT NULL REFERENCES cards (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    PRIMARY KEY (card_id, depends_on)
  )`,
  'CREATE INDEX card_dependencies_by_target ON card_dependencies (depends_on)',
  // `ordinal` counts the attempts of a card, so that the newest is known even if the clock was set back.
  `CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    board_id TEXT NOT NULL REFERENCES boards (id) ON DELETE CASCADE,
    card_id TEXT NOT NULL REFERENCES cards (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    agent TEXT NOT NULL,
    profile_id TEXT,
    status TEXT NOT NULL,
    previous_status TEXT,
    base_branch TEXT,
    branch_name TEXT,
    worktree_path TEXT,
    session_id TEXT,
    pr TEXT,
    exit_code INTEGER,
    error TEXT,
    todos TEXT,
    last_line_at TEXT,
    started_at TEXT,
    ended_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
  )`,
  'CREATE UNIQUE INDEX attempts_by_card ON attempts (card_id, ordinal)',
  'CREATE INDEX attempts_by_board ON attempts (board_id, created_at)',
  // The dashboard counts by scanning ranges of these.
  'CREATE INDEX attempts_by_board_outcome ON attempts (board_id, status, ended_at)',
  'CREATE INDEX attempts_by_status ON attempts (status, ended_at)',
  'CREATE INDEX attempts_by_agent ON attempts (agent, status, ended_at)',
  'CREATE INDEX attempts_by_agent_start ON attempts (agent, started_at)',
  'CREATE INDEX attempts_by_start ON attempts (started_at)',
  'CREATE INDEX attempts_by_change ON attempts (updated_at)',
  `CREATE TABLE conversation_items (
    attempt_id TEXT NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    item_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (attempt_id, item_id)
  )`,
  'CREATE INDEX conversation_items_by_position ON conversation_items (attempt_id, position)',
  `CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    label TEXT,
    kind TEXT,
    capabilities TEXT,
    last_seen_at TEXT,
    created_at TEXT NOT NULL
  )`,
  `CREATE TABLE agent_profiles (
    id TEXT PRIMARY KEY,
    agent TEXT NOT NULL,
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    board_id TEXT REFERENCES boards (id) ON DELETE CASCADE,
    created_at TEXT NOT NULL
  )`,
  'CREATE INDEX agent_profiles_by_board ON agent_profiles (board_id)',
  `CREATE TABLE idempotency_keys (
    subject TEXT NOT NULL,
    route TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    status INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (subject, route, idempotency_key)
  )`,
  'CREATE INDEX idempotency_keys_by_age ON idempotency_keys (at)',
]
