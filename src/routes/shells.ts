import * as z from 'zod'
import { channelName } from '../../shared/src/channels.ts'
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
import { ANY_SUBJECT, type Need } from './rights.ts'
import { boardOr, shellOrBoard } from './things.ts'

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
  api.mutate(
    'post',
    '/shells',
    { status: 201, right: { by: 'body', needs: (body) => [toCreate(body)] }, body: creation },
    (tx, { body }) => createShell(tx, body),
  )
  api.get('/shells', { right: ANY_SUBJECT, query: filter }, async ({ sql, query }) => ({
    shells: await listShells(sql, query),
  }))
  api.get('/shells/:id', { right: shellOrBoard }, ({ sql, params }) => getShell(sql, params.id))
  api.mutate(
    'post',
    '/shells/:id/output',
    { status: 202, right: shellOrBoard, body: chunks },
    async (tx, { params, body }) => ({
      count: await appendShellOutput(tx, params.id, body),
    }),
  )
  api.get('/shells/:id/output', { right: shellOrBoard, query: logPageQuery }, ({ snapshot, params, query }) =>
    readShellOutput(snapshot, params.id, query),
  )
  api.mutate('post', '/shells/:id/exit', { status: 200, right: shellOrBoard, body: exit }, (tx, { params, body }) =>
    exitShell(tx, params.id, body.code),
  )
  api.mutate('post', '/shells/:id/error', { status: 202, right: shellOrBoard, body: failure }, (tx, { params, body }) =>
    reportShellError(tx, params.id, body.error),
  )
}

function toCreate({ id, boardId }: z.infer<typeof creation>): Need {
  return [...(id ? [channelName('shell', id)] : []), boardOr('global', boardId)]
}
