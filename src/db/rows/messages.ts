/** Rows of messages, of their readers, and of the number of messages sent per second. */
import type { Message } from '../../../shared/src/types/messages.ts'
import type { Sql, SqlValue } from '../sql.ts'

export type StoredMessage = Omit<Message, 'read_by'>

interface MessageRow extends Omit<StoredMessage, 'content'> {
  position: number
  content: string
}

export interface MailQuery {
  readonly agentId: string
  readonly unread: boolean
  readonly limit: number
  /** Messages that have expired by this time are left out. */
  readonly now: string
}

/** The mailbox of messages to everyone; not a valid agent id. */
const EVERYONE = '*'
/** Content may be long: messages are read in steps until a page exceeds the number of characters. */
const STEP = 16
const MAX_PAGE_CHARACTERS = 4 * 1024 * 1024

const FIELDS = 'message_id, from_agent, to_agent, topic, content, priority, ttl_seconds, created_at, expires_at'
const SELECT = `SELECT position, ${FIELDS} FROM messages`

/** One range of an index. The ranges are merged by insertion order (`position`). */
function mailbox(condition: string): string {
  const part = `${SELECT} WHERE mailbox = ? AND ${condition} AND position > ? ORDER BY position LIMIT ${STEP}`
  return `SELECT * FROM (${part}) AS part`
}
const UNEXPIRED = 'is_kept = 0 AND expires_at > ?'
const UNREAD = 'NOT EXISTS (SELECT 1 FROM message_reads r WHERE r.message_id = messages.message_id AND r.agent_id = ?)'
const IN_ORDER = `ORDER BY position LIMIT ${STEP}`
const SELECT_MAIL = `${mailbox(UNEXPIRED)} UNION ALL ${mailbox('is_kept = 1')} UNION ALL ${mailbox(UNEXPIRED)} ${IN_ORDER}`
const SELECT_UNREAD = `${mailbox(UNEXPIRED)} UNION ALL ${mailbox(`${UNEXPIRED} AND ${UNREAD}`)} ${IN_ORDER}`
const SELECT_READERS = `SELECT message_id, agent_id FROM message_reads
  WHERE message_id IN (${Array(STEP).fill('?').join(', ')}) ORDER BY position`

/** Undefined for a message that does not exist or has expired by `now`. One that its addressee has read does not expire. */
export async function findMessage(sql: Sql, id: string, now: string): Promise<Message | undefined> {
  const row = await sql.get<MessageRow>(`${SELECT} WHERE message_id = ? AND (is_kept = 1 OR expires_at > ?)`, [id, now])
  return row && (await withReaders(sql, [row]))[0]
}

/** Whom a message is for, whether or not it has expired; undefined for a message that does not exist. */
export async function findMessageRefs(sql: Sql, id: string): Promise<Pick<Message, 'to_agent' | 'topic'> | undefined> {
  return sql.get('SELECT to_agent, topic FROM messages WHERE message_id = ?', [id])
}

/** Messages to the agent or to everyone, oldest first; fewer than `limit` when they are long. */
export async function listMail(sql: Sql, { agentId, unread, limit, now }: MailQuery): Promise<Message[]> {
  const messages: Message[] = []
  let characters = 0
  let after = 0
  while (messages.length < limit && characters < MAX_PAGE_CHARACTERS) {
    const rows = unread
      ? await sql.all<MessageRow>(SELECT_UNREAD, [agentId, now, after, EVERYONE, now, agentId, after])
      : await sql.all<MessageRow>(SELECT_MAIL, [agentId, now, after, agentId, after, EVERYONE, now, after])
    const taken: MessageRow[] = []
    for (const row of rows.slice(0, limit - messages.length)) {
      if (characters >= MAX_PAGE_CHARACTERS) break
      characters += row.content.length
      taken.push(row)
    }
    messages.push(...(await withReaders(sql, taken)))
    if (rows.length < STEP) break
    after = rows.at(-1)?.position ?? after
  }
  return messages
}

export async function insertMessage(sql: Sql, message: StoredMessage): Promise<void> {
  await sql.run(`INSERT INTO messages (${FIELDS}, mailbox) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, [
    message.message_id,
    message.from_agent,
    message.to_agent,
    message.topic,
    JSON.stringify(message.content),
    message.priority,
    message.ttl_seconds,
    message.created_at,
    message.expires_at,
    message.to_agent ?? (message.topic === null ? EVERYONE : null),
  ])
}

export async function insertRead(sql: Sql, messageId: string, agentId: string): Promise<void> {
  await sql.run('INSERT INTO message_reads (message_id, agent_id) VALUES (?, ?)', [messageId, agentId])
}

/** From now on the message does not expire. */
export async function keepMessage(sql: Sql, id: string): Promise<void> {
  await sql.run('UPDATE messages SET is_kept = 1 WHERE message_id = ?', [id])
}

/** When the next message expires; null when none does. */
export async function nextExpiry(sql: Sql): Promise<string | null> {
  const row = await sql.get<{ next: string | null }>('SELECT min(expires_at) AS next FROM messages WHERE is_kept = 0')
  return row?.next ?? null
}

/** At most `limit` messages that have expired by `now`, in the order of expiry. */
export async function listExpired(
  sql: Sql,
  now: string,
  limit: number,
): Promise<Array<Pick<Message, 'message_id' | 'to_agent' | 'topic'>>> {
  return sql.all(
    `SELECT message_id, to_agent, topic FROM messages WHERE is_kept = 0 AND expires_at <= ?
     ORDER BY expires_at, position LIMIT ?`,
    [now, limit],
  )
}

/** Messages that expire at some time, with their times. */
export async function listExpiring(
  sql: Sql,
): Promise<Array<Pick<Message, 'message_id' | 'created_at' | 'expires_at' | 'ttl_seconds'>>> {
  return sql.all('SELECT message_id, created_at, expires_at, ttl_seconds FROM messages WHERE is_kept = 0')
}

export async function setExpiry(sql: Sql, id: string, expiresAt: string): Promise<void> {
  await sql.run('UPDATE messages SET expires_at = ? WHERE message_id = ?', [expiresAt, id])
}

export async function deleteMessage(sql: Sql, id: string): Promise<void> {
  await sql.run('DELETE FROM messages WHERE message_id = ?', [id])
}

/** Counts a message sent in `second` (since 1970), and deletes the counts up to `forgetUpTo`. */
export async function countSent(sql: Sql, second: number, forgetUpTo: number): Promise<void> {
  await sql.run(
    'INSERT INTO messages_sent (second, messages) VALUES (?, 1) ON CONFLICT (second) DO UPDATE SET messages = messages_sent.messages + 1',
    [second],
  )
  await sql.run('DELETE FROM messages_sent WHERE second <= ?', [forgetUpTo])
}

async function withReaders(sql: Sql, rows: readonly MessageRow[]): Promise<Message[]> {
  const ids: SqlValue[] = Array(STEP).fill(null)
  for (const [index, { message_id }] of rows.entries()) ids[index] = message_id
  const reads = await sql.all<{ message_id: string; agent_id: string }>(SELECT_READERS, ids)
  return rows.map(({ position: _, content, ...row }) => ({
    ...row,
    content: JSON.parse(content) as Message['content'],
    read_by: reads.filter(({ message_id }) => message_id === row.message_id).map(({ agent_id }) => agent_id),
  }))
}
