import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { formatCursor } from '../../shared/src/cursor.ts'
import { type SessionStatus, sessionStatus } from '../../shared/src/types/sessions.ts'
import { deleteBoard } from '../../src/domain/boards.ts'
import {
  appendSessionOutput,
  createSession,
  getSession,
  listSessions,
  type NewSession,
  type PostedChunk,
  readSessionOutput,
  type SessionChanges,
  updateSession,
} from '../../src/domain/sessions.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'
import { putBoard } from './rows.ts'

const T0 = '2026-01-31T12:00:00.000Z'
const T1 = '2026-01-31T12:00:01.000Z'
let db: BoardStore

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(T0) })
  db = await openBoardStore()
  await putBoard(db.sql, 'demo')
  await putBoard(db.sql, 'other')
})
afterEach(async () => {
  await db.close()
  vi.useRealTimers()
})

const make = (given: NewSession = {}) => db.do((tx) => createSession(tx, given))
const update = (id: string, changes: SessionChanges) => db.do((tx) => updateSession(tx, id, changes))
const print = (id: string, chunks: readonly PostedChunk[]) => db.do((tx) => appendSessionOutput(tx, id, chunks))
const read = (id: string, asked: Partial<Parameters<typeof readSessionOutput>[2]> = {}) =>
  db.store.read((snapshot) => readSessionOutput(snapshot, id, { limit: 100, ...asked }))
const contents = ({ chunks }: { chunks: ReadonlyArray<{ content: string }> }) => chunks.map(({ content }) => content)

const STATUS_EVENTS: Record<SessionStatus, string> = {
  idle: 'session.updated',
  working: 'session.updated',
  completed: 'session.completed',
  error: 'session.error',
  cancelled: 'session.cancelled',
}
const FINAL: readonly SessionStatus[] = ['completed', 'error', 'cancelled']
const pairs = sessionStatus.options.flatMap((from) => sessionStatus.options.map((to) => [from, to] as const))

describe('creating a session', () => {
  test('[SE1] [SE4] emits an event with the ids that it concerns', async () => {
    const given = { id: 'my:session_1.a-b', boardId: 'demo', agentId: 'nobody-knows-me', name: 'Näme' }
    const session = await make({ ...given, status: 'working' })
    expect(session).toStrictEqual({ ...given, status: 'working', error: null, createdAt: T0, updatedAt: T0 })
    expect(await getSession(db.sql, given.id)).toStrictEqual(session)
    expect(await db.said()).toEqual([
      {
        type: 'session.created',
        payload: { boardId: 'demo', agentId: 'nobody-knows-me', sessionId: given.id, status: 'working' },
      },
    ])
  })

  test('[SE1] needs no fields, and generates an id', async () => {
    const session = await make()
    expect(session).toStrictEqual({
      id: expect.stringMatching(/^ses_[0-9a-f-]{36}$/),
      boardId: null,
      agentId: null,
      name: null,
      status: 'idle',
      error: null,
      createdAt: T0,
      updatedAt: T0,
    })
    expect(await db.said()).toEqual([{ type: 'session.created', payload: { sessionId: session.id, status: 'idle' } }])
  })

  test('[SE1] refuses an id that is taken, and an unknown board', async () => {
    await make({ id: 'taken' })
    expect((await db.refused('conflict', (tx) => createSession(tx, { id: 'taken' }))).message).toContain('taken')
    const { errors } = await db.refused('validation_failed', (tx) => createSession(tx, { boardId: 'nowhere' }))
    expect(errors?.map(({ path }) => path)).toEqual(['boardId'])
  })

  test('[SE2] lists the newest first, of all boards or of one', async () => {
    for (const [id, boardId] of [
      ['a', 'demo'],
      ['c', 'other'],
      ['b', 'demo'],
      ['d', null],
    ] as const)
      await make({ id, boardId })
    const ids = async (asked: Parameters<typeof listSessions>[1]) =>
      (await listSessions(db.sql, asked)).map(({ id }) => id)
    expect(await ids({ limit: 100 })).toEqual(['d', 'b', 'c', 'a'])
    expect(await ids({ boardId: 'demo', limit: 100 })).toEqual(['b', 'a'])
    expect(await ids({ boardId: 'demo', limit: 1 })).toEqual(['b'])
    expect(await ids({ boardId: 'nowhere', limit: 100 })).toEqual([])
  })
})

describe('the status of a session', () => {
  test.each(pairs)('[SE3] [SE4] [SE5] from %s to %s', async (from, to) => {
    await make({ id: 's', boardId: 'demo' })
    await db.sql.run('UPDATE sessions SET status = ?', [from])
    await db.said()
    vi.setSystemTime(T1)
    if (FINAL.includes(from)) {
      const { message } = await db.refused('invalid_transition', (tx) => updateSession(tx, 's', { status: to }))
      expect(message).toContain(`cannot go from ${from} to ${to}`)
      return
    }
    const session = await update('s', { status: to })
    expect(session).toMatchObject({ status: to, updatedAt: from === to ? T0 : T1 })
    expect(await getSession(db.sql, 's')).toEqual(session)
    const payload = { boardId: 'demo', sessionId: 's', status: to }
    expect(await db.said()).toEqual(from === to ? [] : [{ type: STATUS_EVENTS[to], payload }])
  })

  test('[SE3] [SE4] keeps its error until another is given, and its events carry it', async () => {
    await make({ id: 's' })
    await db.said()
    const steps: ReadonlyArray<readonly [SessionChanges, object | null]> = [
      [
        { status: 'idle', error: 'slow' },
        { type: 'session.updated', payload: { sessionId: 's', status: 'idle', error: 'slow' } },
      ],
      [{ status: 'idle', error: 'slow' }, null],
      [
        { status: 'working' },
        { type: 'session.updated', payload: { sessionId: 's', status: 'working', error: 'slow' } },
      ],
      [
        { status: 'working', error: null },
        { type: 'session.updated', payload: { sessionId: 's', status: 'working' } },
      ],
      [
        { status: 'error', error: '' },
        { type: 'session.error', payload: { sessionId: 's', status: 'error', error: '' } },
      ],
    ]
    for (const [changes, told] of steps) {
      await update('s', changes)
      expect(await db.said()).toEqual(told ? [told] : [])
    }
  })

  test('[SE2] [SE3] refuses an unknown session', async () => {
    await db.refused('session_not_found', (tx) => updateSession(tx, 'none', { status: 'idle' }))
    await expect(getSession(db.sql, 'none')).rejects.toMatchObject({ code: 'session_not_found' })
  })
})

describe('output', () => {
  test('[SE6] is one event per chunk, in order, whatever it contains', async () => {
    await make({ id: 's', boardId: 'demo', agentId: 'bot' })
    await db.said()
    const chunks = [
      { content: '' },
      { content: '\u001b[31mred', type: 'stderr' },
      { content: '\ud83d', type: 'system' },
      { content: '\ude42\r\n\u0000', type: 'stdout' },
    ] as const
    expect(await print('s', chunks)).toBe(4)
    const about = { boardId: 'demo', agentId: 'bot', sessionId: 's' }
    expect(await db.said()).toEqual(
      chunks.map((chunk) => ({ type: 'session.stream_output', payload: { ...about, type: 'stdout', ...chunk } })),
    )
    expect((await read('s')).chunks.map(({ content, type }) => ({ content, type }))).toEqual(
      chunks.map((chunk) => ({ type: 'stdout', ...chunk })),
    )
  })

  test('[SE7] may arrive after the end; an unknown session is refused', async () => {
    await make({ id: 's' })
    await update('s', { status: 'completed' })
    expect(await print('s', [{ content: 'flushed' }])).toBe(1)
    expect(contents(await read('s'))).toEqual(['flushed'])
    await db.refused('session_not_found', (tx) => appendSessionOutput(tx, 'none', [{ content: 'x' }]))
    await expect(read('none')).rejects.toMatchObject({ code: 'session_not_found' })
  })

  test('[SE8] is read by page, with ids, times and the cursor for the next page', async () => {
    await make({ id: 's' })
    const { epoch } = db.store
    await print('s', [{ content: 'one' }])
    await make({ id: 'between' })
    await update('s', { status: 'working' })
    vi.setSystemTime(T1)
    await print('s', [{ content: 'two', type: 'stderr' }])
    const one = { id: formatCursor(epoch, 2), content: 'one', type: 'stdout', ts: T0 }
    const two = { id: formatCursor(epoch, 5), content: 'two', type: 'stderr', ts: T1 }
    expect(await read('s')).toStrictEqual({ chunks: [one, two], cursor: two.id, more: false, count: 2 })
    expect(await read('s', { limit: 1 })).toStrictEqual({ chunks: [one], cursor: one.id, more: true, count: 1 })
    expect(await read('s', { after: one.id })).toStrictEqual({ chunks: [two], cursor: two.id, more: false, count: 2 })
    expect(await read('s', { tail: 1 })).toStrictEqual({ chunks: [two], cursor: two.id, more: false, count: 2 })
    expect(await read('between')).toStrictEqual({ chunks: [], cursor: two.id, more: false, count: 0 })
    await expect(read('s', { after: 'x' })).rejects.toMatchObject({ code: 'bad_request' })
  })

  test('[SE8] pages through everything once', async () => {
    await make({ id: 's' })
    const wanted = Array.from({ length: 250 }, (_, i) => `chunk ${i}`)
    for (let i = 0; i < 250; i += 25) {
      await print(
        's',
        wanted.slice(i, i + 25).map((content) => ({ content })),
      )
      await update('s', { status: i % 50 === 0 ? 'working' : 'idle' })
    }
    let page = await read('s', { limit: 30 })
    const got = contents(page)
    while (page.more) {
      page = await read('s', { limit: 30, after: page.cursor })
      got.push(...contents(page))
    }
    expect(got).toEqual(wanted)
    expect(contents(await read('s', { tail: 120 }))).toEqual(wanted.slice(-120))
  })
})

describe('a session whose board is deleted', () => {
  test('[SE9] is deleted with it, and a new session with the same id does not show its output', async () => {
    await make({ id: 's', boardId: 'demo' })
    await print('s', [{ content: 'of the first' }])
    await db.do((tx) => deleteBoard(tx, 'demo'))
    await db.refused('session_not_found', (tx) => appendSessionOutput(tx, 's', [{ content: 'late' }]))
    await make({ id: 's', boardId: 'other' })
    const earlier = formatCursor(db.store.epoch, 1)
    for (const asked of [{}, { tail: 10 }, { after: earlier }]) expect(contents(await read('s', asked))).toEqual([])
    await print('s', [{ content: 'of the second' }])
    for (const asked of [{}, { tail: 10 }, { after: earlier }]) {
      expect(contents(await read('s', asked))).toEqual(['of the second'])
      expect((await read('s', asked)).count).toBe(1)
    }
  })
})
