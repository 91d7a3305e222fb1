import * as z from 'zod'
import { MAX_BATCH_LINES, PAGE_LIMIT_MAX } from '../../shared/src/protocol.ts'
import { logLine } from '../../shared/src/types/kanban.ts'
import { instant } from '../../shared/src/types/text.ts'
import { appendLines, type PostedLine, readLines } from '../domain/attempt-logs.ts'
import { type Api, pageLimit } from './api.ts'

const { level, message, stream } = logLine.shape

const postedLine = z.strictObject({
  level: level.optional(),
  message,
  ts: instant.optional(),
  stream: stream.optional(),
})

/** A line, or lines. One object rather than a union of two, so that a fault is named by its own path. */
const posted = z
  .strictObject({
    ...postedLine.partial().shape,
    lines: z.array(postedLine).min(1).max(MAX_BATCH_LINES).optional(),
  })
  .transform(({ lines, ...line }, context): readonly PostedLine[] => {
    if (lines) {
      for (const field of Object.keys(line)) {
        context.addIssue({ code: 'custom', path: [field], message: 'belongs into the lines, when lines are given' })
      }
      return lines
    }
    if (line.message === undefined) {
      context.addIssue({ code: 'custom', path: ['message'], message: 'is missing; send a message, or lines' })
      return z.NEVER
    }
    return [{ ...line, message: line.message }]
  })

const asked = z
  .object({
    after: z.string().optional(),
    limit: pageLimit,
    tail: z.coerce.number().int().min(1).max(PAGE_LIMIT_MAX).optional(),
  })
  .refine(({ after, tail }) => after === undefined || tail === undefined, {
    path: ['tail'],
    message: 'asks for the last lines and after for those that follow; give one of the two',
  })

export function registerAttemptLogs(api: Api): void {
  api.mutate('post', '/attempts/:id/logs', { status: 202, body: posted }, async (tx, { params, body }) => ({
    count: await appendLines(tx, params.id, body),
  }))
  api.get('/attempts/:id/logs', { query: asked }, ({ sql, log, params, query }) =>
    readLines(sql, log, params.id, query),
  )
}
