/** Requests about boards, columns and cards: over HTTP, and as the commands of a board socket. */
import * as z from 'zod'
import { named } from '../names.ts'
import { cardId, columnId } from '../types/ids.ts'
import {
  board,
  boardId,
  card,
  column,
  columnKey,
  labels,
  priority,
  stage,
  ticketPrefix,
  ticketType,
} from '../types/kanban.ts'
import { externalId, text, webUrl } from '../types/text.ts'

/** A list index; clamped if out of range. */
const index = z.int()
const ifRevision = z.int()
/** A key of another form belongs to no column, and the answer says that. */
const keyOfColumn = z.string().meta({ pattern: '^[a-z0-9][a-z0-9_-]{0,63}$' })
const MAX_COLUMNS = 100
const MAX_DEPENDENCIES = 1_000

/** What is 1 to 100 characters long when it is trimmed. */
const LABEL = '^\\s*\\S([\\s\\S]{0,98}\\S)?\\s*$'

/** Trimmed and deduplicated; the first of two stays. */
const labelList = z
  .array(z.string().meta({ pattern: LABEL }).trim().pipe(text(1, 100)))
  .max(50)
  .transform((list) => [...new Set(list)])
  .pipe(labels)

const dependencyList = z.array(cardId.min(1).max(200)).max(MAX_DEPENDENCIES)

export const newBoard = named(
  'NewBoard',
  z.strictObject({
    id: boardId.optional(),
    name: board.shape.name,
    description: board.shape.description.optional(),
    ticketPrefix: ticketPrefix.optional(),
    columns: z
      .array(z.strictObject({ title: column.shape.title, key: columnKey.nullable().optional() }))
      .min(1)
      .max(MAX_COLUMNS)
      .optional(),
  }),
)
export type NewBoard = z.infer<typeof newBoard>

export const boardEdit = named(
  'BoardEdit',
  z.strictObject({ name: board.shape.name, description: board.shape.description }).partial(),
)
export type BoardEdit = z.infer<typeof boardEdit>

export const newColumn = named(
  'NewColumn',
  z.strictObject({
    title: column.shape.title,
    key: columnKey.nullable().optional(),
    index: index.optional(),
  }),
)
export type NewColumn = z.infer<typeof newColumn>

export const columnEdit = named(
  'ColumnEdit',
  z.strictObject({ title: column.shape.title, key: columnKey.nullable(), index }).partial(),
)
export type ColumnEdit = z.infer<typeof columnEdit>

const newCardFields = z.strictObject({
  title: card.shape.title,
  columnId: columnId.optional(),
  columnKey: keyOfColumn.optional(),
  index: index.optional(),
  description: card.shape.description.optional(),
  ticketType: ticketType.nullable().optional(),
  priority: priority.nullable().optional(),
  labels: labelList.optional(),
  stage: stage.nullable().optional(),
  dependsOn: dependencyList.optional(),
  assignedAgentId: externalId.nullable().optional(),
})
export const newCard = named(
  'NewCard',
  newCardFields
    .refine(namesOneColumn, {
      path: ['columnKey'],
      message: 'cannot be given together with columnId',
    })
    .meta({ not: { required: ['columnId', 'columnKey'] } }),
)
export type NewCard = z.infer<typeof newCard>

export const cardEdit = named(
  'CardEdit',
  z
    .strictObject({
      title: card.shape.title,
      description: card.shape.description,
      ticketType: ticketType.nullable(),
      priority: priority.nullable(),
      labels: labelList,
      stage: stage.nullable(),
      dependsOn: dependencyList,
      assignedAgentId: externalId.nullable(),
      isEnhanced: z.boolean(),
      prUrl: webUrl.nullable(),
      ifRevision,
    })
    .partial(),
)
export type CardEdit = z.infer<typeof cardEdit>

export const cardMove = named(
  'CardMove',
  z
    .strictObject({
      columnId: columnId.optional(),
      columnKey: keyOfColumn.optional(),
      index: index.optional(),
      ifRevision: ifRevision.optional(),
    })
    .refine(namesOneColumn, { path: ['columnKey'], message: 'cannot be given together with columnId' })
    .refine((move) => move.columnId !== undefined || move.columnKey !== undefined, {
      path: ['columnId'],
      message: 'is missing: say where to with columnId or columnKey',
    })
    .meta({ oneOf: [{ required: ['columnId'] }, { required: ['columnKey'] }] }),
)
export type CardMove = z.infer<typeof cardMove>

/** The query of a deletion. */
export const cardDeletion = z.object({
  ifRevision: z
    .string()
    .regex(/^[0-9]{1,15}$/, 'must be a whole number')
    .meta({ description: 'Refused if the card is not at this revision.', examples: ['1'] })
    .transform(Number)
    .optional(),
})

function namesOneColumn(target: { columnId?: string | undefined; columnKey?: string | undefined }): boolean {
  return target.columnId === undefined || target.columnKey === undefined
}
