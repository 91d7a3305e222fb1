import * as z from 'zod'
import { named } from '../names.ts'
import { attemptId, cardId } from '../types/ids.ts'
import { boardId } from '../types/kanban.ts'
import { shell, shellChunk } from '../types/shells.ts'
import { externalId, line } from '../types/text.ts'
import { event } from './define.ts'
import { exampleIds } from './examples.ts'

/** The board and attempt of the shell; for an attempt also its card and agent. */
const about = z.strictObject({
  boardId: boardId.optional(),
  cardId: cardId.optional(),
  attemptId: attemptId.optional(),
  agentId: externalId.optional(),
})
const exampleAbout = {
  boardId: exampleIds.board,
  cardId: exampleIds.card,
  attemptId: exampleIds.attempt,
  agentId: exampleIds.agent,
}
const { command, exitCode: code } = shell.shape

export const shellEvents = {
  'shell.created': event({
    summary: 'A terminal was opened.',
    about,
    shows: z.strictObject({ shellId: externalId, command }),
    example: { ...exampleAbout, shellId: exampleIds.shell, command: 'npm test' },
    to: [{ channel: 'shell', event: 'shell.created' }],
  }),
  'shell.output': event({
    summary: 'A terminal printed output.',
    keep: 'transient',
    about,
    shows: z.strictObject({ shellId: externalId, ...shellChunk.shape }),
    example: { ...exampleAbout, shellId: exampleIds.shell, data: '\u001b[1mTests\u001b[0m  118 passed\r\n' },
    to: [{ channel: 'shell', event: 'shell.output' }],
  }),
  'shell.exit': event({
    summary: 'The command of a terminal exited; `code` is null if a signal ended it.',
    about,
    shows: z.strictObject({ shellId: externalId, code }),
    example: { ...exampleAbout, shellId: exampleIds.shell, code: 0 },
    to: [{ channel: 'shell', event: 'shell.exit' }],
  }),
  'shell.error': event({
    summary: 'A terminal had an error.',
    about,
    shows: named('ShellError', z.strictObject({ shellId: externalId, error: line })),
    example: { ...exampleAbout, shellId: exampleIds.shell, error: 'npm: command not found' },
    to: [{ channel: 'shell', event: 'shell.error' }],
  }),
}
