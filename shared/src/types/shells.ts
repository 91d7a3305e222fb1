/** Terminals, and their output. Types are inferred from the schemas. */
import * as z from 'zod'
import { named } from '../names.ts'
import { attemptId } from './ids.ts'
import { boardId } from './kanban.ts'
import { externalId, line, text } from './text.ts'

export const shellStatus = named('ShellStatus', z.enum(['open', 'exited']))

export const shell = named(
  'Shell',
  z.strictObject({
    // `shell:terminal:x` is the channel of the shell x, so it cannot also name a shell called `terminal:x`.
    id: externalId.refine((id) => !id.startsWith('terminal:'), 'may not begin with terminal:'),
    boardId: boardId.nullable(),
    attemptId: attemptId.nullable(),
    command: text(0, 65_536).nullable(),
    status: shellStatus,
    /** null until it exits, and if a signal ended it. */
    exitCode: z.int().nullable(),
  }),
)
export type Shell = z.infer<typeof shell>

/** One piece of a terminal's output, escape sequences included. */
export const shellChunk = z.strictObject({ data: line })
export type ShellChunk = z.infer<typeof shellChunk>
