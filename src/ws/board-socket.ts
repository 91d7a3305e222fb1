/** The messages of a board socket: commands on the cards of its board, and a request for the state. */
import { channelName } from '../../shared/src/channels.ts'
import { authorize } from '../auth/rights.ts'
import type { Subject } from '../auth/subject.ts'
import { asProblem, Problem } from '../base/errors.ts'
import { parseInput } from '../base/validation.ts'
import type { Admission } from '../connections/admission.ts'
import type { Drain } from '../connections/drain.ts'
import { findCard } from '../db/rows/cards.ts'
import { OutcomeUnknown } from '../db/storage-fault.ts'
import type { Store, Tx } from '../db/store.ts'
import { createCard, deleteCard, moveCard, updateCard } from '../domain/cards.ts'
import { BOARD_COMMANDS, type BoardCommand, boardCommands, cardOfCommand } from './board-messages.ts'
import { idIn, type MessageId, messageId, mustBeShallow, objectIn } from './messages.ts'
import type { MessageHandler, Peer } from './peer.ts'
import { BINARY, TOO_MANY } from './socket-errors.ts'

export interface BoardSocketDependencies {
  readonly store: Store
  readonly drain: Drain
  readonly admission: Admission
  onError(error: unknown): void
}

export class BoardSocket implements MessageHandler {
  readonly #store: Store
  readonly #drain: Drain
  readonly #admission: Admission
  readonly #onError: (error: unknown) => void
  readonly #boardId: string
  readonly #subject: Subject
  /** For limits. */
  readonly #address: string
  readonly #peer: Peer

  constructor(
    { store, drain, admission, onError }: BoardSocketDependencies,
    { boardId, subject, address }: { boardId: string; subject: Subject; address: string },
    peer: Peer,
  ) {
    this.#store = store
    this.#drain = drain
    this.#admission = admission
    this.#onError = onError
    this.#boardId = boardId
    this.#subject = subject
    this.#address = address
    this.#peer = peer
  }

  async message(text: string): Promise<void> {
    let id: MessageId | undefined
    try {
      const message = objectIn(text)
      id = messageId(message.id)
      mustBeShallow(message)
      const { type, payload } = message
      if (type === 'pong') return
      if (type === 'ping') this.#peer.send({ type: 'pong', payload: tsOf(payload) })
      else if (type === 'get_state') await this.#sendState(id)
      else this.#acknowledge(id, await this.#carryOut(type, payload))
    } catch (error) {
      this.#fail(id, error)
    }
  }

  refusal(text: string): () => void {
    const id = idIn(text)
    return () => this.#fail(id, TOO_MANY)
  }

  binary(): void {
    this.#peer.send({ type: 'error', payload: { error: BINARY.message, code: BINARY.code } })
  }

  /** Resolves to the id of the command's last event. Rejects with `forbidden` and what the route rejects with. */
  async #carryOut(type: unknown, payload: unknown): Promise<string> {
    const command = commandOf(type)
    authorize(this.#subject, 'publish', channelName('board', this.#boardId))
    this.#admission.spendMutation(this.#subject, this.#address)
    switch (command) {
      case 'create_card': {
        const input = parseInput(boardCommands.create_card, payload ?? {}, 'message')
        return this.#mutate((tx) => createCard(tx, this.#boardId, input))
      }
      case 'update_card':
        return this.#onCard(payload, (tx, cardId, rest) =>
          updateCard(tx, cardId, parseInput(boardCommands.update_card, rest, 'message')),
        )
      case 'move_card':
        return this.#onCard(payload, (tx, cardId, rest) => {
          const { toColumnId, toIndex, ifRevision } = parseInput(boardCommands.move_card, rest, 'message')
          return moveCard(tx, cardId, { columnId: toColumnId, index: toIndex, ifRevision }).catch(asCommand)
        })
      case 'delete_card':
        return this.#onCard(payload, (tx, cardId, rest) =>
          deleteCard(tx, cardId, parseInput(boardCommands.delete_card, rest, 'message').ifRevision),
        )
    }
  }

  /** A command on a card, which must be on this board. */
  #onCard(payload: unknown, work: (tx: Tx, cardId: string, rest: object) => Promise<unknown>): Promise<string> {
    const { cardId, ...rest } = { ...(payload as object), ...parseInput(cardOfCommand, payload ?? {}, 'message') }
    return this.#mutate(async (tx) => {
      const card = await findCard(tx.sql, cardId)
      // The same words whether or not there is such a card elsewhere.
      if (card?.card.boardId !== this.#boardId) {
        throw new Problem(
          'card_not_found',
          `There is no card ${cardId} on board ${this.#boardId}, which this socket is bound to.`,
        )
      }
      await work(tx, cardId, rest)
    })
  }

  #mutate(work: (tx: Tx) => Promise<unknown>): Promise<string> {
    this.#drain.refuseMutations()
    const { actor } = this.#subject
    return this.#store.transact(
      async (tx) => {
        await work(tx)
        return tx.eventId
      },
      { actor },
    )
  }

  async #sendState(id: MessageId | undefined): Promise<void> {
    // What is rendered may be kept from before a change on another node. After a read its event has been published here.
    await this.#store.read(async () => undefined)
    await new Promise<void>((resolve) => {
      this.#peer.subscription.change({
        kind: 'show',
        done: () => {
          this.#acknowledge(id)
          resolve()
        },
      })
    })
  }

  #acknowledge(id: MessageId | undefined, eventId?: string): void {
    if (id !== undefined) this.#peer.send({ type: 'ack', payload: { id, success: true, ...(eventId && { eventId }) } })
  }

  #fail(id: MessageId | undefined, error: unknown): void {
    if (error instanceof OutcomeUnknown) throw error
    if (!(error instanceof Problem)) this.#onError(error)
    const { message, code } = asProblem(error)
    const refusal = { error: message, code }
    if (id === undefined) this.#peer.send({ type: 'error', payload: refusal })
    else this.#peer.send({ type: 'ack', payload: { id, success: false, ...refusal } })
  }
}

function commandOf(type: unknown): BoardCommand {
  const command = BOARD_COMMANDS.find((known) => known === type)
  if (command !== undefined) return command
  throw new Problem(
    'bad_request',
    `${JSON.stringify(type)?.slice(0, 100) ?? 'No type'} is not a command. There are get_state, ${BOARD_COMMANDS.join(', ')}, ping.`,
  )
}

/** A dashboard socket ignores messages. */
export const dashboardSocket: MessageHandler = {
  message: () => Promise.resolve(),
  refusal: () => () => undefined,
  binary: () => undefined,
}

/** The field of the command is not named like that of the route. */
function asCommand(thrown: unknown): never {
  if (!(thrown instanceof Problem) || !thrown.errors) throw thrown
  const errors = thrown.errors.map(({ path, message }) => ({ path: path.replace(/^columnId$/, 'toColumnId'), message }))
  throw new Problem(thrown.code, thrown.message.replace(/^columnId /, 'toColumnId '), { errors })
}

/** A ping may be of any shape; only its `ts` is returned. */
function tsOf(payload: unknown): object {
  const ts = typeof payload === 'object' && payload !== null && 'ts' in payload ? payload.ts : undefined
  return ts === undefined ? {} : { ts }
}
