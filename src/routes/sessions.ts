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
  api.mutate('post', '/sessions', { status: 201, body: creation }, (tx, { body }) => createSession(tx, body))
  api.get('/sessions', { query: filter }, async ({ sql, query }) => ({ sessions: await listSessions(sql, query) }))
  api.get('/sessions/:id', {}, ({ sql, params }) => getSession(sql, params.id))
  api.mutate('patch', '/sessions/:id', { status: 200, body: changes }, (tx, { params, body }) =>
    updateSession(tx, params.id, body),
  )
  api.mutate('post', '/sessions/:id/output', { status: 202, body: chunks }, async (tx, { params, body }) => ({
    count: await appendSessionOutput(tx, params.id, body),
  }))
  api.get('/sessions/:id/output', { query: logPageQuery }, ({ snapshot, params, query }) =>
    readSessionOutput(snapshot, params.id, query),
  )
}
