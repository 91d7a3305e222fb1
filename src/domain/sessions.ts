/** Sessions of agents, and what they print, which lives in the event log and nowhere else. */
import type { EventType } from '../../shared/src/catalogue.ts'
import { channelName } from '../../shared/src/channels.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import type { Session, SessionChunk, SessionStatus } from '../../shared/src/types/sessions.ts'
import { Problem } from '../base/errors.ts'
import { findSession, findSessionPlace, insertSession, type SessionPlace, saveSession } from '../db/rows/sessions.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { checkBoardNamed } from './boards.ts'
import { freeStatus } from './free-status.ts'
import { newId } from './ids.ts'
import { type PageAsked, positionNow, readLogPage } from './log-pages.ts'

export { listSessions } from '../db/rows/sessions.ts'

const OUTPUT = 'session.stream_output'

const TOLD = {
  idle: 'session.updated',
  working: 'session.updated',
  completed: 'session.completed',
  error: 'session.error',
  cancelled: 'session.cancelled',
} as const satisfies Record<SessionStatus, EventType>

const life = freeStatus<SessionStatus>('session', ['completed', 'error', 'cancelled'])

export interface NewSession {
  /** A client's own; made here when it is not given. */
  readonly id?: string | undefined
  readonly boardId?: string | null | undefined
  readonly agentId?: string | null | undefined
  readonly name?: string | null | undefined
  readonly status?: 'idle' | 'working' | undefined
}

/** `error` stays as it is when it is not given. */
export interface SessionChanges {
  readonly status: SessionStatus
  readonly error?: string | null | undefined
}

/** `type` is stdout when it is not given. */
export type PostedChunk = Pick<SessionChunk, 'content'> & { readonly type?: SessionChunk['type'] | undefined }

export interface SessionOutput {
  /** `ts` is the time of arrival. */
  readonly chunks: ReadonlyArray<SessionChunk & { readonly id: string; readonly ts: string }>
  /** What to give as the next `after`. */
  readonly cursor: string
  /** There are, or may be, chunks after `cursor`. */
  readonly more: boolean
}

/** Throws `session_not_found`. */
export async function getSession(sql: Sql, id: string): Promise<Session> {
  const session = await findSession(sql, id)
  if (!session) throw notFound(id)
  return session
}

/** `conflict` when the id is taken. The agent need not be registered. */
export async function createSession(tx: Tx, given: NewSession): Promise<Session> {
  const id = given.id ?? newId('ses')
  if (await findSession(tx.sql, id)) {
    throw new Problem('conflict', `There is a session ${id} already. Choose another id, or change it with PATCH.`)
  }
  const boardId = given.boardId ?? null
  await checkBoardNamed(tx.sql, boardId)
  const session: Session = {
    id,
    boardId,
    agentId: given.agentId ?? null,
    name: given.name ?? null,
    status: given.status ?? 'idle',
    error: null,
    createdAt: tx.now,
    updatedAt: tx.now,
  }
  await insertSession(tx.sql, session, positionNow(tx))
  tx.emit('session.created', standingOf(session))
  return session
}

/** A change without effect is no event. Throws `invalid_transition` for a session that has ended. */
export async function updateSession(tx: Tx, id: string, { status, error }: SessionChanges): Promise<Session> {
  const session = await getSession(tx.sql, id)
  const moves = life.changes(session.status, status)
  const next: Session = { ...session, status, error: error === undefined ? session.error : error, updatedAt: tx.now }
  if (!moves && next.error === session.error) return session
  await saveSession(tx.sql, next)
  tx.emit(TOLD[status], standingOf(next))
  return next
}

/**
 * Appends chunks in their order and resolves to how many. They may come after the end of the session: what a process
 * flushes last arrives last. Hot: one look-up a call, nothing is awaited per chunk.
 */
export async function appendSessionOutput(tx: Tx, id: string, chunks: readonly PostedChunk[]): Promise<number> {
  const about = aboutOf(await getPlace(tx.sql, id))
  for (const { content, type = 'stdout' } of chunks) tx.emit(OUTPUT, { ...about, sessionId: id, content, type })
  return chunks.length
}

/** Throws `session_not_found`; `bad_request` for an `after` that is no id of this log. */
export async function readSessionOutput(snapshot: Snapshot, id: string, asked: PageAsked): Promise<SessionOutput> {
  const { sinceSeq: since } = await getPlace(snapshot.sql, id)
  const printed = { channel: channelName('session', id), types: [OUTPUT], since } as const
  const { events, cursor, more } = await readLogPage(snapshot, printed, asked)
  const chunks = events.map(({ seq, at, payload }) => {
    const { content, type } = payload as SessionChunk
    return { id: formatCursor(snapshot.epoch, seq), content, type, ts: new Date(at).toISOString() }
  })
  return { chunks, cursor, more }
}

async function getPlace(sql: Sql, id: string): Promise<SessionPlace> {
  const place = await findSessionPlace(sql, id)
  if (!place) throw notFound(id)
  return place
}

function notFound(id: string): Problem {
  return new Problem('session_not_found', `There is no session ${id}. Make it with POST /sessions.`)
}

function standingOf(session: Session) {
  const { id: sessionId, status, error } = session
  return { ...aboutOf(session), sessionId, status, error: error ?? undefined }
}

function aboutOf({ boardId, agentId }: Pick<Session, 'boardId' | 'agentId'>) {
  return { boardId: boardId ?? undefined, agentId: agentId ?? undefined }
}
