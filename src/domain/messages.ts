/**
 * Messages between agents. A message expires after its time to live, unless its addressee has read it by then. A message
 * to everyone or to a topic has no addressee and always expires.
 */
import type { Message } from '../../shared/src/types/messages.ts'
import { Problem } from '../base/errors.ts'
import {
  countSent,
  deleteMessage,
  findMessage,
  insertMessage,
  insertRead,
  keepMessage,
  listExpired,
  listExpiring,
  listMail as listRows,
  setExpiry,
} from '../db/rows/messages.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { newId } from './ids.ts'

type Optional = 'to_agent' | 'topic' | 'priority' | 'ttl_seconds'
export type NewMessage = Pick<Message, 'from_agent' | 'content'> & Partial<Pick<Message, Optional>>

const DEFAULT_PRIORITY = 0
const DEFAULT_TTL_SECONDS = 3_600
/** Sent messages are counted over this window. */
export const SENT_WINDOW_SECONDS = 3_600

/** Sends a message. Agents need not be registered, and topics need not be created. */
export async function sendMessage(tx: Tx, given: NewMessage): Promise<Message> {
  const { from_agent, content, to_agent = null, topic = null } = given
  const { priority = DEFAULT_PRIORITY, ttl_seconds = DEFAULT_TTL_SECONDS } = given
  const nowMs = Date.parse(tx.now)
  const expires_at = new Date(nowMs + ttl_seconds * 1_000).toISOString()
  const message_id = newId('msg')
  const sent = {
    message_id,
    from_agent,
    to_agent,
    topic,
    content,
    priority,
    ttl_seconds,
    created_at: tx.now,
    expires_at,
  }
  await insertMessage(tx.sql, sent)
  const second = Math.floor(nowMs / 1_000)
  await countSent(tx.sql, second, second - SENT_WINDOW_SECONDS)
  tx.emit('message.new', { message_id, from_agent, to_agent, topic, content, priority, expires_at })
  return { ...sent, read_by: [] }
}

/** Messages to the agent or to everyone that have not expired, oldest first. Messages to a topic are not included. */
export async function listMail(
  sql: Sql,
  agentId: string,
  { unread, limit, nowMs }: { unread: boolean; limit: number; nowMs: number },
): Promise<Message[]> {
  return listRows(sql, { agentId, unread, limit, now: new Date(nowMs).toISOString() })
}

/**
 * Marks a message as read by an agent, who need not be its addressee. Emits nothing the second time. Throws
 * `message_not_found`.
 */
export async function readMessage(tx: Tx, id: string, agentId: string): Promise<Message> {
  const message = await findMessage(tx.sql, id, tx.now)
  if (!message) throw new Problem('message_not_found', `There is no message ${id}, or it has expired.`)
  if (message.read_by.includes(agentId)) return message
  const { message_id, to_agent, topic, read_by } = message
  await insertRead(tx.sql, message_id, agentId)
  if (agentId === to_agent) await keepMessage(tx.sql, message_id)
  tx.emit('message.read', { to_agent, topic, message_id, agent_id: agentId, read_at: tx.now })
  return { ...message, read_by: [...read_by, agentId] }
}

/**
 * For a clock that was set forward by `stepMs`: messages sent before `since`, the new time, keep their remaining time to
 * live.
 */
export async function postponeExpiry(sql: Sql, stepMs: number, since: number): Promise<void> {
  for (const { message_id, created_at, expires_at } of await listExpiring(sql)) {
    if (Date.parse(created_at) >= since) continue
    await setExpiry(sql, message_id, new Date(Date.parse(expires_at) + stepMs).toISOString())
  }
}

/**
 * For a clock that was set back while the server was down: a message with a creation time in the future gets its whole
 * time to live from now on.
 */
export async function shortenExpiry(sql: Sql, nowMs: number): Promise<void> {
  for (const { message_id, created_at, ttl_seconds } of await listExpiring(sql)) {
    if (Date.parse(created_at) <= nowMs) continue
    await setExpiry(sql, message_id, new Date(nowMs + ttl_seconds * 1_000).toISOString())
  }
}

/** Deletes at most `limit` messages that had expired at `nowMs`, emits an event for each, resolves to their number. */
export async function expireMessages(tx: Tx, nowMs: number, limit: number): Promise<number> {
  const expired = await listExpired(tx.sql, new Date(nowMs).toISOString(), limit)
  for (const { message_id, to_agent, topic } of expired) {
    await deleteMessage(tx.sql, message_id)
    tx.emit('message.expired', { to_agent, topic, message_id })
  }
  return expired.length
}
