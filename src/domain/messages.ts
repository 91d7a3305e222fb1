/**
 * Mail between agents. A message expires when its time is over, unless its addressee has read it by then; one to everyone,
 * or on a topic alone, has no addressee and always expires.
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
  listDue,
  listMortal,
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
/** For so long the messages sent are counted. */
export const SENT_WINDOW_SECONDS = 3_600

/** Agents need not be registered, and topics are there as soon as they are named. */
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

/** What was sent to the agent and to everyone and has not expired, oldest first; what is on a topic alone is no mail. */
export async function listMail(
  sql: Sql,
  agentId: string,
  { unread, limit, nowMs }: { unread: boolean; limit: number; nowMs: number },
): Promise<Message[]> {
  return listRows(sql, { agentId, unread, limit, now: new Date(nowMs).toISOString() })
}

/** Notes that an agent, its addressee or another, has read a message; again, it is no event. Throws `message_not_found`. */
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

/** The clock was set forward by `stepMs`: what was sent before its new time `since` lives as long as it was to live. */
export async function postponeExpiry(sql: Sql, stepMs: number, since: number): Promise<void> {
  for (const { message_id, created_at, expires_at } of await listMortal(sql)) {
    if (Date.parse(created_at) >= since) continue
    await setExpiry(sql, message_id, new Date(Date.parse(expires_at) + stepMs).toISOString())
  }
}

/** The clock was set back while the server was down: what was sent later than it is now lives as long as if it were sent now. */
export async function shortenExpiry(sql: Sql, nowMs: number): Promise<void> {
  for (const { message_id, created_at, ttl_seconds } of await listMortal(sql)) {
    if (Date.parse(created_at) <= nowMs) continue
    await setExpiry(sql, message_id, new Date(nowMs + ttl_seconds * 1_000).toISOString())
  }
}

/** Lets at most `limit` messages expire whose time was over at `nowMs`, and resolves to how many. */
export async function expireMessages(tx: Tx, nowMs: number, limit: number): Promise<number> {
  const due = await listDue(tx.sql, new Date(nowMs).toISOString(), limit)
  for (const { message_id, to_agent, topic } of due) {
    await deleteMessage(tx.sql, message_id)
    tx.emit('message.expired', { to_agent, topic, message_id })
  }
  return due.length
}
