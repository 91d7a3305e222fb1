/**
 * How an event is declared: once, with everything that types, validation, encoders, replay and documents need.
 *
 * A payload has two parts. `shows` is the bare payload, which the event's own channel carries. `about` holds the ids and
 * facts that only `global` shows beside it, and that payloads of other channels are made from. Both are stored as one
 * JSON text, `about` first, so that the bare payload is a suffix of it: replay cuts the text and never parses it.
 */
import type * as z from 'zod'
import type { ChannelKind } from '../channels.ts'
import { EVERYONE } from '../protocol.ts'
import type { Condition, Route } from '../visibility.ts'

/** The field of a payload that holds the id of a channel of a kind, unless a destination names another. */
const ID_FIELD: Readonly<Partial<Record<ChannelKind, string>>> = {
  board: 'boardId',
  project: 'boardId',
  issue: 'cardId',
  attempt: 'attemptId',
  agent: 'agentId',
  session: 'sessionId',
  workflow: 'runId',
  shell: 'shellId',
}

export type Payload = Readonly<Record<string, unknown>>

/** How long an event is kept: forever, or, for transient events, until retention trims it. */
export type Keep = 'board' | 'transient'

/** A channel on which an event shows, and how. It has methods so that destinations can be used without the entry's type. */
export interface Destination<P = Payload> extends Route {
  /** The field of the payload that holds the channel's id. Default: the kind's field. Resolved, it is `field`. */
  readonly by?: keyof P & string
  readonly when?: ConditionOn<P>
  readonly concerns?: Readonly<Partial<Record<ChannelKind, keyof P & string>>>
  /** The schema of what `data` returns; without both, the bare payload is shown. */
  readonly payload?: z.ZodObject
  data?(payload: P): Payload
  /** Lines that streams join with those of neighbouring events into one `output_batch` {timestamp, lines}. */
  lines?(payload: P): readonly string[]
  /** The channel ends with this event. */
  readonly ends?: true
}

type ConditionOn<P> = Condition &
  (
    | { readonly areNull: ReadonlyArray<keyof P & string> }
    | { readonly differ: readonly [keyof P & string, keyof P & string] }
  )

/** A snapshot that an event makes stale: that of its board, or that of the dashboard. */
export type Refresh = 'board' | 'dashboard'

export interface Entry<About extends z.ZodRawShape = z.ZodRawShape, Shows extends z.ZodRawShape = z.ZodRawShape> {
  readonly summary: string
  readonly keep: Keep
  readonly about: z.ZodObject<About>
  readonly shows: z.ZodObject<Shows>
  readonly fields: EntryFields
  readonly example: Payload
  readonly to: readonly Destination[]
  /**
   * An event that clients post: on its channels and on `global` it has the name and the payload that it was posted with,
   * the fields `event` and `data`.
   */
  readonly isPosted: boolean
  readonly refreshes: readonly Refresh[]
}

export interface EntryFields {
  /** The names of the fields of each part, in order. */
  readonly about: readonly string[]
  readonly shows: readonly string[]
  /** The fields that decide where an event shows; null if a destination has a condition (`when`). */
  readonly placedBy: readonly string[] | null
}

/** The whole payload: both parts in one object. */
export type PayloadOf<About extends z.ZodRawShape, Shows extends z.ZodRawShape> = z.infer<z.ZodObject<About & Shows>>

export function event<About extends z.ZodRawShape, Shows extends z.ZodRawShape>(declared: {
  summary: string
  keep?: Keep
  about: z.ZodObject<About>
  shows: z.ZodObject<Shows>
  example: PayloadOf<About, Shows>
  to: ReadonlyArray<Destination<PayloadOf<About, Shows>>>
  isPosted?: boolean
  refreshes?: readonly Refresh[]
}): Entry<About, Shows> {
  const to = (declared.to as readonly Destination[]).map((each) => ({ ...each, field: idFieldOf(each) }))
  const fields = {
    about: Object.keys(declared.about.shape),
    shows: Object.keys(declared.shows.shape),
    placedBy: to.some(({ when }) => when) ? null : to.flatMap(fieldsOf),
  }
  return {
    keep: 'board',
    isPosted: false,
    refreshes: [],
    ...declared,
    fields,
    to,
  }
}

/** The fields that a destination without a condition depends on. */
function fieldsOf({ field, concerns = {} }: Destination): string[] {
  return [...(field === undefined ? [] : [field]), ...Object.values(concerns)]
}

/** The field of a payload that holds the channel id of a destination; undefined for a kind that is a single channel. */
function idFieldOf({ channel, by }: Destination): string | undefined {
  return by ?? (channel === EVERYONE ? undefined : ID_FIELD[channel])
}
