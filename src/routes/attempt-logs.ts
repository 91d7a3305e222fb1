import * as z from 'zod'
import { exampleCursor, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { named } from '../../shared/src/names.ts'
import { cursor } from '../../shared/src/types/ids.ts'
import { logLine } from '../../shared/src/types/kanban.ts'
import { instant } from '../../shared/src/types/time.ts'
import { appendLines, readLines } from '../domain/attempt-logs.ts'
import { count, pageEnd } from './answers.ts'
import type { Api } from './api.ts'
import { oneOrMany } from './batch.ts'
import { logPageQuery } from './paging.ts'
import { boardOrAttempt } from './things.ts'

const { level, message, stream } = logLine.shape

const postedLine = named(
  'NewLogLine',
  z.strictObject({
    level: level.optional(),
    message,
    ts: instant.optional(),
    stream: stream.optional(),
  }),
)
const posted = named('NewLogLines', oneOrMany(postedLine, 'lines', 'message'))
const storedLine = named('StoredLogLine', z.strictObject({ id: cursor, ...logLine.shape }))
const page = named('LogPage', z.strictObject({ lines: z.array(storedLine).readonly(), ...pageEnd }))

const line = { level: 'info', message: 'Tests  118 passed (118)' } as const

export function registerAttemptLogs(api: Api): void {
  api.mutate(
    'post',
    '/attempts/:attemptId/logs',
    {
      operationId: 'appendAttemptLogs',
      tag: 'Attempts',
      summary: 'Appends a line, or lines, to the log of an attempt.',
      status: 202,
      right: boardOrAttempt,
      body: posted,
      answer: count,
      example: { body: { lines: [{ message: 'npm test' }, line] }, answer: { count: 2 } },
      errors: ['attempt_not_found'],
      emits: ['attempt.log.appended'],
    },
    async (tx, { params, body }) => ({
      count: await appendLines(tx, params.attemptId, body),
    }),
  )
  api.get(
    '/attempts/:attemptId/logs',
    {
      operationId: 'listAttemptLogs',
      tag: 'Attempts',
      summary: 'Reads a page of the log of an attempt.',
      right: boardOrAttempt,
      query: logPageQuery,
      answer: page,
      example: {
        answer: {
          lines: [{ id: exampleCursor, ...line, ts: exampleTime }],
          cursor: exampleCursor,
          more: false,
          count: 1,
        },
      },
      errors: ['attempt_not_found'],
    },
    ({ snapshot, params, query }) => readLines(snapshot, params.attemptId, query),
  )
}
