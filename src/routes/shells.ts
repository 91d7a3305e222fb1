import * as z from 'zod'
import { shell, shellChunk } from '../../shared/src/types/shells.ts'
import { line } from '../../shared/src/types/text.ts'
import {
  appendShellOutput,
  createShell,
  exitShell,
  getShell,
  listShells,
  readShellOutput,
  reportShellError,
} from '../domain/shells.ts'
import type { Api } from './api.ts'
import { oneOrMany } from './batch.ts'
import { logPageQuery, pageLimit } from './paging.ts'

const { id, boardId, attemptId, command, exitCode } = shell.shape

const creation = z.strictObject({
  id: id.optional(),
  boardId: boardId.optional(),
  attemptId: attemptId.optional(),
  command: command.optional(),
})
const chunks = oneOrMany(shellChunk, 'chunks', 'data')
const exit = z.strictObject({ code: exitCode })
const failure = z.strictObject({ error: line })
const filter = z.object({ boardId: boardId.unwrap().optional(), limit: pageLimit })

export function registerShells(api: Api): void {
  api.mutate('post', '/shells', { status: 201, body: creation }, (tx, { body }) => createShell(tx, body))
  api.get('/shells', { query: filter }, async ({ sql, query }) => ({ shells: await listShells(sql, query) }))
  api.get('/shells/:id', {}, ({ sql, params }) => getShell(sql, params.id))
  api.mutate('post', '/shells/:id/output', { status: 202, body: chunks }, async (tx, { params, body }) => ({
    count: await appendShellOutput(tx, params.id, body),
  }))
  api.get('/shells/:id/output', { query: logPageQuery }, ({ snapshot, params, query }) =>
    readShellOutput(snapshot, params.id, query),
  )
  api.mutate('post', '/shells/:id/exit', { status: 200, body: exit }, (tx, { params, body }) =>
    exitShell(tx, params.id, body.code),
  )
  api.mutate('post', '/shells/:id/error', { status: 202, body: failure }, (tx, { params, body }) =>
    reportShellError(tx, params.id, body.error),
  )
}
