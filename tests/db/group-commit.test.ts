/**
 * Group commit: mutations share a transaction, but fail alone.
 *
 *   D10  Mutations of one turn share one COMMIT. They are answered in order, after it and after their events were
 *        published.
 *   D11  A mutation that fails is undone alone, with its events; the others of its group are not touched.
 *   D12  When a transaction cannot be committed, every mutation of the group is answered `storage_unavailable`, nothing of
 *        it is in the database or the log, nothing was published, and the next group is not affected.
 *   D13  Sequence numbers continue without a gap after any failure.
 *   D14  A read sees the state between two groups, never that inside one.
 */
import { describe, expect, test } from 'vitest'
import { formatCursor } from '../../shared/src/cursor.ts'
import { Problem } from '../../src/base/errors.ts'
import { StorageGuard } from '../../src/db/sqlite/storage-guard.ts'
import { faultOf, StorageUnavailable } from '../../src/db/storage-fault.ts'
import { createStore, type Tx } from '../../src/db/store.ts'
import { emitLine, TestStore } from '../support/test-store.ts'

const COUNT = 'SELECT count(*) AS n FROM agents'

async function addAgent(tx: Tx, id: string): Promise<string> {
  await tx.sql.run('INSERT INTO agents (id, created_at) VALUES (?, ?)', [id, tx.now])
  tx.emit('agent.registered', { agentId: id, agent: id, label: null })
  return tx.eventId
}

const agents = async ({ sql }: TestStore) => (await sql.get<{ n: number }>(COUNT))?.n
const disk = (text: string) => Object.assign(new Error('disk I/O error'), { code: text })

describe('a group', () => {
  test('[D10] commits all mutations of one turn at once', async () => {
    using db = await TestStore.open()
    const ids = await Promise.all(
      Array.from({ length: 100 }, (_, n) => db.store.transact((tx) => addAgent(tx, `a${n}`))),
    )
    expect(db.sql.count('COMMIT')).toBe(
      1 + db.sql.seen.slice(0, db.sql.seen.indexOf('SAVEPOINT mutation')).filter((text) => text === 'COMMIT').length,
    )
    expect(db.published.map((events) => events.length)).toEqual([100])
    expect(ids).toEqual(Array.from({ length: 100 }, (_, n) => formatCursor(db.store.epoch, n + 1)))
  })

  test('[D10] a mutation that is requested while a group runs is in the next one', async () => {
    using db = await TestStore.open()
    let later: Promise<string> | undefined
    await db.store.transact(async (tx) => {
      later = db.store.transact((inner) => addAgent(inner, 'b'))
      return addAgent(tx, 'a')
    })
    expect(db.published.map((events) => events.length)).toEqual([1])
    expect(await later).toBe(formatCursor(db.store.epoch, 2))
    expect(db.published.map((events) => events.length)).toEqual([1, 1])
  })

  test('[D10] mutations are answered in order, after COMMIT and publication', async () => {
    using db = await TestStore.open()
    const order: string[] = []
    const said = (name: string) => async (tx: Tx) => {
      await addAgent(tx, name)
      order.push(`${name} ran`)
    }
    await Promise.all(
      ['a', 'b'].map(async (name) => {
        await db.store.transact(said(name))
        order.push(`${name} answered, ${db.published.length} published, ${db.sql.seen.at(-1)}`)
      }),
    )
    expect(order).toEqual(['a ran', 'b ran', 'a answered, 1 published, COMMIT', 'b answered, 1 published, COMMIT'])
  })

  test('[D10] a group without events publishes nothing, and its cursor is the newest', async () => {
    using db = await TestStore.open()
    const first = await db.keep('demo')
    expect(await db.store.transact(async (tx) => tx.eventId)).toBe(first)
    expect(db.published).toHaveLength(1)
  })

  test('[D14] a read that is requested while a group runs waits for its end', async () => {
    using db = await TestStore.open()
    let reading: Promise<[number | undefined, number]> | undefined
    await db.store.transact(async (tx) => {
      await addAgent(tx, 'a')
      reading = db.store.read(async ({ sql, head }) => [(await sql.get<{ n: number }>(COUNT))?.n, head])
      await addAgent(tx, 'b')
    })
    expect(await reading).toEqual([2, 2])
  })
})

describe('a mutation that fails', () => {
  test('[D11] [D13] is undone alone, and leaves no hole in the log', async () => {
    using db = await TestStore.open()
    const outcomes = await Promise.allSettled([
      db.store.transact((tx) => addAgent(tx, 'a')),
      db.store.transact(async (tx) => {
        await addAgent(tx, 'lost')
        emitLine(tx, 'x', 'lost too')
        throw new Problem('conflict', 'no')
      }),
      db.store.transact((tx) => addAgent(tx, 'a')),
      db.store.transact((tx) => addAgent(tx, 'b')),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'conflict' } })
    expect((await db.events()).map(({ seq, payload }) => [seq, payload.agentId])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ])
    expect(await agents(db)).toBe(2)
    expect(db.published.flat().map(({ seq }) => seq)).toEqual([1, 2])
  })

  test('[D11] [D13] is undone when it is alone in its group', async () => {
    using db = await TestStore.open()
    const failing = db.store.transact(async (tx) => {
      await addAgent(tx, 'lost')
      throw new Problem('conflict', 'no')
    })
    await expect(failing).rejects.toMatchObject({ code: 'conflict' })
    expect(await agents(db)).toBe(0)
    expect(await db.store.transact((tx) => addAgent(tx, 'a'))).toBe(formatCursor(db.store.epoch, 1))
    expect([await agents(db), db.published.length]).toEqual([1, 1])
  })
})

describe('the storage', () => {
  test('[ST1] [ST2] reports a failing read once, and recovers with the next success', async () => {
    using db = await TestStore.open()
    const seen: string[] = []
    const guard = new StorageGuard({
      onFault: ({ kind }) => seen.push(kind),
      onRecovery: ({ kind }) => seen.push(`no longer ${kind}`),
    })
    const store = createStore(db.transactions, db.log, () => {}, { health: guard })
    const code = 'SQLITE_IOERR_READ'
    db.sql.failOn = () => new StorageUnavailable(faultOf(disk(code)))
    for (let i = 0; i < 3; i++) {
      const reading = store.read(({ sql }) => sql.get(COUNT))
      await expect(reading).rejects.toMatchObject({ code: 'storage_unavailable' })
    }
    expect(seen).toEqual(['io'])
    db.sql.failOn = () => undefined
    await store.transact((tx) => addAgent(tx, 'a'))
    expect(seen).toEqual(['io', 'no longer io'])
  })

  test('[ST1] fails the whole group when a mutation meets a fault, since everything may have been rolled back', async () => {
    using db = await TestStore.open()
    const outcomes = await Promise.allSettled([
      db.store.transact((tx) => addAgent(tx, 'a')),
      db.store.transact(async (tx) => {
        // What SQLite does by itself when there is no room for a statement.
        await tx.sql.run('ROLLBACK')
        throw new StorageUnavailable(faultOf(disk('SQLITE_FULL')))
      }),
      db.store.transact((tx) => addAgent(tx, 'b')),
    ])
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
      Array(3).fill('storage_unavailable'),
    )
    expect([await agents(db), db.published.length, db.store.head]).toEqual([0, 0, 0])
    expect(await db.store.transact((tx) => addAgent(tx, 'c'))).toBe(formatCursor(db.store.epoch, 1))
  })
})

describe('a transaction that cannot be committed', () => {
  test.each(['COMMIT', 'BEGIN IMMEDIATE', 'SAVEPOINT mutation', 'RELEASE mutation'])(
    '[D12] [D13] fails as a whole when %s fails',
    async (query) => {
      using db = await TestStore.open()
      await db.store.transact((tx) => addAgent(tx, 'before'))
      db.sql.failOn = (text) => (text === query ? disk('SQLITE_IOERR') : undefined)
      const outcomes = await Promise.allSettled([
        db.store.transact((tx) => addAgent(tx, 'a')),
        db.store.transact(async () => Promise.reject(new Problem('conflict', 'no'))),
        db.store.transact((tx) => addAgent(tx, 'b')),
      ])
      const reasons = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)
      expect(reasons.every((reason) => reason instanceof Problem)).toBe(true)
      expect(reasons.map(({ code }) => code)).toEqual(Array(3).fill('storage_unavailable'))
      expect(reasons[0].retryAfterS).toBeGreaterThan(0)
      expect(db.published).toHaveLength(1)
      expect(db.store.head).toBe(1)

      db.sql.failOn = () => undefined
      expect(await agents(db)).toBe(1)
      expect(await db.events()).toHaveLength(1)
      expect(await db.store.transact((tx) => addAgent(tx, 'a'))).toBe(formatCursor(db.store.epoch, 2))
      await db.reopen()
      expect((await db.events()).map(({ seq }) => seq)).toEqual([1, 2])
    },
  )

  test('[D12] fails as a whole when the log cannot be written', async () => {
    using db = await TestStore.open()
    db.sql.failOn = (text) => (text.startsWith('INSERT INTO event_channels') ? disk('SQLITE_FULL') : undefined)
    await expect(db.say('a', 'lost')).rejects.toMatchObject({ code: 'storage_unavailable' })
    db.sql.failOn = () => undefined
    expect(await db.events()).toEqual([])
    expect(db.transient).toEqual({ events: 0, bytes: 0 })
    await db.say('a', 'kept')
    expect((await db.events()).map(({ seq, payload }) => [seq, payload.message])).toEqual([[1, 'kept']])
  })
})
