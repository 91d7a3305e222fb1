import * as z from 'zod'
import { exampleCursor, exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { shellEvents } from '../../shared/src/catalogue/shells.ts'
import { channelName } from '../../shared/src/channels.ts'
import { named } from '../../shared/src/names.ts'
import { cursor } from '../../shared/src/types/ids.ts'
import { type Shell, shell, shellChunk } from '../../shared/src/types/shells.ts'
import { line } from '../../shared/src/types/text.ts'
import { timestamp } from '../../shared/src/types/time.ts'
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
import { count, pageEnd } from './answers.ts'
import type { Api } from './api.ts'
import { oneOrMany } from './batch.ts'
import { exampleShell } from './examples.ts'
import { boardFilter, logPageQuery, pageLimit } from './paging.ts'
import { ANY_SUBJECT, knowledgeOf, type Need } from './rights.ts'
import { boardOr, shellOrBoard } from './things.ts'

const { id, boardId, attemptId, command, exitCode } = shell.shape

const newShell = named(
  'NewShell',
  z.strictObject({
    id: id.optional(),
    boardId: boardId.optional(),
    attemptId: attemptId.optional(),
    command: command.optional(),
  }),
)
const newChunk = named('NewShellChunk', shellChunk.extend({}))
const chunks = named('NewShellOutput', oneOrMany(newChunk, 'chunks', 'data'))
const exit = named('NewShellExit', z.strictObject({ code: exitCode }))
const failure = named('NewShellError', z.strictObject({ error: line }))
const filter = z.object({ boardId: boardFilter, limit: pageLimit })
const shellList = named('ShellList', z.strictObject({ shells: z.array(shell) }))
const storedChunk = named('StoredShellChunk', z.strictObject({ id: cursor, ...shellChunk.shape, ts: timestamp }))
const page = named('ShellOutputPage', z.strictObject({ chunks: z.array(storedChunk).readonly(), ...pageEnd }))

const chunk = { data: '\u001b[1mTests\u001b[0m  118 passed\r\n' }

export function registerShells(api: Api): void {
  api.mutate(
    'post',
    '/shells',
    {
      operationId: 'createShell',
      tag: 'Shells',
      summary: 'Opens a terminal.',
      status: 201,
      right: {
        by: 'body',
        to: '`shell:terminal:ID` of the `id` that is given; without one `attempt:ID` of the attempt, `board:ID` of the board, or `global`',
        needs: toCreate,
      },
      body: newShell,
      answer: shell,
      example: {
        body: { id: exampleIds.shell, attemptId: exampleIds.attempt, command: 'npm test' },
        answer: exampleShell,
      },
      errors: ['conflict'],
      emits: ['shell.created'],
    },
    async (tx, { body, subject }) => {
      const shell = await createShell(tx, body, knowledgeOf(subject))
      // Its board is that of its attempt, which is known only now.
      if (body.id === undefined && body.attemptId) authorizeAny(subject, 'publish', channelsOf(shell))
      return shell
    },
  )
  api.get(
    '/shells',
    {
      operationId: 'listShells',
      tag: 'Shells',
      summary: 'Lists the terminals.',
      right: ANY_SUBJECT,
      query: filter,
      answer: shellList,
      example: { answer: { shells: [exampleShell] } },
      errors: [],
    },
    async ({ sql, query, subject }) => ({
      shells: await listShells(sql, query, subject.subscribe),
    }),
  )
  api.get(
    '/shells/:shellId',
    {
      operationId: 'getShell',
      tag: 'Shells',
      summary: 'Reads a terminal.',
      right: shellOrBoard,
      answer: shell,
      example: { answer: exampleShell },
      errors: ['shell_not_found'],
    },
    ({ sql, params }) => getShell(sql, params.shellId),
  )
  api.mutate(
    'post',
    '/shells/:shellId/output',
    {
      operationId: 'appendShellOutput',
      tag: 'Shells',
      summary: 'Appends a chunk, or chunks, to the output of a terminal.',
      status: 202,
      right: shellOrBoard,
      body: chunks,
      answer: count,
      example: { body: { chunks: [chunk] }, answer: { count: 1 } },
      errors: ['shell_not_found'],
      emits: ['shell.output'],
    },
    async (tx, { params, body }) => ({
      count: await appendShellOutput(tx, params.shellId, body),
    }),
  )
  api.get(
    '/shells/:shellId/output',
    {
      operationId: 'listShellOutput',
      tag: 'Shells',
      summary: 'Reads a page of the output of a terminal.',
      right: shellOrBoard,
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
      errors: ['shell_not_found'],
    },
    ({ snapshot, params, query }) => readShellOutput(snapshot, params.shellId, query),
  )
  api.mutate(
    'post',
    '/shells/:shellId/exit',
    {
      operationId: 'exitShell',
      tag: 'Shells',
      summary: 'Records that the command of a terminal exited.',
      status: 200,
      right: shellOrBoard,
      body: exit,
      answer: shell,
      example: { body: { code: 0 }, answer: { ...exampleShell, status: 'exited', exitCode: 0 } },
      errors: ['shell_not_found', 'invalid_transition'],
      emits: ['shell.exit'],
    },
    (tx, { params, body }) => exitShell(tx, params.shellId, body.code),
  )
  api.mutate(
    'post',
    '/shells/:shellId/error',
    {
      operationId: 'reportShellError',
      tag: 'Shells',
      summary: 'Reports an error of a terminal, which stays as it is.',
      status: 202,
      right: shellOrBoard,
      body: failure,
      answer: shellEvents['shell.error'].shows,
      example: {
        body: { error: 'npm: command not found' },
        answer: { shellId: exampleIds.shell, error: 'npm: command not found' },
      },
      errors: ['shell_not_found'],
      emits: ['shell.error'],
    },
    (tx, { params, body }) => reportShellError(tx, params.shellId, body.error),
  )
}

/** An id of the client's choice needs the right to that shell: the answer tells whether there is one. */
function toCreate({ id, boardId, attemptId }: z.infer<typeof newShell>): readonly Need[] {
  if (id !== undefined) return [[channelName('shell', id)]]
  return attemptId ? [] : [[boardOr('global', boardId)]]
}

function channelsOf({ boardId, attemptId }: Shell): Need {
  return [boardOr('global', boardId), ...(attemptId === null ? [] : [channelName('attempt', attemptId)])]
}
