/** What every route declares for the contract (docs/contract.md), besides what it needs in order to work. */
import type * as z from 'zod'
import type { ErrorCode } from '../../shared/src/errors.ts'

/** Groups of operations, in the order in which documents show them. */
export const TAGS = {
  Boards: 'Boards, each with its columns and cards. A board is also a project.',
  Columns: 'The columns of a board.',
  Cards: 'The cards of a board: created, changed, moved and deleted. A card is also an issue.',
  Attempts: 'Attempts at cards by agents, with their log, conversation, todo list and pull request.',
  Repositories: 'What runners report about the repository and the files of a board.',
  Agents: 'Agents, their heartbeats and their output.',
  Profiles: 'Named sets of options to run an agent with.',
  Messages: 'Mail between agents.',
  Topics: "Events of the client's own.",
  Tasks: 'Tasks and their subtasks.',
  Sessions: 'Sessions of agents, and their output.',
  Workflows: 'Runs of workflows, and their steps.',
  Shells: 'Terminals, and their output.',
  Dashboard: 'The overview of all boards.',
  Metrics: 'Figures of the service.',
  Log: 'The event log, for programs that poll.',
  Access: 'Short-lived stand-ins for tokens.',
  Streams: 'Server-sent events. They are the service; all else feeds them.',
  Sockets: 'The same events over WebSockets, with commands.',
  Operations: 'Health, statistics and metrics of this process.',
  Contract: 'This description, that of streams and sockets, and the page made from both.',
} as const
export type Tag = keyof typeof TAGS

export interface Described {
  /** camelCase, verb first, unique. */
  readonly operationId: string
  readonly tag: Tag
  /** One line: what the operation does. */
  readonly summary: string
  /** Codes of errors that are its own, besides those that follow from what it takes (docs/contract.md). */
  readonly errors: readonly ErrorCode[]
}

/** An example of what is sent and of what is answered. They belong to one story (src/routes/examples.ts). */
export type Example<Sent, Shown> = ([Sent] extends [undefined]
  ? { readonly body?: undefined }
  : { readonly body: Sent }) &
  ([Shown] extends [undefined] ? { readonly answer?: undefined } : { readonly answer: Shown })

/** The status of an answer, and the schema of its body, if it has one. */
export type Answers<Shown> =
  | { readonly status: 200 | 201 | 202; readonly answer: z.ZodType<Shown> }
  | { readonly status: 204; readonly answer?: undefined }

/** A GET that registers its own handler: a stream, an upgrade, what operators and generators read. */
export interface PlainOperation extends Described {
  /** The whole path. */
  readonly path: string
  /** A sentence. */
  readonly right: string
  /** Where a credential is looked for; `anywhere` includes the query. */
  readonly credentials: 'none' | 'header' | 'anywhere'
  readonly query?: z.ZodObject
  readonly answer:
    | { readonly kind: 'json'; readonly schema: z.ZodType; readonly example: object }
    | { readonly kind: 'text'; readonly contentType: string; readonly example: string }
    | { readonly kind: 'stream'; readonly of: 'boards' | 'agent' }
    | { readonly kind: 'upgrade' }
    | { readonly kind: 'document'; readonly of: 'openapi' | 'asyncapi' | 'schema' | 'page' }
}
