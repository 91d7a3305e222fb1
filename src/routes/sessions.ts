import * as z from 'zod'
import { exampleCursor, exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { named } from '../../shared/src/names.ts'
import { cursor } from '../../shared/src/types/ids.ts'
import { session, sessionChunk } from '../../shared/src/types/sessions.ts'
import { timestamp } from '../../shared/src/types/time.ts'
import {
  appendSessionOutput,
  createSession,
  getSession,
  listSessions,
  readSessionOutput,
  updateSession,
} from '../domain/sessions.ts'
import { count, pageEnd } from './answers.ts'
import type { Api } from './api.ts'
import { oneOrMany } from './batch.ts'
import { exampleSession } from './examples.ts'
import { boardFilter, logPageQuery, pageLimit } from './paging.ts'
import { ANY_SUBJECT, channelOf, knowledgeOf, type Need, type Speaker } from './rights.ts'
import { boardOr, sessionOr } from './things.ts'

const { id, boardId, agentId, name, status, error } = session.shape

const newSession = named(
  'NewSession',
  z.strictObject({
    id: id.optional(),
    boardId: boardId.optional(),
    agentId: agentId.optional(),
    name: name.optional(),
    status: status.extract(['idle', 'working']).optional(),
  }),
)
const sessionEdit = named('SessionEdit', z.strictObject({ status, error: error.optional() }))
const newChunk = named('NewSessionChunk', sessionChunk.partial({ type: true }))
const chunks = named('NewSessionOutput', oneOrMany(newChunk, 'chunks', 'content'))
const filter = z.object({ boardId: boardFilter, limit: pageLimit })
const sessionList = named('SessionList', z.strictObject({ sessions: z.array(session) }))
const storedChunk = named('StoredSessionChunk', z.strictObject({ id: cursor, ...sessionChunk.shape, ts: timestamp }))
const page = named('SessionOutputPage', z.strictObject({ chunks: z.array(storedChunk).readonly(), ...pageEnd }))

const chunk = { content: '\u001b[32mok\u001b[0m\r\n', type: 'stdout' } as const

export function registerSessions(api: Api): void {
  api.mutate(
    'post',
    '/sessions',
    {
      operationId: 'createSession',
      tag: 'Sessions',
      summary: 'Creates a session.',
      status: 201,
      right: {
        by: 'body',
        to: '`session:ID` of the `id` that is given; without one `board:ID` of the board, or `global`',
        needs: (body) => [toCreate(body)],
      },
      speaksFor: ({ body }) => ({ session: body.id }),
      body: newSession,
      answer: session,
      example: {
        body: {
          id: exampleIds.session,
          boardId: exampleIds.board,
          agentId: exampleIds.agent,
          name: 'Resume streams by id',
          status: 'working',
        },
        answer: exampleSession,
      },
      errors: ['conflict'],
      emits: ['session.created'],
    },
    (tx, { body, subject }) => createSession(tx, body, knowledgeOf(subject)),
  )
  api.get(
    '/sessions',
    {
      operationId: 'listSessions',
      tag: 'Sessions',
      summary: 'Lists the sessions.',
      right: ANY_SUBJECT,
      query: filter,
      answer: sessionList,
      example: { answer: { sessions: [exampleSession] } },
      errors: [],
    },
    async ({ sql, query, subject }) => ({
      sessions: await listSessions(sql, query, subject.subscribe),
    }),
  )
  api.get(
    '/sessions/:sessionId',
    {
      operationId: 'getSession',
      tag: 'Sessions',
      summary: 'Reads a session.',
      right: channelOf('session', 'sessionId'),
      answer: session,
      example: { answer: exampleSession },
      errors: ['session_not_found'],
    },
    ({ sql, params }) => getSession(sql, params.sessionId),
  )
  api.mutate(
    'patch',
    '/sessions/:sessionId',
    {
      operationId: 'updateSession',
      tag: 'Sessions',
      summary: 'Changes the status of a session, and its error.',
      status: 200,
      right: channelOf('session', 'sessionId'),
      speaksFor,
      body: sessionEdit,
      answer: session,
      example: { body: { status: 'completed' }, answer: { ...exampleSession, status: 'completed' } },
      errors: ['session_not_found', 'invalid_transition'],
      emits: ['session.updated', 'session.completed', 'session.error', 'session.cancelled'],
    },
    (tx, { params, body }) => updateSession(tx, params.sessionId, body),
  )
  api.mutate(
    'post',
    '/sessions/:sessionId/output',
    {
      operationId: 'appendSessionOutput',
      tag: 'Sessions',
      summary: 'Appends a chunk, or chunks, to the output of a session.',
      status: 202,
      right: channelOf('session', 'sessionId'),
      speaksFor,
      body: chunks,
      answer: count,
      example: { body: chunk, answer: { count: 1 } },
      errors: ['session_not_found'],
      emits: ['session.stream_output'],
    },
    async (tx, { params, body }) => ({
      count: await appendSessionOutput(tx, params.sessionId, body),
    }),
  )
  api.get(
    '/sessions/:sessionId/output',
    {
      operationId: 'listSessionOutput',
      tag: 'Sessions',
      summary: 'Reads a page of the output of a session.',
      right: channelOf('session', 'sessionId'),
      query: logPageQuery,
      answer: page,
      example: {
        answer: {
          chunks: [{ id: exampleCursor, ...chunk, ts: exampleTime }],
          cursor: exampleCursor,
          more: false,
          count: 1,
        },
      },
      errors: ['session_not_found'],
    },
    ({ snapshot, params, query }) => readSessionOutput(snapshot, params.sessionId, query),
  )
}

function speaksFor({ params }: { params: { readonly sessionId: string } }): Speaker {
  return { session: params.sessionId }
}

/** A session whose id the server makes up is created for its board, or for everybody. */
function toCreate({ id, boardId }: z.infer<typeof newSession>): Need {
  return [sessionOr(boardOr('global', boardId), id)]
}
