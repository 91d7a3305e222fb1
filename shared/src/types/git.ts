/** What runners report about a board's repository. */
import * as z from 'zod'
import { named } from '../names.ts'
import { anyJson } from './json.ts'
import { text } from './text.ts'

const count = z.int().min(0)

export const gitSummary = named(
  'GitSummary',
  z.strictObject({
    added: count,
    modified: count,
    deleted: count,
    untracked: count,
    staged: count,
  }),
)
export const gitFile = z.union([text(1, 4_096), z.record(z.string(), anyJson)])
export const branchName = text(1, 500)
export const fileChangeKind = named('FileChangeKind', z.enum(['created', 'modified', 'deleted', 'renamed']))
export const fileChange = named(
  'FileChange',
  z.strictObject({
    path: text(1, 4_096),
    kind: fileChangeKind,
    oldPath: text(1, 4_096).optional(),
  }),
)
export type FileChange = z.infer<typeof fileChange>
