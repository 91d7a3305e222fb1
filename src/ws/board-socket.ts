/** What a board socket understands: the commands on cards of its own board, and asking for the state. */
import * as z from 'zod'
import { cardEdit, cardMove, newCard } from '../../shared/src/inputs/boards.ts'
import { Problem } from '../base/errors.ts'
import { parseInput } from '../base/validation.ts'
import type { Store, Tx } from '../db/store.ts'
import { createCard, deleteCard, getCard, moveCard, updateCard } from '../domain/cards.ts'
import { idIn, type MessageId, messageId, mustBeShallow, objectIn } from './messages.ts'
import type { Conversation, Peer } from './peer.ts'
import { asProblem, BINARY, TOO_MANY } from './socket-errors.ts'

export interface BoardSocketDependencies {
  readonly store: Store
  /** Throws while nothing may be changed. */
  refuseMutations(): void
  onError(error: unknown): void
}

const cardOf = z.object({ cardId: z.string().min(1).max(200) })
const ifRevision = z.int().optional()
const move = z.strictObject({
  toColumnId: z.string(),
  toIndex: cardMove.shape.index,
  ifRevision: cardMove.shape.ifRevision,
})
const deletion = z.strictObject({ ifRevision })

const COMMANDS = 'get_state, create_card, update_card, move_card, delete_card, ping'

export function boardConversation(dependencies: BoardSocketDependencies, boardId: string, peer: Peer): Conversation {
  const { store, onError } = dependencies

  function mutate(work: (tx: Tx) => Promise<unknown>): Promise<string> {
    dependencies.refuseMutations()
    return store.transact(async (tx) => {
      await work(tx)
      return tx.eventId
    })
  }

  /** A command with the id of a card, which must be one of this board's. */
  function onCard(payload: unknown, work: (tx: Tx, cardId: string, rest: object) => Promise<unknown>): Promise<string> {
    const { cardId, ...rest } = { ...(payload as object), ...parseInput(cardOf, payload ?? {}, 'message') }
    return mutate(async (tx) => {
      const card = await getCard(tx.sql, cardId)
      if (card.boardId !== boardId) {
        throw new Problem(
          'card_not_found',
          `There is no card ${cardId} on board ${boardId}, which this socket is bound to.`,
        )
      }
      await work(tx, cardId, rest)
    })
  }

  /** Carries out a command, and resolves to the id of its last event, where it has one. */
  async function carryOut(type: unknown, payload: unknown): Promise<string | undefined> {
    switch (type) {
      case 'create_card': {
        const input = parseInput(newCard, payload ?? {}, 'message')
        return mutate((tx) => createCard(tx, boardId, input))
      }
      case 'update_card':
        return onCard(payload, (tx, cardId, rest) => updateCard(tx, cardId, parseInput(cardEdit, rest, 'message')))
      case 'move_card':
        return onCard(payload, (tx, cardId, rest) => {
          const { toColumnId, toIndex, ifRevision } = parseInput(move, rest, 'message')
          return moveCard(tx, cardId, { columnId: toColumnId, index: toIndex, ifRevision }).catch(asCommand)
        })
      case 'delete_card':
        return onCard(payload, (tx, cardId, rest) =>
          deleteCard(tx, cardId, parseInput(deletion, rest, 'message').ifRevision),
        )
      default:
        throw new Problem(
          'bad_request',
          `${JSON.stringify(type)?.slice(0, 100) ?? 'No type'} is not a command. There are ${COMMANDS}.`,
        )
    }
  }

  function fail(id: MessageId | undefined, error: unknown): void {
    if (!(error instanceof Problem)) onError(error)
    const { message, code } = asProblem(error)
    const refusal = { error: message, code }
    if (id === undefined) peer.send({ type: 'error', payload: refusal })
    else peer.send({ type: 'ack', payload: { id, success: false, ...refusal } })
  }

  function acknowledge(id: MessageId | undefined, eventId?: string): void {
    if (id !== undefined) peer.send({ type: 'ack', payload: { id, success: true, ...(eventId && { eventId }) } })
  }

  function show(shown: () => void): Promise<void> {
    return new Promise((resolve) => {
      peer.subscription.change({
        kind: 'show',
        done() {
          shown()
          resolve()
        },
      })
    })
  }

  return {
    async message(text) {
      let id: MessageId | undefined
      try {
        const message = objectIn(text)
        id = messageId(message.id)
        mustBeShallow(message)
        const { type, payload } = message
        if (type === 'pong') return
        if (type === 'ping') peer.send({ type: 'pong', payload: tsOf(payload) })
        else if (type === 'get_state') await show(() => acknowledge(id))
        else acknowledge(id, await carryOut(type, payload))
      } catch (error) {
        fail(id, error)
      }
    },
    refusal(text) {
      const id = idIn(text)
      return () => fail(id, TOO_MANY)
    },
    binary() {
      peer.send({ type: 'error', payload: { error: BINARY.message, code: BINARY.code } })
    },
  }
}

/** What it is sent is ignored. */
export const dashboardConversation: Conversation = {
  message: () => Promise.resolve(),
  refusal: () => () => undefined,
  binary: () => undefined,
}

/** The command has names of its own for the fields of the route. */
function asCommand(thrown: unknown): never {
  if (!(thrown instanceof Problem) || !thrown.errors) throw thrown
  const errors = thrown.errors.map(({ path, message }) => ({ path: path.replace(/^columnId$/, 'toColumnId'), message }))
  throw new Problem(thrown.code, thrown.message.replace(/^columnId /, 'toColumnId '), { errors })
}

/** A ping may be of any shape; only its `ts` comes back. */
function tsOf(payload: unknown): object {
  const ts = typeof payload === 'object' && payload !== null && 'ts' in payload ? payload.ts : undefined
  return ts === undefined ? {} : { ts }
}
