/** A store for tests of the dashboard, with a fixed time. */
import { afterEach, beforeEach, expect } from 'vitest'
import { type DashboardRange, type Overview, overview as schema } from '../../shared/src/types/dashboard.ts'
import type { ChannelPatterns } from '../../src/base/channel-patterns.ts'
import type { Sql } from '../../src/db/sql.ts'
import { dashboardOverview } from '../../src/domain/dashboard.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'
import { type AttemptRow, putAttempt, putCard } from './rows.ts'

export const NOW = Date.parse('2026-03-01T12:00:00.000Z')
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** The time this many milliseconds ago. */
export function ago(ms: number): string {
  return new Date(NOW - ms).toISOString()
}

export interface Dashboard {
  readonly db: BoardStore
  /** The overview, checked against its schema. */
  look(range?: DashboardRange, sql?: Sql, sees?: ChannelPatterns): Promise<Overview>
  /** Inserts an attempt at a new card in column `demo.0`, unless a card is given; resolves to its id. */
  attempt(row: Omit<AttemptRow, 'id' | 'card'> & { id?: string; card?: string }): Promise<string>
  /** Inserts an attempt that ended this long ago, after a second of work. */
  ended(status: 'succeeded' | 'failed' | 'stopped', ms: number, more?: Partial<AttemptRow>): Promise<string>
}

/** One object per test file, with a fresh database for each test. */
export function setUpDashboard(): Dashboard {
  let db: BoardStore
  let made = 0
  beforeEach(async () => {
    made = 0
    db = await openBoardStore()
  })
  afterEach(() => db.close())

  return {
    get db() {
      return db
    },
    async look(range, sql = db.sql, sees = undefined) {
      const seen = await dashboardOverview(sql, NOW, range, sees)
      expect(schema.parse(JSON.parse(JSON.stringify(seen)))).toEqual(seen)
      return seen
    },
    async attempt(row) {
      made += 1
      const id = row.id ?? `att${String(made).padStart(4, '0')}`
      const card = row.card ?? `card-of-${id}`
      if (row.card === undefined) await putCard(db.sql, card, 'demo.0')
      await putAttempt(db.sql, { ...row, id, card })
      return id
    },
    ended(status, ms, more) {
      return this.attempt({ status, createdAt: ago(ms + 2000), startedAt: ago(ms + 1000), endedAt: ago(ms), ...more })
    },
  }
}
