import * as z from 'zod'
import { session, sessionChunk } from '../../shared/src/types/sessions.ts'
import {
  appendSessionOutput,
  createSession,
  getSession,
  listSessions,
  readSessionOutput,
  updateSession,
} from '../domain/sessions.ts'
import type { Api } from './api.ts'
import { oneOrMany } from './batch.ts'
import { logPageQuery, pageLimit } from './paging.ts'
import { ANY_SUBJECT, channelOf, knowledgeOf, type Need, type Speaker } from './rights.ts'
import { boardOr, sessionOr } from './things.ts'

const { id, boardId, agentId, name, status, error } = session.shape

const creation = z.strictObject({
  id: id.optional(),
  boardId: boardId.optional(),
  agentId: agentId.optional(),
  name: name.optional(),
  status: status.extract(['idle', 'working']).optional(),
})
const changes = z.strictObject({ status, error: error.optional() })
const chunks = oneOrMany(sessionChunk.partial({ type: true }), 'chunks', 'content')
const filter = z.object({ boardId: boardId.unwrap().optional(), limit: pageLimit })

export function registerSessions(api: Api): void {
  api.mutate(
    'post',
    '/sessions',
    {
      status: 201,
      right: { by: 'body', needs: (body) => [toCreate(body)] },
      speaksFor: ({ body }) => ({ session: body.id }),
      body: creation,
    },
    (tx, { body, subject }) => createSession(tx, body, knowledgeOf(subject)),
  )
  api.get('/sessions', { right: ANY_SUBJECT, query: filter }, async ({ sql, query, subject }) => ({
    sessions: await listSessions(sql, query, subject.subscribe),
  }))
  api.get('/sessions/:id', { right: channelOf('session') }, ({ sql, params }) => getSession(sql, params.id))
  api.mutate(
    'patch',
    '/sessions/:id',
    { status: 200, right: channelOf('session'), speaksFor, body: changes },
    (tx, { params, body }) => updateSession(tx, params.id, body),
  )
  api.mutate(
    'post',
    '/sessions/:id/output',
    { status: 202, right: channelOf('session'), speaksFor, body: chunks },
    async (tx, { params, body }) => ({
      count: await appendSessionOutput(tx, params.id, body),
    }),
  )
  api.get('/sessions/:id/output', { right: channelOf('session'), query: logPageQuery }, ({ snapshot, params, query }) =>
    readSessionOutput(snapshot, params.id, query),
  )
}

function speaksFor({ params }: { params: { readonly id: string } }): Speaker {
  return { session: params.id }
}

/** A session whose id the server makes up is created for its board, or for everybody. */
function toCreate({ id, boardId }: z.infer<typeof creation>): Need {
  return [sessionOr(boardOr('global', boardId), id)]
}
