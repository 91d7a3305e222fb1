import * as z from 'zod'
import { exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { gitEvents } from '../../shared/src/catalogue/git.ts'
import { named } from '../../shared/src/names.ts'
import { MAX_BATCH_LINES } from '../../shared/src/protocol.ts'
import { fileChange } from '../../shared/src/types/git.ts'
import { attemptId } from '../../shared/src/types/ids.ts'
import { instant } from '../../shared/src/types/time.ts'
import { reportCommit, reportFileChanges, reportGitOperation, reportGitStatus, reportPush } from '../domain/git.ts'
import { count } from './answers.ts'
import type { Api } from './api.ts'
import { channelOf } from './rights.ts'

const ofAttempt = { attemptId: attemptId.nullish() }
const { 'git.status.changed': statusChanged, 'git.commit.created': committed } = gitEvents
const { 'git.push.completed': pushed, 'git.push.failed': pushFailed } = gitEvents
const { 'git.operation.completed': operated } = gitEvents

const status = named('NewGitStatus', statusChanged.shows.extend(ofAttempt))
const commit = named('NewGitCommit', committed.shows.extend({ ...ofAttempt, ts: instant.optional() }))
const push = named(
  'NewGitPush',
  pushFailed.shows.extend({
    ...ofAttempt,
    ok: z.boolean().optional(),
    error: pushFailed.shows.shape.error.nullish(),
    ts: instant.optional(),
  }),
)
const operation = named('NewGitOperation', operated.shows.extend({ details: operated.shows.shape.details.optional() }))
const fileChanges = named(
  'NewFileChanges',
  z.strictObject({ changes: z.array(fileChange).min(1).max(MAX_BATCH_LINES) }),
)
const accepted = named('Accepted', z.strictObject({ accepted: z.literal(true) }))
const pushReport = named('GitPushReport', z.union([pushed.shows, pushFailed.shows]))

const ofExample = { attemptId: exampleIds.attempt }
const exampleCommit = { ...ofExample, shortSha: '3f2a9bc', subject: 'Resume by id', author: exampleIds.agent }
const examplePush = { ...ofExample, remote: 'origin', branch: 'resume-by-id' }
const exampleOperation = { operation: 'rebase', ok: true, details: { onto: 'main' } }

export function registerGit(api: Api): void {
  api.mutate(
    'post',
    '/boards/:boardId/git/status',
    {
      operationId: 'reportGitStatus',
      tag: 'Repositories',
      summary: 'Reports the git status of a worktree.',
      status: 202,
      right: channelOf('board', 'boardId'),
      body: status,
      answer: accepted,
      example: {
        body: {
          ...ofExample,
          branch: 'resume-by-id',
          ahead: 1,
          behind: 0,
          hasUncommitted: true,
          summary: { added: 1, modified: 2, deleted: 0, untracked: 0, staged: 1 },
          files: ['src/cursor.ts'],
        },
        answer: { accepted: true },
      },
      errors: ['board_not_found'],
      emits: ['git.status.changed'],
    },
    async (tx, { params, body }) => {
      await reportGitStatus(tx, params.boardId, body)
      return { accepted: true as const }
    },
  )
  api.mutate(
    'post',
    '/boards/:boardId/git/commits',
    {
      operationId: 'reportGitCommit',
      tag: 'Repositories',
      summary: 'Reports a commit.',
      status: 201,
      right: channelOf('board', 'boardId'),
      body: commit,
      answer: committed.shows,
      example: { body: exampleCommit, answer: { ...exampleCommit, ts: exampleTime } },
      errors: ['board_not_found'],
      emits: ['git.commit.created'],
    },
    (tx, { params, body }) => reportCommit(tx, params.boardId, body),
  )
  api.mutate(
    'post',
    '/boards/:boardId/git/pushes',
    {
      operationId: 'reportGitPush',
      tag: 'Repositories',
      summary: 'Reports a push, or one that failed.',
      status: 201,
      right: channelOf('board', 'boardId'),
      body: push,
      answer: pushReport,
      example: { body: examplePush, answer: { ...examplePush, ts: exampleTime } },
      errors: ['board_not_found'],
      emits: ['git.push.completed', 'git.push.failed'],
    },
    (tx, { params, body }) => reportPush(tx, params.boardId, body),
  )
  api.mutate(
    'post',
    '/boards/:boardId/git/operations',
    {
      operationId: 'reportGitOperation',
      tag: 'Repositories',
      summary: 'Reports another operation on the repository.',
      status: 201,
      right: channelOf('board', 'boardId'),
      body: operation,
      answer: operated.shows,
      example: { body: exampleOperation, answer: exampleOperation },
      errors: ['board_not_found'],
      emits: ['git.operation.completed'],
    },
    (tx, { params, body }) => reportGitOperation(tx, params.boardId, body),
  )
  api.mutate(
    'post',
    '/boards/:boardId/files/changes',
    {
      operationId: 'reportFileChanges',
      tag: 'Repositories',
      summary: 'Reports files that changed.',
      status: 202,
      right: channelOf('board', 'boardId'),
      body: fileChanges,
      answer: count,
      example: {
        body: { changes: [{ path: 'src/cursor.ts', kind: 'renamed', oldPath: 'src/position.ts' }] },
        answer: { count: 1 },
      },
      errors: ['board_not_found'],
      emits: ['file.changed'],
    },
    async (tx, { params, body }) => ({
      count: await reportFileChanges(tx, params.boardId, body.changes),
    }),
  )
}
