/** The lines that attempts print. They live in the event log and nowhere else. */
import { channelName } from '../../shared/src/channels.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import type { LogLine } from '../../shared/src/types/kanban.ts'
import { noteLineAt } from '../db/rows/attempt-logs.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Tx } from '../db/store.ts'
import { getAttemptPlace } from './attempt-place.ts'
import { type PageAsked, readLogPage } from './log-pages.ts'

const LINE = 'attempt.log.appended'
/** A line is noted on its attempt at most so often: what asks for it counts in minutes, and the row is a page to write. */
const LINE_NOTE_MS = 10_000

/** `level` is info and `ts` the time of arrival where they are not given. */
export type PostedLine = Pick<LogLine, 'message' | 'stream'> & Partial<Pick<LogLine, 'level' | 'ts'>>

export interface LinesPage {
  readonly lines: ReadonlyArray<LogLine & { readonly id: string }>
  /** What to give as the next `after`. */
  readonly cursor: string
  /** There are, or may be, lines after `cursor`. */
  readonly more: boolean
}

/**
 * Appends lines in their order and resolves to how many. They may come after the end of the attempt: what a process
 * flushes last arrives last. Hot: one look-up a call, nothing is awaited per line.
 */
export async function appendLines(tx: Tx, attemptId: string, lines: readonly PostedLine[]): Promise<number> {
  const { boardId, cardId, agent: agentId, lastLineAt } = await getAttemptPlace(tx.sql, attemptId)
  const isDue = lastLineAt === null || Date.parse(tx.now) - Date.parse(lastLineAt) >= LINE_NOTE_MS
  if (isDue) await noteLineAt(tx.sql, attemptId, tx.now)
  for (const { level = 'info', message, ts = tx.now, stream } of lines) {
    tx.emit(LINE, { boardId, cardId, agentId, attemptId, level, message, ts, stream })
  }
  return lines.length
}

/** Throws `attempt_not_found`; `bad_request` for an `after` that is no id of this log. */
export async function readLines(snapshot: Snapshot, attemptId: string, asked: PageAsked): Promise<LinesPage> {
  await getAttemptPlace(snapshot.sql, attemptId)
  const printed = { channel: channelName('attempt', attemptId), types: [LINE] } as const
  const { events, cursor, more } = await readLogPage(snapshot, printed, asked)
  const lines = events.map((event) => {
    const { level, message, ts, stream } = event.payload as LogLine
    return { id: formatCursor(snapshot.epoch, event.seq), level, message, ts, ...(stream && { stream }) }
  })
  return { lines, cursor, more }
}
