import { Problem } from '../base/errors.ts'
import { type AttemptPlace, findAttemptPlace } from '../db/rows/attempts.ts'
import type { Sql } from '../db/sql.ts'

/** Where an attempt belongs: all that its telemetry needs to know of it. Throws `attempt_not_found`. */
export async function getAttemptPlace(sql: Sql, id: string): Promise<AttemptPlace> {
  const place = await findAttemptPlace(sql, id)
  if (!place) throw attemptNotFound(id)
  return place
}

export function attemptNotFound(id: string): Problem {
  return new Problem('attempt_not_found', `There is no attempt ${id}.`)
}
