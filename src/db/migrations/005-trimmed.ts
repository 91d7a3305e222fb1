/**
 * The highest trimmed sequence number by channel and event name. Older databases only know how far the whole log was
 * trimmed. That number then applies to every channel that can carry transient events; a channel name without an id stands
 * for all channels of its kind.
 */
export const trimmed = [
  `CREATE TABLE trimmed (
    channel TEXT NOT NULL,
    name TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (channel, name)
  )`,
  'CREATE INDEX trimmed_by_seq ON trimmed (seq)',
  ...(
    [
      ['global', 'attempt.log.appended'],
      ['global', 'agent.output'],
      ['global', 'agent.output.batch'],
      ['global', 'session.stream_output'],
      ['global', 'shell.output'],
      // Clients choose the names of events on topics.
      ['global', '*'],
      ['board:', 'attempt_log'],
      ['attempt:', 'attempt_log'],
      ['agent:', 'output'],
      ['agent:', 'output_batch'],
      ['session:', 'session.stream_output'],
      ['shell:terminal:', 'shell.output'],
      ['topic:', '*'],
    ] as const
  ).map(
    ([channel, name]) =>
      `INSERT INTO trimmed (channel, name, seq)
       SELECT '${channel}', '${name}', CAST(value AS BIGINT) FROM meta WHERE name = 'trimmed'`,
  ),
] as const
