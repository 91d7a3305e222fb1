/** What clients send on a board socket. Commands are parsed with these schemas, and the contract shows them. */
import * as z from 'zod'
import { cardEdit, cardMove, newCard } from '../../shared/src/inputs/boards.ts'
import { cardId, columnId } from '../../shared/src/types/ids.ts'

const { index, ifRevision } = cardMove.shape

/** Names the card of a command; the other fields of the payload are those of the command. */
export const cardOfCommand = z.object({ cardId: cardId.min(1).max(200) })

/** Payloads, without `cardId`. */
export const boardCommands = {
  create_card: newCard,
  update_card: cardEdit,
  move_card: z.strictObject({ toColumnId: columnId, toIndex: index, ifRevision }),
  delete_card: z.strictObject({ ifRevision }),
} as const
export type BoardCommand = keyof typeof boardCommands

/** The messages that change something. */
export const BOARD_COMMANDS = Object.keys(boardCommands) as readonly BoardCommand[]
