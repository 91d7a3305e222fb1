import * as z from 'zod'
import { named } from '../names.ts'
import { branchName, fileChange, gitFile, gitSummary } from '../types/git.ts'
import { cardId, attemptId as id } from '../types/ids.ts'
import { anyJson } from '../types/json.ts'
import { boardId } from '../types/kanban.ts'
import { text } from '../types/text.ts'
import { timestamp } from '../types/time.ts'
import { event } from './define.ts'
import { exampleIds, exampleTime } from './examples.ts'

const attemptId = id.nullable()
/** The card is known if the attempt is. */
const about = z.strictObject({ boardId, cardId: cardId.optional() })
const exampleAbout = { boardId: exampleIds.board, cardId: exampleIds.card }
const push = named('GitPush', z.strictObject({ attemptId, remote: text(1, 500), branch: branchName, ts: timestamp }))
const examplePush = {
  ...exampleAbout,
  attemptId: exampleIds.attempt,
  remote: 'origin',
  branch: 'resume-by-id',
  ts: exampleTime,
}

export const gitEvents = {
  'git.status.changed': event({
    summary: 'The git status of a worktree.',
    about,
    shows: z.strictObject({
      attemptId: id.optional(),
      branch: branchName,
      ahead: z.int().min(0),
      behind: z.int().min(0),
      hasUncommitted: z.boolean(),
      summary: gitSummary,
      files: z.array(gitFile).optional(),
    }),
    example: {
      ...exampleAbout,
      attemptId: exampleIds.attempt,
      branch: 'resume-by-id',
      ahead: 1,
      behind: 0,
      hasUncommitted: true,
      summary: { added: 1, modified: 2, deleted: 0, untracked: 0, staged: 1 },
      files: ['src/cursor.ts'],
    },
    to: [{ channel: 'board', event: 'git_status' }],
  }),
  'git.commit.created': event({
    summary: 'A commit was made.',
    about,
    shows: named(
      'GitCommit',
      z.strictObject({
        attemptId,
        shortSha: text(1, 64),
        subject: text(0, 2_000),
        author: text(0, 500).optional(),
        ts: timestamp,
      }),
    ),
    example: {
      ...exampleAbout,
      attemptId: exampleIds.attempt,
      shortSha: '3f2a9bc',
      subject: 'Resume by id',
      author: exampleIds.agent,
      ts: exampleTime,
    },
    to: [{ channel: 'board', event: 'git_commit' }],
  }),
  'git.push.completed': event({
    summary: 'A branch was pushed.',
    about,
    shows: push,
    example: examplePush,
    to: [{ channel: 'board', event: 'git_push' }],
  }),
  'git.push.failed': event({
    summary: 'A push failed.',
    about,
    shows: named('GitPushFailed', push.extend({ error: text(0, 65_536) })),
    example: { ...examplePush, error: 'rejected: fetch first' },
    to: [{ channel: 'board', event: 'git_push_failed' }],
  }),
  'git.operation.completed': event({
    summary: 'Another operation on the repository ended.',
    about: z.strictObject({ boardId }),
    shows: named(
      'GitOperationCompleted',
      z.strictObject({ operation: text(1, 200), ok: z.boolean(), details: anyJson }),
    ),
    example: { boardId: exampleIds.board, operation: 'rebase', ok: true, details: { onto: 'main' } },
    to: [{ channel: 'project', event: 'git.operation.completed' }],
  }),
  'file.changed': event({
    summary: 'A file of the project changed.',
    about: z.strictObject({ boardId }),
    shows: fileChange,
    example: { boardId: exampleIds.board, path: 'src/cursor.ts', kind: 'renamed', oldPath: 'src/position.ts' },
    to: [{ channel: 'project', event: 'file.changed' }],
  }),
}
