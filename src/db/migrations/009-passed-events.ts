/**
 * Ephemeral events on their way to the other nodes, one row for each group of mutations. The ids rise in the order of
 * commit.
 */
export const passedEvents = [
  `CREATE TABLE passed_events (
    id BIGINT PRIMARY KEY,
    node TEXT NOT NULL,
    events TEXT NOT NULL
  )`,
]
