import * as z from 'zod'
import { gitEvents } from '../../shared/src/catalogue/git.ts'
import { MAX_BATCH_LINES } from '../../shared/src/protocol.ts'
import { fileChange } from '../../shared/src/types/git.ts'
import { instant } from '../../shared/src/types/time.ts'
import { reportCommit, reportFileChanges, reportGitOperation, reportGitStatus, reportPush } from '../domain/git.ts'
import type { Api } from './api.ts'
import { channelOf } from './rights.ts'

const ofAttempt = { attemptId: z.string().nullish() }
const { 'git.status.changed': statusChanged, 'git.commit.created': committed } = gitEvents
const { 'git.push.failed': pushFailed, 'git.operation.completed': operated } = gitEvents

const status = statusChanged.shows.extend(ofAttempt)
const commit = committed.shows.extend({ ...ofAttempt, ts: instant.optional() })
const push = pushFailed.shows.extend({
  ...ofAttempt,
  ok: z.boolean().optional(),
  error: pushFailed.shows.shape.error.nullish(),
  ts: instant.optional(),
})
const operation = operated.shows.extend({ details: operated.shows.shape.details.optional() })
const fileChanges = z.strictObject({ changes: z.array(fileChange).min(1).max(MAX_BATCH_LINES) })

export function registerGit(api: Api): void {
  api.mutate(
    'post',
    '/boards/:id/git/status',
    { status: 202, right: channelOf('board'), body: status },
    async (tx, { params, body }) => {
      await reportGitStatus(tx, params.id, body)
      return { accepted: true }
    },
  )
  api.mutate(
    'post',
    '/boards/:id/git/commits',
    { status: 201, right: channelOf('board'), body: commit },
    (tx, { params, body }) => reportCommit(tx, params.id, body),
  )
  api.mutate(
    'post',
    '/boards/:id/git/pushes',
    { status: 201, right: channelOf('board'), body: push },
    (tx, { params, body }) => reportPush(tx, params.id, body),
  )
  api.mutate(
    'post',
    '/boards/:id/git/operations',
    { status: 201, right: channelOf('board'), body: operation },
    (tx, { params, body }) => reportGitOperation(tx, params.id, body),
  )
  api.mutate(
    'post',
    '/boards/:id/files/changes',
    { status: 202, right: channelOf('board'), body: fileChanges },
    async (tx, { params, body }) => ({
      count: await reportFileChanges(tx, params.id, body.changes),
    }),
  )
}
