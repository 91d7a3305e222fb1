/** Where to begin: `now`, `earliest`, an id, a duration before now, or a time. */
import { parseCursor } from '../../../shared/src/cursor.ts'
import { parseDuration } from '../../text/duration.ts'
import type { Api } from '../api/api.ts'
import { usageError } from '../process/exit.ts'
import { cursorAt, type LogQuery } from '../stream/log-pages.ts'

/** A word or an id that the server takes, or a moment in milliseconds since 1970. */
export type Since = string | number

const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)/

/** Throws a usage error. */
export function parseSince(text: string, now = Date.now()): Since {
  if (text === 'now' || text === 'earliest' || parseCursor(text) !== null) return text
  const agoMs = parseDuration(text)
  if (agoMs !== undefined) return now - agoMs
  const time = TIME.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return time
  throw usageError(
    `--since ${text}: write now, earliest, an id such as 5d3c9b1e-4711, a duration such as 10m, or a time such as 2026-01-31T12:00:00Z.`,
  )
}

/** As the server takes it. */
export async function resolveSince(api: Api, query: LogQuery, since: Since, signal: AbortSignal): Promise<string> {
  return typeof since === 'string' ? since : cursorAt(api, query, since, signal)
}
