import * as z from 'zod'
import { boardId } from '../types/kanban.ts'
import { type SessionStatus, session, sessionChunk } from '../types/sessions.ts'
import { externalId } from '../types/text.ts'
import { event } from './define.ts'
import { exampleIds } from './examples.ts'

/** The board and agent of the session, if known. */
const about = z.strictObject({ boardId: boardId.optional(), agentId: externalId.optional() })
const exampleAbout = { boardId: exampleIds.board, agentId: exampleIds.agent }

/** `error` is present if the session has one. */
const status = z.strictObject({
  sessionId: externalId,
  status: session.shape.status,
  error: session.shape.error.unwrap().optional(),
})

export const sessionEvents = {
  'session.created': statusEvent('session.created', 'A session was created.', 'idle'),
  'session.updated': statusEvent(
    'session.updated',
    'A session became idle or working, or its error changed.',
    'working',
  ),
  'session.completed': statusEvent('session.completed', 'A session completed.', 'completed'),
  'session.error': statusEvent('session.error', 'A session ended with an error.', 'error'),
  'session.cancelled': statusEvent('session.cancelled', 'A session was cancelled.', 'cancelled'),
  'session.stream_output': event({
    summary: 'A session printed output.',
    keep: 'transient',
    about,
    shows: z.strictObject({ sessionId: externalId, ...sessionChunk.shape }),
    example: { ...exampleAbout, sessionId: exampleIds.session, content: '\u001b[32mok\u001b[0m\r\n', type: 'stdout' },
    to: [{ channel: 'session', event: 'session.stream_output' }],
  }),
}

function statusEvent(name: string, summary: string, reached: SessionStatus) {
  const failure = reached === 'error' ? { error: 'The model did not answer.' } : {}
  return event({
    summary,
    about,
    shows: status,
    example: { ...exampleAbout, sessionId: exampleIds.session, status: reached, ...failure },
    to: [{ channel: 'session', event: name }],
  })
}
