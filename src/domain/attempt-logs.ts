/** The log lines of attempts. They are stored in the event log only; they have no rows. */
import { channelName } from '../../shared/src/channels.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import type { LogLine } from '../../shared/src/types/kanban.ts'
import { saveLastLineAt } from '../db/rows/attempts.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Tx } from '../db/store.ts'
import { getAttemptRefs } from './attempts.ts'
import { type PageRequest, readLogPage } from './log-pages.ts'

const LINE = 'attempt.log.appended'
/** `last_line_at` is updated at most this often: its readers count in minutes, and each update writes a database page. */
const LAST_LINE_INTERVAL_MS = 10_000

/** `level` defaults to info, `ts` to the time of arrival. */
export type PostedLine = Pick<LogLine, 'message' | 'stream'> & Partial<Pick<LogLine, 'level' | 'ts'>>

export interface LinesPage {
  readonly lines: ReadonlyArray<LogLine & { readonly id: string }>
  /** Pass it as `after` to read the next page. */
  readonly cursor: string
  /** True when there are, or may be, lines after `cursor`, and before the `before` of the request. */
  readonly more: boolean
  /** How many lines there are up to `cursor`, without those that were trimmed. */
  readonly count: number
}

/**
 * Appends lines in order and resolves to their number. Lines may arrive after the attempt has ended, since processes flush
 * output late. Hot path: one query per call, and nothing is awaited per line. Throws `attempt_not_found`.
 */
export async function appendLines(tx: Tx, attemptId: string, lines: readonly PostedLine[]): Promise<number> {
  const { boardId, cardId, agent: agentId, lastLineAt } = await getAttemptRefs(tx, attemptId)
  const isDue = lastLineAt === null || Date.parse(tx.now) - Date.parse(lastLineAt) >= LAST_LINE_INTERVAL_MS
  if (isDue) await saveLastLineAt(tx.sql, attemptId, tx.now)
  for (const { level = 'info', message, ts = tx.now, stream } of lines) {
    tx.emit(LINE, { boardId, cardId, agentId, attemptId, level, message, ts, stream })
  }
  return lines.length
}

/** Throws `attempt_not_found`, or `bad_request` for an `after` or a `before` that is not an id of this log. */
export async function readLines(snapshot: Snapshot, attemptId: string, page: PageRequest): Promise<LinesPage> {
  await getAttemptRefs(snapshot, attemptId)
  const source = { channel: channelName('attempt', attemptId), types: [LINE] } as const
  const { events, ...end } = await readLogPage(snapshot, source, page)
  const lines = events.map((event) => {
    const { level, message, ts, stream } = event.payload as LogLine
    return { id: formatCursor(snapshot.epoch, event.seq), level, message, ts, ...(stream && { stream }) }
  })
  return { lines, ...end }
}
