/** Rows of messages, of who read them, and of how many were sent. */
import type { Message } from '../../../shared/src/types/messages.ts'
import type { Sql, SqlValue } from '../sql.ts'

export type StoredMessage = Omit<Message, 'read_by'>

interface MessageRow extends Omit<StoredMessage, 'content'> {
  position: number
  content: string
}

export interface MailAsked {
  readonly agentId: string
  readonly unread: boolean
  readonly limit: number
  /** Messages past this time that nobody kept are left out. */
  readonly now: string
}

/** Whose mailbox a message lies in that is for everyone; no agent can be called so. */
const EVERYONES = '*'
/** Content may be long: so many messages are read at a time, until there are as many characters of it. */
const STEP = 16
const MAX_PAGE_CHARACTERS = 4 * 1024 * 1024

const FIELDS = 'message_id, from_agent, to_agent, topic, content, priority, ttl_seconds, created_at, expires_at'
const SELECT = `SELECT position, ${FIELDS} FROM messages`

/** One index range; the newest of several are merged by position. */
function mailbox(condition: string): string {
  return `SELECT * FROM (${SELECT} WHERE mailbox = ? AND ${condition} AND position > ? ORDER BY position LIMIT ${STEP})`
}
const ALIVE = 'is_kept = 0 AND expires_at > ?'
const UNREAD = 'NOT EXISTS (SELECT 1 FROM message_reads r WHERE r.message_id = messages.message_id AND r.agent_id = ?)'
const IN_ORDER = `ORDER BY position LIMIT ${STEP}`
const SELECT_MAIL = `${mailbox(ALIVE)} UNION ALL ${mailbox('is_kept = 1')} UNION ALL ${mailbox(ALIVE)} ${IN_ORDER}`
const SELECT_UNREAD = `${mailbox(ALIVE)} UNION ALL ${mailbox(`${ALIVE} AND ${UNREAD}`)} ${IN_ORDER}`
const SELECT_READERS = `SELECT message_id, agent_id FROM message_reads
  WHERE message_id IN (${Array(STEP).fill('?').join(', ')}) ORDER BY position`

/** Unless its time is over at `now` and its addressee has not read it. */
export async function findMessage(sql: Sql, id: string, now: string): Promise<Message | undefined> {
  const row = await sql.get<MessageRow>(`${SELECT} WHERE message_id = ? AND (is_kept = 1 OR expires_at > ?)`, [id, now])
  return row && (await withReaders(sql, [row]))[0]
}

/** What was sent to the agent and to everyone, oldest first; less than `limit` when it is long. */
export async function listMail(sql: Sql, { agentId, unread, limit, now }: MailAsked): Promise<Message[]> {
  const messages: Message[] = []
  let characters = 0
  let after = 0
  while (messages.length < limit && characters < MAX_PAGE_CHARACTERS) {
    const rows = unread
      ? await sql.all<MessageRow>(SELECT_UNREAD, [agentId, now, after, EVERYONES, now, agentId, after])
      : await sql.all<MessageRow>(SELECT_MAIL, [agentId, now, after, agentId, after, EVERYONES, now, after])
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
    message.to_agent ?? (message.topic === null ? EVERYONES : null),
  ])
}

export async function insertRead(sql: Sql, messageId: string, agentId: string): Promise<void> {
  await sql.run('INSERT INTO message_reads (message_id, agent_id) VALUES (?, ?)', [messageId, agentId])
}

/** From now on the message does not expire. */
export async function keepMessage(sql: Sql, id: string): Promise<void> {
  await sql.run('UPDATE messages SET is_kept = 1 WHERE message_id = ?', [id])
}

/** When the next message expires; null when none will. */
export async function nextExpiry(sql: Sql): Promise<string | null> {
  const row = await sql.get<{ next: string | null }>('SELECT min(expires_at) AS next FROM messages WHERE is_kept = 0')
  return row?.next ?? null
}

/** Messages whose time is over, those first that were due first. */
export async function listDue(
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

/** What may still expire, with its times. */
export async function listMortal(
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

/** Counts a message sent in a second since 1970, and forgets the counts up to another. */
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
