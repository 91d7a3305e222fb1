/** Tickets that were not used yet, by the hash of their text. */
export const tickets = [
  `CREATE TABLE tickets (
    hash TEXT PRIMARY KEY,
    subject TEXT NOT NULL,
    expires_at BIGINT NOT NULL
  )`,
  'CREATE INDEX tickets_by_expiry ON tickets (expires_at)',
]
