/** The things that can be waited for: how each is read, where it is heard of, and what its events say. */
import * as z from 'zod'
import { nearest } from '../../text/nearest.ts'
import type { Api, Call } from '../api/api.ts'
import { usageError } from '../process/exit.ts'
import type { Envelope } from '../stream/envelope.ts'

export type Verdict = 'met' | 'impossible' | 'open'

/** A thing as it was at one moment. */
export interface State {
  /** What is printed. */
  readonly thing: Readonly<Record<string, unknown>>
  readonly verdict: Verdict
  /** Where its changes, and its end, are heard of. */
  readonly channels: readonly string[]
}

export interface Awaited {
  read(api: Api, call: Call): Promise<State & { readonly cursor: string }>
  /** What an event says of the thing; undefined: nothing, or something that only the thing itself can tell. */
  heard(
    envelope: Envelope,
  ): { readonly verdict: Verdict; readonly changes: Readonly<Record<string, unknown>> } | undefined
  /** The names of the events to listen to. */
  readonly types: readonly string[]
}

const ATTEMPT = {
  succeeded: { met: ['succeeded'], impossible: ['stopped', 'failed'] },
  finished: { met: ['succeeded', 'stopped', 'failed'], impossible: [] },
  running: { met: ['running'], impossible: ['stopping', 'stopped', 'succeeded', 'failed'] },
} as const
const RUN = {
  completed: { met: ['completed'], impossible: ['failed', 'cancelled'] },
  finished: { met: ['completed', 'failed', 'cancelled'], impossible: [] },
} as const
const SESSION = {
  completed: { met: ['completed'], impossible: ['error', 'cancelled'] },
  finished: { met: ['completed', 'error', 'cancelled'], impossible: [] },
} as const

interface Goal {
  readonly met: readonly string[]
  readonly impossible: readonly string[]
}

const record = z.record(z.string(), z.unknown())

/** Throws a usage error for a state that the kind of thing does not have. */
export function awaited(kind: 'attempt' | 'card' | 'run' | 'session', id: string, state: string): Awaited {
  switch (kind) {
    case 'attempt':
      return byStatus(goalOf(ATTEMPT, kind, state), {
        path: `/attempts/${encodeURIComponent(id)}`,
        thingOf: (body) => record.parse(body.attempt ?? body),
        channelsOf: ({ boardId, cardId }) => [`attempt:${id}`, `issue:${cardId}`, `board:${boardId}`],
        types: ['attempt_status'],
        fields: ['status', 'endedAt', 'exitCode', 'error'],
        isOf: (data) => data.attemptId === id,
      })
    case 'run':
      return byStatus(goalOf(RUN, kind, state), {
        path: `/workflow-runs/${encodeURIComponent(id)}`,
        thingOf: (body) => body,
        channelsOf: ({ boardId }) => [`workflow:run:${id}`, ...boardOf(boardId)],
        types: ['workflow.run.*'],
        fields: ['status'],
        isOf: (data) => data.runId === id && data.status !== undefined,
      })
    case 'session':
      return byStatus(goalOf(SESSION, kind, state), {
        path: `/sessions/${encodeURIComponent(id)}`,
        thingOf: (body) => body,
        channelsOf: ({ boardId }) => [`session:${id}`, ...boardOf(boardId)],
        types: ['session.created', 'session.updated', 'session.completed', 'session.error', 'session.cancelled'],
        fields: ['status', 'error'],
        isOf: (data) => data.sessionId === id,
      })
    case 'card':
      return inColumn(id, state)
  }
}

function goalOf(goals: Readonly<Record<string, Goal>>, kind: string, state: string): Goal {
  const goal = Object.hasOwn(goals, state) ? goals[state] : undefined
  if (goal !== undefined) return goal
  throw usageError(
    `--for ${state}: ${kind === 'attempt' ? 'an' : 'a'} ${kind} can be waited for until it is ${Object.keys(goals).join(' or ')}. Did you mean ${nearest(state, Object.keys(goals))}?`,
  )
}

function boardOf(boardId: unknown): string[] {
  return typeof boardId === 'string' ? [`board:${boardId}`] : []
}

/** What takes things with it. */
const DELETIONS = ['issue_deleted', 'board_deleted'] as const

type Fields = Readonly<Record<string, unknown>>

interface Shape {
  readonly path: string
  thingOf(body: Fields): Fields
  channelsOf(thing: Fields): readonly string[]
  readonly types: readonly string[]
  /** Of its events: what they change in it. */
  readonly fields: readonly string[]
  isOf(data: Fields): boolean
}

function byStatus({ met, impossible }: Goal, { path, thingOf, channelsOf, types, fields, isOf }: Shape): Awaited {
  const judge = (status: unknown): Verdict =>
    met.includes(String(status)) ? 'met' : impossible.includes(String(status)) ? 'impossible' : 'open'
  return {
    types: [...types, ...DELETIONS],
    async read(api, call) {
      const { value, cursor } = await api.read(record, 'GET', path, call)
      const thing = thingOf(value)
      return { thing, verdict: judge(thing.status), channels: channelsOf(thing), cursor }
    },
    heard({ data }) {
      if (typeof data !== 'object' || data === null || !isOf(data as Fields)) return undefined
      const told = data as Fields
      const changes = Object.fromEntries(fields.flatMap((name) => (name in told ? [[name, told[name]]] : [])))
      return { verdict: judge(told.status), changes }
    },
  }
}

const boardState = z.object({
  state: z.object({
    columns: z.record(z.string(), z.object({ key: z.string().nullable(), title: z.string() })),
  }),
})

/** A card is where it is heard to be: its events name the key of its column, or the title of one without a key. */
function inColumn(id: string, column: string): Awaited {
  return {
    types: ['status_changed', ...DELETIONS],
    async read(api, call) {
      const { value: card, cursor } = await api.read(record, 'GET', `/cards/${encodeURIComponent(id)}`, call)
      const boardId = String(card.boardId)
      const { value: board } = await api.read(boardState, 'GET', `/boards/${encodeURIComponent(boardId)}`, call)
      const { columns } = board.state
      const names = Object.values(columns).map(({ key, title }) => key ?? title)
      if (!names.includes(column)) {
        throw usageError(
          `--for ${column}: board ${boardId} has no such column. Did you mean ${nearest(column, names)}?`,
        )
      }
      const current = columns[String(card.columnId)]
      const isThere = current !== undefined && (current.key ?? current.title) === column
      return {
        ...{ thing: card, verdict: isThere ? 'met' : 'open', cursor },
        channels: [`issue:${id}`, `board:${boardId}`],
      }
    },
    heard({ event, data }) {
      if (event !== 'status_changed') return undefined
      return { verdict: (data as Fields).newStatus === column ? 'met' : 'open', changes: {} }
    },
  }
}
