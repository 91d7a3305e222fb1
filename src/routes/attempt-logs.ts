import * as z from 'zod'
import { logLine } from '../../shared/src/types/kanban.ts'
import { instant } from '../../shared/src/types/time.ts'
import { appendLines, readLines } from '../domain/attempt-logs.ts'
import type { Api } from './api.ts'
import { oneOrMany } from './batch.ts'
import { logPageQuery } from './paging.ts'
import { boardOrAttempt } from './things.ts'

const { level, message, stream } = logLine.shape

const postedLine = z.strictObject({
  level: level.optional(),
  message,
  ts: instant.optional(),
  stream: stream.optional(),
})
const posted = oneOrMany(postedLine, 'lines', 'message')

export function registerAttemptLogs(api: Api): void {
  api.mutate(
    'post',
    '/attempts/:id/logs',
    { status: 202, right: boardOrAttempt, body: posted },
    async (tx, { params, body }) => ({
      count: await appendLines(tx, params.id, body),
    }),
  )
  api.get('/attempts/:id/logs', { right: boardOrAttempt, query: logPageQuery }, ({ snapshot, params, query }) =>
    readLines(snapshot, params.id, query),
  )
}
