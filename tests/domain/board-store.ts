/** A real store for tests of the domain: runs mutations, collects their events, checks refusals. */
import { expect } from 'vitest'
import * as z from 'zod'
import type { ErrorCode } from '../../shared/src/errors.ts'
import { Problem } from '../../src/base/errors.ts'
import type { LogEvent } from '../../src/db/log-event.ts'
import { ALL } from '../../src/db/snapshot.ts'
import type { Sql } from '../../src/db/sql.ts'
import type { Store, Tx } from '../../src/db/store.ts'
import { openTestStore } from '../support/opened-store.ts'

export interface Said {
  readonly type: string
  readonly payload: Record<string, unknown>
}

export interface BoardStore {
  readonly store: Store
  readonly sql: Sql
  do<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** The events since the last call, each checked against its schema. */
  said(): Promise<Said[]>
  /** Expects a refusal with this code that writes nothing and emits nothing; returns it. */
  refused(code: ErrorCode, work: (tx: Tx) => Promise<unknown>): Promise<Problem>
  close(): Promise<void>
}

const TABLES = [
  'boards',
  'board_columns',
  'cards',
  'card_dependencies',
  'attempts',
  'tasks',
  'subtasks',
  'messages',
  'message_reads',
  'messages_sent',
  'sessions',
  'workflow_runs',
  'workflow_steps',
  'shells',
]

export async function openBoardStore(): Promise<BoardStore> {
  const { store, sql, close } = await openTestStore({ now: Date.now })
  let heard = 0

  async function everything(): Promise<unknown> {
    const tables: object[][] = []
    for (const table of TABLES) tables.push(await sql.all(`SELECT * FROM ${table} ORDER BY 1, 2`))
    return { tables, head: store.head }
  }

  return {
    store,
    sql,
    do: (work) => store.transact(work),
    async said() {
      const { events, reached } = await store.read((snapshot) => snapshot.readAfter(ALL, heard, 1000))
      heard = reached
      return events.map((event) => ({ type: event.type, payload: checked(event) }))
    },
    async refused(code, work) {
      const before = await everything()
      const outcome = await store.transact(work).then(
        () => null,
        (error: unknown) => error,
      )
      if (!(outcome instanceof Problem)) throw outcome ?? new Error(`expected ${code}, but it was done`)
      expect(outcome.code).toBe(code)
      expect(await everything()).toEqual(before)
      return outcome
    },
    close,
  }
}

/** The payload as it is stored, once it has been found to be what the catalogue says: its fields and no others. */
export function checked(event: LogEvent): Record<string, unknown> {
  const { entry } = event
  if (!entry) throw new Error(`${event.type} is not in the catalogue`)
  const stored = JSON.parse(event.data) as Record<string, unknown>
  entry.shows.parse(JSON.parse(event.bare))
  return z.strictObject({ ...entry.about.shape, ...entry.shows.shape }).parse(stored)
}
