/** Messages of sockets besides events: what clients send, and what they are answered. */
import * as z from 'zod'
import { exampleCursor, exampleIds, exampleTime } from '../../shared/src/catalogue/examples.ts'
import type { ErrorCode } from '../../shared/src/errors.ts'
import { connectionId, cursor } from '../../shared/src/types/ids.ts'
import type { DeclaredRoute } from '../routes/declared.ts'
import { boardCommands, cardOfCommand } from '../ws/board-messages.ts'
import { channelMessages } from '../ws/channel-messages.ts'
import { messageIdSchema as messageId } from '../ws/messages.ts'
import { BINARY, SOCKET_CODES, socketCode } from '../ws/socket-errors.ts'

/** The type of a message, its schema and its examples. */
export interface SocketMessage {
  readonly type: string
  readonly summary: string
  readonly schema: z.ZodType
  readonly examples: readonly object[]
}

/** A message of clients. */
export interface Command extends SocketMessage {
  /** Names of the messages that it is answered by; those that are not in `answers` are snapshots. */
  readonly replies: readonly string[]
}

/** What is said on a socket besides its events. */
export interface SocketProtocol {
  readonly commands: readonly Command[]
  readonly answers: readonly SocketMessage[]
}

const at = Date.parse(exampleTime)
const now = z.int().min(0)
/** Without one, only a failure is answered. */
const id = messageId.nullish()

/** What may happen to any message. */
const ALWAYS: readonly ErrorCode[] = [
  'bad_request',
  'invalid_json',
  'forbidden',
  'validation_failed',
  'rate_limited',
  'internal',
  'draining',
  'storage_unavailable',
]
const OF_TOKENS: readonly ErrorCode[] = ['unauthenticated', 'token_expired', 'issuer_unavailable']

export function boardProtocol(routes: readonly DeclaredRoute[]): SocketProtocol {
  const codes = [...ALWAYS, ...errorsOf(routes, ['createCard', 'updateCard', 'moveCard', 'deleteCard'])]
  const code = z.enum(unique([...codes, BINARY.code]))
  return {
    commands: [
      boardCommand('create_card', 'Adds a card to the board.', boardCommands.create_card, {
        title: 'Resume streams by id',
        columnId: exampleIds.column,
        ticketType: 'feat',
      }),
      boardCommand('update_card', 'Changes fields of a card.', onCard(boardCommands.update_card), {
        cardId: exampleIds.card,
        title: 'Resume streams by their last id',
        ifRevision: 1,
      }),
      boardCommand('move_card', 'Moves a card.', onCard(boardCommands.move_card), {
        cardId: exampleIds.card,
        toColumnId: exampleIds.nextColumn,
        toIndex: 0,
      }),
      boardCommand('delete_card', 'Deletes a card.', onCard(boardCommands.delete_card), { cardId: exampleIds.card }),
      {
        type: 'get_state',
        summary: 'Asks for the state of the board.',
        schema: z.strictObject({ type: z.literal('get_state'), id }),
        examples: [{ type: 'get_state', id: 5 }],
        replies: ['state', 'ack', 'error'],
      },
      {
        type: 'ping',
        summary: 'Asks for a pong.',
        schema: z.strictObject({ type: z.literal('ping'), payload: ts.optional(), id }),
        examples: [{ type: 'ping', payload: { ts: at } }],
        replies: ['pong'],
      },
      {
        type: 'pong',
        summary: 'A sign of life. It is not answered.',
        schema: z.strictObject({ type: z.literal('pong'), payload: ts.optional() }),
        examples: [{ type: 'pong', payload: {} }],
        replies: [],
      },
    ],
    answers: [
      {
        type: 'ack',
        summary: 'Answers a message that had an `id`. `eventId` is that of the last event of a command.',
        schema: z.strictObject({
          type: z.literal('ack'),
          payload: z.union([
            z.strictObject({ id: messageId, success: z.literal(true), eventId: cursor.optional() }),
            z.strictObject({ id: messageId, success: z.literal(false), error: z.string(), code }),
          ]),
        }),
        examples: [
          { type: 'ack', payload: { id: 1, success: true, eventId: exampleCursor } },
          { type: 'ack', payload: { id: 2, success: false, error: noSuchCard, code: 'card_not_found' } },
        ],
      },
      {
        type: 'error',
        summary: 'Answers a message without an `id` that failed. `error` is a sentence, `code` that of HTTP.',
        schema: z.strictObject({
          type: z.literal('error'),
          payload: z.strictObject({ error: z.string(), code }),
        }),
        examples: [{ type: 'error', payload: { error: noSuchCard, code: 'card_not_found' } }],
      },
      {
        type: 'pong',
        summary: 'Answers a ping with its `ts`.',
        schema: z.strictObject({ type: z.literal('pong'), payload: ts }),
        examples: [{ type: 'pong', payload: { ts: at } }],
      },
    ],
  }
}

const ts = z.strictObject({ ts: z.unknown().optional() })
const noSuchCard = `There is no card ${exampleIds.card} on board ${exampleIds.board}, which this socket is bound to.`

function onCard(fields: z.ZodObject): z.ZodType {
  return z.strictObject({ ...cardOfCommand.shape, ...fields.shape })
}

function boardCommand(type: string, summary: string, payload: z.ZodType, example: object): Command {
  return {
    type,
    summary,
    schema: z.strictObject({ type: z.literal(type), payload, id }),
    examples: [{ type, payload: example, id: 1 }],
    replies: ['ack', 'error'],
  }
}

export function channelProtocol(routes: readonly DeclaredRoute[]): SocketProtocol {
  const errors = errorsOf(routes, ['sendMessage', 'postTopicEvent', 'sendAgentHeartbeat'])
  const codes = unique([
    ...[...ALWAYS, ...OF_TOKENS, 'invalid_channel' as const, ...errors].map(socketCode),
    ...SOCKET_CODES,
  ])
  const refusal = { error: z.string(), message: z.string(), code: z.enum(codes) }
  const onChannel = { channel: channelMessages.unsubscribe.shape.channel }
  const board = `board:${exampleIds.board}`
  const client = '0192f3a4-5b6c-7d8e-9f00-0000000000c1'
  const invalid = {
    error: 'Invalid channel',
    message: '"boards" is not a channel. Write board:ID, agent:ID or global.',
    code: 'INVALID_CHANNEL',
  }
  return {
    commands: [
      channelCommand('subscribe', 'Follows a channel, from its snapshot or after an id.', {
        replies: ['ack', 'subscribed', 'error'],
        example: { channel: board, since: exampleCursor },
      }),
      channelCommand('unsubscribe', 'Leaves a channel.', {
        replies: ['ack', 'unsubscribed', 'error'],
        example: { channel: board },
      }),
      channelCommand('publish', 'Publishes an event on a topic, mail, or a heartbeat of an agent.', {
        replies: ['ack', 'error'],
        example: { channel: `topic:${exampleIds.topic}`, event: 'deploy.started', data: { service: 'api' } },
      }),
      channelCommand('auth', 'Renews the token, or names the agent and session that the socket speaks for.', {
        replies: ['ack', 'error'],
        example: { agent_id: exampleIds.agent, session_id: exampleIds.session },
      }),
      channelCommand('ping', 'Asks for a pong.', { replies: ['pong'], example: { timestamp: at } }),
    ],
    answers: [
      {
        type: 'connected',
        summary: 'The first message of a socket, with the id of this client.',
        schema: z.strictObject({
          type: z.literal('connected'),
          client_id: connectionId,
          clientId: connectionId,
          timestamp: now,
        }),
        examples: [{ type: 'connected', client_id: client, clientId: client, timestamp: at }],
      },
      {
        type: 'ack',
        summary: 'Answers a message that had an `id`, and every `auth`.',
        schema: z.union([
          z.strictObject({
            type: z.literal('ack'),
            id: messageId,
            success: z.literal(true),
            ...onChannel,
            timestamp: now,
          }),
          z.strictObject({
            type: z.literal('ack'),
            id: messageId,
            success: z.literal(true),
            eventId: cursor,
            timestamp: now,
          }),
          z.strictObject({
            type: z.literal('ack'),
            id: messageId.optional(),
            success: z.literal(true),
            timestamp: now,
          }),
          z.strictObject({
            type: z.literal('ack'),
            id: messageId,
            success: z.literal(false),
            ...refusal,
            timestamp: now,
          }),
        ]),
        examples: [
          { type: 'ack', id: 1, success: true, channel: board, timestamp: at },
          { type: 'ack', id: 2, success: true, eventId: exampleCursor, timestamp: at },
          { type: 'ack', id: 3, success: true, timestamp: at },
          { type: 'ack', id: 4, success: false, ...invalid, timestamp: at },
        ],
      },
      {
        type: 'subscribed',
        summary: 'Answers a `subscribe` without an `id`: the channel is followed from now on.',
        schema: z.strictObject({ type: z.literal('subscribed'), ...onChannel }),
        examples: [{ type: 'subscribed', channel: board }],
      },
      {
        type: 'unsubscribed',
        summary: 'The channel is not followed any more: asked for without an `id`, or the new token does not allow it.',
        schema: z.strictObject({ type: z.literal('unsubscribed'), ...onChannel }),
        examples: [{ type: 'unsubscribed', channel: board }],
      },
      {
        type: 'pong',
        summary: 'Answers a ping with its `timestamp`, or with the time of the server.',
        schema: z.strictObject({ type: z.literal('pong'), timestamp: z.unknown() }),
        examples: [{ type: 'pong', timestamp: at }],
      },
      {
        type: 'error',
        summary: 'Answers a message without an `id` that failed. `error` is a title, `message` a sentence.',
        schema: z.strictObject({ type: z.literal('error'), ...refusal, timestamp: now }),
        examples: [{ type: 'error', ...invalid, timestamp: at }],
      },
    ],
  }
}

function channelCommand(
  type: keyof typeof channelMessages,
  summary: string,
  { replies, example }: { replies: readonly string[]; example: object },
): Command {
  const { shape } = channelMessages[type]
  return {
    type,
    summary,
    schema: z.strictObject({ type: z.literal(type), ...shape, id }),
    examples: [{ type, ...example, id: 1 }],
    replies,
  }
}

/** The errors that the routes with these ids declare. */
function errorsOf(routes: readonly DeclaredRoute[], ids: readonly string[]): ErrorCode[] {
  return ids.flatMap((operationId) => {
    const route = routes.find((one) => one.operationId === operationId)
    if (!route) throw new Error(`no route has the operationId ${operationId}`)
    return [...route.errors]
  })
}

function unique(codes: readonly string[]): [string, ...string[]] {
  return [...new Set(codes)].sort() as [string, ...string[]]
}
