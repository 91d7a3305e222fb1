import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { formatCursor } from '../../shared/src/cursor.ts'
import { deleteBoard } from '../../src/domain/boards.ts'
import { deleteCard } from '../../src/domain/cards.ts'
import {
  appendShellOutput,
  createShell,
  exitShell,
  getShell,
  listShells,
  type NewShell,
  readShellOutput,
  reportShellError,
} from '../../src/domain/shells.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'
import { putAttempt, putBoard, putCard } from './rows.ts'

const T0 = '2026-01-31T12:00:00.000Z'
let db: BoardStore

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(T0) })
  db = await openBoardStore()
  for (const board of ['demo', 'other']) await putBoard(db.sql, board)
  await putCard(db.sql, 'card', 'demo.0')
  await putAttempt(db.sql, { id: 'att', card: 'card', status: 'running', createdAt: T0, agent: 'bot' })
})
afterEach(async () => {
  await db.close()
  vi.useRealTimers()
})

const make = (given: NewShell = {}) => db.do((tx) => createShell(tx, given))
const print = (id: string, ...data: readonly string[]) =>
  db.do((tx) =>
    appendShellOutput(
      tx,
      id,
      data.map((text) => ({ data: text })),
    ),
  )
const read = (id: string, asked: Partial<Parameters<typeof readShellOutput>[2]> = {}) =>
  db.store.read((snapshot) => readShellOutput(snapshot, id, { limit: 100, ...asked }))
const printed = ({ chunks }: { chunks: ReadonlyArray<{ data: string }> }) => chunks.map(({ data }) => data)
const aboutAttempt = { boardId: 'demo', cardId: 'card', attemptId: 'att', agentId: 'bot' }

describe('creating a shell', () => {
  test('[SH1] [SH3] for an attempt is on its board, and its events name the card and the agent', async () => {
    const shell = await make({ id: 'my:shell_1.a-b', attemptId: 'att', command: 'npm test' })
    expect(shell).toStrictEqual({
      id: 'my:shell_1.a-b',
      boardId: 'demo',
      attemptId: 'att',
      command: 'npm test',
      status: 'open',
      exitCode: null,
    })
    expect(await getShell(db.sql, shell.id)).toStrictEqual(shell)
    expect(await db.said()).toEqual([
      { type: 'shell.created', payload: { ...aboutAttempt, shellId: shell.id, command: 'npm test' } },
    ])
  })

  test('[SH1] needs no fields, and generates an id', async () => {
    const shell = await make()
    expect(shell).toMatchObject({ boardId: null, attemptId: null, command: null })
    expect(shell.id).toMatch(/^shl_[0-9a-f-]{36}$/)
    expect(await db.said()).toEqual([{ type: 'shell.created', payload: { shellId: shell.id, command: null } }])
    await make({ id: 'b', boardId: 'other' })
    expect(await db.said()).toEqual([
      { type: 'shell.created', payload: { boardId: 'other', shellId: 'b', command: null } },
    ])
  })

  test('[SH1] refuses an id that is taken', async () => {
    await make({ id: 'taken' })
    await db.refused('conflict', (tx) => createShell(tx, { id: 'taken' }))
  })

  test.each([
    [{ boardId: 'nowhere' }, 'boardId'],
    [{ attemptId: 'none' }, 'attemptId'],
    [{ boardId: 'other', attemptId: 'att' }, 'attemptId'],
  ])('[SH1] refuses %j', async (given, path) => {
    const { errors } = await db.refused('validation_failed', (tx) => createShell(tx, given))
    expect(errors?.map((error) => error.path)).toEqual([path])
  })

  test('[SH2] lists the newest first, of all boards or of one', async () => {
    await make({ id: 'a', boardId: 'demo' })
    await make({ id: 'c' })
    await make({ id: 'b', attemptId: 'att' })
    const ids = async (boardId?: string, limit = 100) =>
      (await listShells(db.sql, { boardId, limit })).map(({ id }) => id)
    expect(await ids()).toEqual(['b', 'c', 'a'])
    expect(await ids('demo')).toEqual(['b', 'a'])
    expect(await ids('demo', 1)).toEqual(['b'])
    expect(await ids('other')).toEqual([])
  })
})

describe('output', () => {
  test('[SH3] [SH4] is one event per chunk, in order, whatever it contains', async () => {
    await make({ id: 's', attemptId: 'att' })
    await db.said()
    const chunks = ['', '\u001b[2J\u001b[1;1H', '\ud83d', '\ude42', '\r\n\u0000', 'x'.repeat(65_536)]
    expect(await print('s', ...chunks)).toBe(chunks.length)
    expect(await db.said()).toEqual(
      chunks.map((data) => ({ type: 'shell.output', payload: { ...aboutAttempt, shellId: 's', data } })),
    )
    expect(printed(await read('s'))).toEqual(chunks)
  })

  test('[SH6] is read by page', async () => {
    await make({ id: 's' })
    await print('s', 'one')
    await db.do((tx) => reportShellError(tx, 's', 'between'))
    await print('s', 'two')
    const { epoch } = db.store
    const one = { id: formatCursor(epoch, 2), data: 'one', ts: T0 }
    const two = { id: formatCursor(epoch, 4), data: 'two', ts: T0 }
    expect(await read('s')).toStrictEqual({ chunks: [one, two], cursor: two.id, more: false, count: 2 })
    expect(await read('s', { limit: 1 })).toStrictEqual({ chunks: [one], cursor: one.id, more: true, count: 1 })
    expect(await read('s', { after: one.id })).toStrictEqual({ chunks: [two], cursor: two.id, more: false, count: 2 })
    expect(await read('s', { tail: 1 })).toStrictEqual({ chunks: [two], cursor: two.id, more: false, count: 2 })
  })

  test('[SH5] may arrive after the exit; an unknown shell is refused', async () => {
    await make({ id: 's' })
    await db.do((tx) => exitShell(tx, 's', 0))
    await print('s', 'flushed')
    expect(printed(await read('s'))).toEqual(['flushed'])
    await db.refused('shell_not_found', (tx) => appendShellOutput(tx, 'none', [{ data: 'x' }]))
    await db.refused('shell_not_found', (tx) => reportShellError(tx, 'none', 'x'))
    await expect(read('none')).rejects.toMatchObject({ code: 'shell_not_found' })
  })
})

describe('the end of a shell', () => {
  test.each([0, 137, -1, 4_294_967_295, null])('[SH3] [SH7] with %j is emitted once', async (code) => {
    await make({ id: 's', attemptId: 'att' })
    await db.said()
    expect(await db.do((tx) => exitShell(tx, 's', code))).toMatchObject({ status: 'exited', exitCode: code })
    expect(await getShell(db.sql, 's')).toMatchObject({ status: 'exited', exitCode: code })
    expect(await db.said()).toEqual([{ type: 'shell.exit', payload: { ...aboutAttempt, shellId: 's', code } }])
    await db.refused('invalid_transition', (tx) => exitShell(tx, 's', code))
    await db.refused('shell_not_found', (tx) => exitShell(tx, 'none', code))
  })

  test('[SH3] [SH8] is not caused by an error', async () => {
    const shell = await make({ id: 's' })
    await db.said()
    expect(await db.do((tx) => reportShellError(tx, 's', 'lost\ud800'))).toEqual({ shellId: 's', error: 'lost\ud800' })
    expect(await db.said()).toEqual([{ type: 'shell.error', payload: { shellId: 's', error: 'lost\ud800' } }])
    expect(await getShell(db.sql, 's')).toEqual(shell)
  })

  test('[SH9] follows the deletion of its board or attempt, and a new shell with the same id starts empty', async () => {
    const ends = [() => db.do((tx) => deleteCard(tx, 'card', undefined)), () => db.do((tx) => deleteBoard(tx, 'demo'))]
    for (const [index, end] of ends.entries()) {
      await make(index === 0 ? { id: 's', attemptId: 'att' } : { id: 's', boardId: 'demo' })
      await print('s', 'of the first')
      await end()
      await expect(getShell(db.sql, 's')).rejects.toMatchObject({ code: 'shell_not_found' })
    }
    await make({ id: 's' })
    await print('s', 'of the last')
    for (const asked of [{}, { tail: 10 }]) expect(printed(await read('s', asked))).toEqual(['of the last'])
  })
})
