import * as z from 'zod'
import { channelName } from '../../shared/src/channels.ts'
import { type Shell, shell, shellChunk } from '../../shared/src/types/shells.ts'
import { line } from '../../shared/src/types/text.ts'
import { authorizeAny } from '../auth/rights.ts'
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
import { ANY_SUBJECT, knowledgeOf, type Need } from './rights.ts'
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
    { status: 201, right: { by: 'body', needs: toCreate }, body: creation },
    async (tx, { body, subject }) => {
      const shell = await createShell(tx, body, knowledgeOf(subject))
      // Its board is that of its attempt, which is known only now.
      if (body.id === undefined && body.attemptId) authorizeAny(subject, 'publish', channelsOf(shell))
      return shell
    },
  )
  api.get('/shells', { right: ANY_SUBJECT, query: filter }, async ({ sql, query, subject }) => ({
    shells: await listShells(sql, query, subject.subscribe),
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

/** An id of the client's choice needs the right to that shell: the answer tells whether there is one. */
function toCreate({ id, boardId, attemptId }: z.infer<typeof creation>): readonly Need[] {
  if (id !== undefined) return [[channelName('shell', id)]]
  return attemptId ? [] : [[boardOr('global', boardId)]]
}

function channelsOf({ boardId, attemptId }: Shell): Need {
  return [boardOr('global', boardId), ...(attemptId === null ? [] : [channelName('attempt', attemptId)])]
}
