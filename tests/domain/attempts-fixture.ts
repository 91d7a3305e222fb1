/** A real store with a board for attempts, for the tests of attempts and everything that belongs to them. */
import { afterEach, beforeEach, expect, vi } from 'vitest'
import * as z from 'zod'
import type { Attempt, AttemptStatus } from '../../shared/src/types/kanban.ts'
import { Problem } from '../../src/base/errors.ts'
import { ALL } from '../../src/db/snapshot.ts'
import type { Sql } from '../../src/db/sql.ts'
import type { Store, Tx } from '../../src/db/store.ts'
import { createAttempt, type NewAttempt } from '../../src/domain/attempts.ts'
import { type OpenedTestStore, openTestStore } from '../support/opened-store.ts'

export const T0 = '2026-01-31T12:00:00.000Z'
export const T1 = '2026-01-31T12:00:01.000Z'

export interface Told {
  readonly type: string
  readonly payload: Readonly<Record<string, unknown>>
}

/** Test access to the store. One object per test file, with a fresh database for each test. */
export interface World {
  readonly sql: Sql
  readonly store: Store
  act<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** The events since the last call, each validated against the catalogue. */
  news(): Promise<Told[]>
  /** Expects a refusal that changes no row and emits nothing. */
  refused(work: (tx: Tx) => Promise<unknown>): Promise<Problem>
  attempt(cardId: string, given?: Partial<NewAttempt>): Promise<Attempt>
  columnOf(cardId: string): Promise<string>
  inColumn(columnId: string): Promise<string[]>
  move(cardId: string, columnId: string): Promise<void>
}

/**
 * Boards `demo` (columns `backlog`, `in_progress`, `review`, `done` with those keys) and `bare` (columns `one`, `two`
 * without keys). Cards `a`, `b`, `c` in the backlog, where `c` depends on `b`; `d` in progress, `e` in review, `f` done;
 * `x` in `one`. The clock stands at T0 until a test sets it.
 */
export function setUpWorld(): World {
  const world = {} as { -readonly [Key in keyof World]: World[Key] }
  let opened: OpenedTestStore

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(T0) })
    opened = await openTestStore({ now: Date.now })
    await insertBoards(opened.sql)
    Object.assign(world, worldOn(opened.sql, opened.store))
  })
  afterEach(async () => {
    await opened.close()
    vi.useRealTimers()
  })
  return world
}

/** An attempt at card `a` whose row says that it has this status. */
export async function attemptThatIs(world: World, status: AttemptStatus): Promise<Attempt> {
  const attempt = await world.attempt('a')
  await world.sql.run('UPDATE attempts SET status = ? WHERE id = ?', [status, attempt.id])
  return attempt
}

export function typesOf(told: readonly Told[]): string[] {
  return told.map(({ type }) => type)
}

function worldOn(sql: Sql, store: Store): World {
  let read = 0
  async function news(): Promise<Told[]> {
    const { events } = await store.read((snapshot) => snapshot.readAfter(ALL, read, 1_000))
    read = events.at(-1)?.seq ?? read
    return events.map(({ type, entry, payload, bare }) => {
      if (!entry) throw new Error(`${type} is not in the catalogue`)
      z.strictObject({ ...entry.about.shape, ...entry.shows.shape }).parse(payload)
      entry.shows.parse(JSON.parse(bare))
      return { type, payload }
    })
  }
  async function rows() {
    const attempts = await sql.all('SELECT * FROM attempts ORDER BY id')
    const cards = await sql.all('SELECT * FROM cards ORDER BY id')
    const items = await sql.all('SELECT * FROM conversation_items ORDER BY attempt_id, position')
    return { attempts, cards, items, head: store.head }
  }
  return {
    sql,
    store,
    news,
    act: (work) => store.transact(work),
    async refused(work) {
      const before = await rows()
      const error = await store.transact(work).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(Problem)
      expect(await rows()).toEqual(before)
      return error as Problem
    },
    async attempt(cardId, given = {}) {
      const attempt = await store.transact((tx) => createAttempt(tx, cardId, { agent: 'claude-1', ...given }))
      await news()
      return attempt
    },
    async columnOf(cardId) {
      const row = await sql.get<{ column_id: string }>('SELECT column_id FROM cards WHERE id = ?', [cardId])
      return row!.column_id
    },
    async inColumn(columnId) {
      const cards = await sql.all<{ id: string }>('SELECT id FROM cards WHERE column_id = ? ORDER BY position', [
        columnId,
      ])
      return cards.map(({ id }) => id)
    },
    async move(cardId, columnId) {
      await sql.run('UPDATE cards SET column_id = ?, position = 99 WHERE id = ?', [columnId, cardId])
    },
  }
}

async function insertBoards(sql: Sql): Promise<void> {
  for (const id of ['demo', 'bare']) {
    await sql.run(
      `INSERT INTO boards (id, name, ticket_prefix, last_ticket, created_at, updated_at) VALUES (?, 'Demo', 'D', 9, ?, ?)`,
      [id, T0, T0],
    )
  }
  const columns = ['backlog', 'in_progress', 'review', 'done']
  for (const [position, id] of columns.entries()) await insertColumn(sql, { board: 'demo', id, key: id, position })
  for (const [position, id] of ['one', 'two'].entries())
    await insertColumn(sql, { board: 'bare', id, key: null, position })
  const cards = { a: 'backlog', b: 'backlog', c: 'backlog', d: 'in_progress', e: 'review', f: 'done', x: 'one' }
  for (const [position, [id, column]] of Object.entries(cards).entries()) {
    await sql.run(
      `INSERT INTO cards (id, board_id, column_id, position, ticket_key, title, labels, revision, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, 'Title', '[]', 1, ?, ?)`,
      [id, id === 'x' ? 'bare' : 'demo', column, column === 'backlog' ? position : 0, `D-${position}`, T0, T0],
    )
  }
  await sql.run("INSERT INTO card_dependencies (card_id, depends_on, position) VALUES ('c', 'b', 0)")
}

async function insertColumn(sql: Sql, column: { board: string; id: string; key: string | null; position: number }) {
  await sql.run('INSERT INTO board_columns (id, board_id, column_key, title, position) VALUES (?, ?, ?, ?, ?)', [
    column.id,
    column.board,
    column.key,
    column.id,
    column.position,
  ])
}
