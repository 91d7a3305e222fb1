/** Parameters of paths: their schemas, examples and descriptions, by name. */
import * as z from 'zod'
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import {
  attemptId,
  cardId,
  columnId,
  messageId,
  profileId,
  runId,
  stepId,
  subtaskId,
  taskId,
} from '../../shared/src/types/ids.ts'
import { boardId } from '../../shared/src/types/kanban.ts'
import { externalId } from '../../shared/src/types/text.ts'

export interface PathParameter {
  readonly schema: z.ZodType
  readonly description: string
  readonly example: string
}

export const PATH_PARAMETERS: Readonly<Record<string, PathParameter>> = {
  boardId: { schema: boardId, description: 'The id of the board.', example: exampleIds.board },
  columnId: { schema: columnId, description: 'The id of the column.', example: exampleIds.nextColumn },
  cardId: { schema: cardId, description: 'The id of the card.', example: exampleIds.card },
  attemptId: { schema: attemptId, description: 'The id of the attempt.', example: exampleIds.attempt },
  agentId: { schema: externalId, description: 'The id of the agent.', example: exampleIds.agent },
  profileId: { schema: profileId, description: 'The id of the profile.', example: exampleIds.profile },
  sessionId: { schema: externalId, description: 'The id of the session.', example: exampleIds.session },
  runId: { schema: runId, description: 'The id of the workflow run.', example: exampleIds.run },
  stepId: { schema: stepId, description: 'The id of the step.', example: exampleIds.step },
  shellId: { schema: externalId, description: 'The id of the terminal.', example: exampleIds.shell },
  taskId: { schema: taskId, description: 'The id of the task.', example: exampleIds.task },
  subtaskId: { schema: subtaskId, description: 'The id of the subtask.', example: exampleIds.subtask },
  messageId: { schema: messageId, description: 'The id of the message.', example: exampleIds.message },
  kind: {
    schema: z.string(),
    description: 'The kind of the channel (`board`, `global`), or `everyone`, `control`, `snapshot`.',
    example: 'board',
  },
  file: {
    schema: z.string().regex(/^[a-z_.]+\.schema\.json$/),
    description: 'The name of the event there, and `.schema.json`.',
    example: 'card_moved.schema.json',
  },
  topic: { schema: externalId, description: 'The name of the topic.', example: exampleIds.topic },
}
