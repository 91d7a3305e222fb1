/** Stores over a stub of the hub, with every order of answers, events, gaps and failures. */
import { describe, expect, test } from 'vitest'
import type { BoardState, Card } from '../../shared/src/types/kanban.ts'
import { BoardcastError } from '../../web/client/base/errors.ts'
import type { Store } from '../../web/client/base/types.ts'
import type { BoardValue } from '../../web/client/stores/board.ts'
import { session } from '../../web/client/stores/session.ts'
import { createStores } from '../../web/client/stores/stores.ts'
import { at, StubHub, settled } from './support/stub-hub.ts'

const column = (id: string, key: string, cardIds: string[] = []) => ({ id, key, title: key, cardIds })

function card(id: string, columnId = 'c1'): Card {
  return {
    id,
    boardId: 'b',
    columnId,
    ticketKey: 'B-1',
    title: id,
    description: null,
    ticketType: null,
    priority: null,
    labels: [],
    stage: null,
    dependsOn: [],
    blocked: false,
    assignedAgentId: null,
    isEnhanced: false,
    prUrl: null,
    attempt: null,
    revision: 1,
    createdAt: '2026-01-31T12:00:00.000Z',
    updatedAt: '2026-01-31T12:00:00.000Z',
  }
}

function state(...cards: string[]): BoardState {
  return {
    boardId: 'b',
    columns: { c1: column('c1', 'todo', cards), c2: column('c2', 'done') },
    columnOrder: ['c1', 'c2'],
    cards: Object.fromEntries(cards.map((id) => [id, card(id)])),
  }
}

const board = (value: BoardState, seq: number) => ({ board: {}, state: value, cursor: at(seq) })
const created = (id: string) => ({ card: card(id), columnId: 'c1', index: 0 })
const moved = (cardId: string, toColumnId: string, toIndex = 0) => ({
  cardId,
  toColumnId,
  toIndex,
  revision: 2,
  updatedAt: '2026-01-31T12:00:01.000Z',
})

function open(): { hub: StubHub; stores: ReturnType<typeof createStores>; store: Store<BoardValue>; undo: () => void } {
  const hub = new StubHub()
  const stores = createStores(hub)
  const store = stores.board('b')
  return { hub, stores, store, undo: store.subscribe(() => undefined) }
}

async function live(value = state('x', 'y'), seq = 10) {
  const opened = open()
  opened.hub.ready(seq)
  await opened.hub.next().answer(board(value, seq))
  return opened
}

const ids = (store: Store<BoardValue>, columnId = 'c1') => store.get().state?.columns[columnId]?.cardIds

describe('opening and closing', () => {
  test('[CB1] requests nothing before the first reader', () => {
    const hub = new StubHub()
    const store = createStores(hub).board('b')
    expect(store.get()).toMatchObject({ phase: 'loading', state: null, error: null })
    expect([hub.readers.size, hub.asked.length]).toEqual([0, 0])
  })

  test('[CB1] readers of a board share its store, which closes 5 s after the last one has left', async () => {
    const { hub, stores, store, undo } = await live()
    const other = stores.board('b')
    const undoOther = other.subscribe(() => undefined)
    expect(other.get()).toBe(store.get())
    expect(hub.readers.size).toBe(1)
    undo()
    undo()
    hub.clock.advance(60_000)
    expect(hub.readers.size).toBe(1)
    undoOther()
    hub.clock.advance(4_999)
    expect(hub.readers.size).toBe(1)
    hub.clock.advance(1)
    expect(hub.readers.size).toBe(0)
    expect(hub.clock.waiting).toBe(0)
  })

  test('[CB1] a reader that comes back within 5 s finds it as it was', async () => {
    const { hub, store, undo } = await live()
    undo()
    hub.clock.advance(4_000)
    store.subscribe(() => undefined)
    hub.clock.advance(60_000)
    expect(store.get()).toMatchObject({ phase: 'live' })
    expect([hub.readers.size, hub.asked.length]).toEqual([1, 0])
  })

  test('[CB1] an answer that comes after it was closed is ignored, and nothing is retried', async () => {
    const { hub, stores } = open()
    hub.ready(1)
    stores.close()
    await hub.next().fail(new BoardcastError('unreachable', 'gone'))
    hub.clock.advance(60_000)
    expect([hub.readers.size, hub.asked.length, hub.clock.waiting]).toEqual([0, 0, 0])
  })
})

describe('reading and applying events', () => {
  test('[CB2] events during a request are applied once, if the answer does not include them', async () => {
    const { hub, store } = open()
    hub.ready(10)
    hub.emit(11, 'card_created', created('n11'))
    hub.emit(12, 'card_created', created('n12'))
    await hub.next().answer(board(state('n11', 'x'), 11))
    expect(ids(store)).toEqual(['n12', 'n11', 'x'])
    hub.emit(13, 'card_moved', moved('x', 'c2'))
    expect(ids(store)).toEqual(['n12', 'n11'])
    expect(ids(store, 'c2')).toEqual(['x'])
  })

  test('[CB2] an event that the answer includes is not applied again', async () => {
    const { hub, store } = open()
    hub.ready(10)
    hub.emit(11, 'card_moved', moved('x', 'c2'))
    // The answer is from 13, after the card was moved back; 12 and 13 have not come yet.
    await hub.next().answer(board(state('x'), 13))
    expect(ids(store)).toEqual(['x'])
  })

  test('[CB2] any number of events compute one value, when it is read', async () => {
    const { hub, store } = await live()
    let changes = 0
    store.subscribe(() => {
      changes += 1
    })
    const before = store.get()
    expect(store.get()).toBe(before)
    for (let seq = 11; seq <= 1_010; seq++) hub.emit(seq, 'card_moved', moved('x', seq % 2 ? 'c2' : 'c1'))
    expect(changes).toBe(1_000)
    expect(store.get()).not.toBe(before)
    expect(store.get()).toBe(store.get())
    expect(ids(store)).toEqual(['x', 'y'])
  })

  test('[CB2] with more events than the queue holds during a request, it reads again', async () => {
    const { hub, store } = open()
    hub.ready(10)
    for (let seq = 11; seq <= 10_020; seq++) hub.emit(seq, 'card_moved', moved('x', 'c2'))
    await hub.next().answer(board(state('x'), 10))
    expect(store.get().phase).toBe('loading')
    // Not at once, because the server may be overloaded.
    expect(hub.asked).toEqual([])
    hub.clock.advance(1_000)
    await hub.next().answer(board(state('y'), 10_020))
    expect(ids(store)).toEqual(['y'])
    expect(store.get().phase).toBe('live')
  })

  test('[CL31] an answer older than the events that have come is refused, and requested again', async () => {
    const { hub, store } = open()
    hub.ready(10)
    await hub.next().answer(board(state('x'), 9))
    expect(store.get()).toMatchObject({ phase: 'error', state: null })
    expect(store.get().error?.message).toMatch(/older than 0000abcd-10.*cache/)
    hub.clock.advance(1_500)
    await hub.next().answer(board(state('y'), 10))
    expect(store.get()).toMatchObject({ phase: 'live', error: null })
  })

  test('[CB4] after a gap it is read again, and the old value is stale meanwhile', async () => {
    const { hub, store } = await live()
    hub.gap()
    expect(store.get()).toMatchObject({ phase: 'stale' })
    expect(ids(store)).toEqual(['x', 'y'])
    hub.ready(50)
    hub.emit(51, 'card_created', created('n51'))
    await hub.next().answer(board(state('z'), 50))
    expect(ids(store)).toEqual(['n51', 'z'])
    expect(store.get().phase).toBe('live')
  })

  test('[CB4] after a gap during a request the answer is ignored', async () => {
    const { hub, store } = open()
    hub.ready(10)
    const old = hub.next()
    hub.gap()
    await old.answer(board(state('old'), 10))
    expect(store.get()).toMatchObject({ phase: 'loading', state: null })
    hub.ready(50)
    await hub.next().answer(board(state('new'), 50))
    expect(ids(store)).toEqual(['new'])
  })

  test('[CB3] it is stale while the stream is not open, and live again afterwards', async () => {
    const { hub, store } = await live()
    let changes = 0
    store.subscribe(() => {
      changes += 1
    })
    hub.status.set({ ...hub.status.get(), lastFrameAt: 1 })
    expect(changes).toBe(0)
    for (const phase of ['reconnecting', 'offline', 'stopped'] as const) {
      hub.phase(phase)
      expect(store.get().phase).toBe('stale')
    }
    hub.phase('catching-up')
    expect(store.get().phase).toBe('live')
    expect(changes).toBe(2)
  })
})

describe('unreadable frames', () => {
  test('[CB5] without an answer it retries with growing delays, up to 12 s', async () => {
    const { hub, store } = open()
    hub.ready(10)
    for (const delayMs of [1_500, 3_000, 6_000, 12_000, 12_000]) {
      await hub.next().fail(new BoardcastError('unreachable', 'no answer'))
      expect(store.get()).toMatchObject({ phase: 'error', error: { message: 'no answer' } })
      hub.clock.advance(delayMs - 1)
      expect(hub.asked.length).toBe(0)
      hub.clock.advance(1)
      expect(hub.asked.length).toBe(1)
    }
    await hub.next().answer(board(state('x'), 20))
    expect(store.get()).toMatchObject({ phase: 'live', error: null })
  })

  test('[CB5] after a refusal it is read again only when the stream opens', async () => {
    const { hub, store } = open()
    hub.ready(10)
    await hub.next().fail(new BoardcastError('refused', 'who are you', { status: 401 }))
    hub.clock.advance(600_000)
    expect([store.get().phase, hub.asked.length]).toEqual(['error', 0])
    hub.phase('stopped')
    hub.phase('open')
    await hub.next().answer(board(state('x'), 10))
    expect(store.get()).toMatchObject({ phase: 'live', error: null })
  })

  test('[CB6] a board that does not exist is gone, and has no subscription', async () => {
    const { hub, store } = open()
    hub.ready(10)
    await hub.next().fail(new BoardcastError('refused', 'Board not found', { status: 404 }))
    expect(store.get()).toMatchObject({ phase: 'gone', error: { message: 'Board not found' } })
    expect([hub.readers.size, hub.clock.waiting]).toEqual([0, 0])
  })

  test('[CB6] so is a board whose stream is refused, and one that is deleted', async () => {
    const refused = open()
    refused.hub.refuse(new BoardcastError('refused', 'Board not found', { status: 404 }))
    expect(refused.store.get().phase).toBe('gone')
    const deleted = await live()
    deleted.hub.emit(11, 'board_deleted', { boardId: 'b' })
    expect(deleted.store.get().phase).toBe('gone')
    expect(deleted.hub.readers.size).toBe(0)
  })

  test('[CB6] a session that does not exist yet shows when it is created', async () => {
    const hub = new StubHub()
    const store = session(hub, 's')
    store.subscribe(() => undefined)
    hub.ready(10)
    await hub.next().fail(new BoardcastError('refused', 'none', { status: 404 }))
    expect(store.get()).toMatchObject({ phase: 'gone', session: null })
    hub.emit(11, 'session.created', { sessionId: 's', status: 'idle' })
    hub.emit(12, 'session.updated', { sessionId: 's', status: 'working' })
    await hub.next().answer({ chunks: [], cursor: at(12) })
    await hub.next().answer({ id: 's', status: 'working', createdAt: '2030-01-01T00:00:00.000Z' })
    expect(store.get()).toMatchObject({ phase: 'live', session: { status: 'working' }, error: null })
    expect(hub.asked.length).toBe(0)
  })
})

const notFound = () => new BoardcastError('refused', 'Board not found', { status: 404 })

describe('resources that are gone', () => {
  test('[CB6] a deleted board is gone with an error, and nothing of it is shown', async () => {
    const { hub, store } = await live()
    let changes = 0
    store.subscribe(() => {
      changes += 1
    })
    hub.emit(11, 'board_deleted', { boardId: 'b' })
    expect(store.get()).toMatchObject({ phase: 'gone', state: null, error: { code: 'refused', status: 404 } })
    expect(changes).toBeGreaterThan(0)
  })

  test('[CB6] a board that is created later comes with reconnect, with and without an open stream', async () => {
    for (const phase of ['open', 'idle'] as const) {
      const { hub, store } = open()
      hub.ready(10)
      await hub.next().fail(notFound())
      hub.phase(phase)
      await settled()
      // `reconnect` notifies status listeners although nothing has changed.
      hub.phase(phase)
      await hub.next().fail(notFound())
      expect([store.get().phase, hub.readers.size]).toEqual(['gone', 0])
      hub.phase(phase)
      await hub.next().answer(board(state('x'), 20))
      expect([store.get().phase, store.get().error, hub.readers.size]).toEqual(['loading', null, 1])
      hub.ready(20)
      await hub.next().answer(board(state('x'), 20))
      expect(store.get()).toMatchObject({ phase: 'live', error: null })
      expect(ids(store)).toEqual(['x'])
    }
  })

  test('[CB6] and with a new reader, without anything of the deleted one', async () => {
    const { hub, stores, store } = await live()
    hub.emit(11, 'board_deleted', { boardId: 'b' })
    const seen: unknown[] = []
    store.subscribe(() => seen.push(store.get().state))
    stores.board('b').subscribe(() => undefined)
    await hub.next().answer(board(state('z'), 20))
    // The stream still remembers an earlier refusal, so the store subscribes once more.
    hub.refuse(notFound())
    expect([store.get().phase, hub.readers.size]).toEqual(['loading', 1])
    hub.ready(20)
    await hub.next().answer(board(state('z'), 20))
    expect(ids(store)).toEqual(['z'])
    expect(seen.filter((one) => JSON.stringify(one)?.includes('"x"'))).toEqual([])
  })

  test('[CB6] a stream that is refused repeatedly is not requested in a loop', async () => {
    const { hub, store } = open()
    hub.phase('open')
    hub.refuse(new BoardcastError('refused', 'not yours', { status: 403 }))
    hub.phase('open')
    await hub.next().answer(board(state('x'), 20))
    hub.refuse(new BoardcastError('refused', 'not yours', { status: 403 }))
    hub.refuse(new BoardcastError('refused', 'not yours', { status: 403 }))
    for (let n = 0; n < 5; n++) hub.phase('open')
    expect([hub.asked.length, hub.readers.size]).toEqual([0, 0])
    expect(store.get()).toMatchObject({ phase: 'error', error: { message: 'not yours' } })
  })

  test('[CB6] and when a card is created on it', async () => {
    const { hub, stores, store } = open()
    hub.ready(10)
    await hub.next().fail(notFound())
    void stores.mutate.createCard({ boardId: 'b', title: 'first' })
    await settled()
    await hub.next().answer({ ...card('m'), title: 'first' }, at(21))
    await hub.next().answer(board(state('m'), 21))
    hub.ready(21)
    await hub.next().answer(board(state('m'), 21))
    expect(ids(store)).toEqual(['m'])
  })

  test('[CB6] an attempt is gone with its card, through its board or when the stream opens', async () => {
    const opened = async () => {
      const { hub, stores } = await live()
      const store = stores.attempt('a')
      store.subscribe(() => undefined)
      hub.ready(10)
      // The board is read again too.
      for (const asked of hub.asked.splice(0)) {
        await asked.answer(asked.path.startsWith('/boards') ? board(state('x'), 10) : { lines: [], cursor: at(10) })
      }
      const attempt = { id: 'a', boardId: 'b', cardId: 'x', status: 'running' }
      await hub.next().answer({ attempt, todos: null, conversation: [] })
      expect(store.get().phase).toBe('live')
      return { hub, store }
    }
    const withBoard = await opened()
    withBoard.hub.emit(11, 'card_deleted', { cardId: 'y', columnId: 'c1' })
    expect(withBoard.store.get().phase).toBe('live')
    withBoard.hub.emit(12, 'card_deleted', { cardId: 'x', columnId: 'c1' })
    expect(withBoard.store.get()).toMatchObject({ phase: 'gone', attempt: null, error: { status: 404 } })

    const missed = await opened()
    missed.hub.phase('reconnecting')
    missed.hub.phase('open')
    await missed.hub.next().fail(notFound())
    expect(missed.store.get()).toMatchObject({ phase: 'gone', error: { status: 404 } })
  })
})

describe('invalid ids', () => {
  test('[CB5] a malformed id is an error, and nothing is requested', async () => {
    const refusing = new StubHub()
    const misuse = new BoardcastError('misuse', 'not a channel')
    const hub = Object.assign(refusing, {
      subscribe: () => {
        throw misuse
      },
    })
    const stores = createStores(hub)
    for (const store of [stores.board('Bad Id!'), stores.attempt(''), session(hub, 'a b')]) {
      store.subscribe(() => undefined)
      expect(store.get()).toMatchObject({ phase: 'error', error: misuse })
      hub.phase('open')
      hub.phase('open')
      expect([store.get().phase, hub.asked.length]).toEqual(['error', 0])
    }
  })

  test('[CB3] a stopped stream is an error, which is cleared when it opens again', async () => {
    const { hub, store } = open()
    const stop = { reason: 'unauthenticated', status: 401, detail: 'who are you' } as const
    hub.status.set({ ...hub.status.get(), phase: 'stopped', stop })
    expect(store.get()).toMatchObject({ phase: 'error', error: { code: 'refused', status: 401 } })
    hub.status.set({ ...hub.status.get(), phase: 'connecting', stop: undefined })
    expect(store.get()).toMatchObject({ phase: 'loading', error: null })
    hub.ready(10)
    await hub.next().answer(board(state('x'), 10))
    expect(store.get()).toMatchObject({ phase: 'live', error: null })
    hub.status.set({ ...hub.status.get(), phase: 'stopped', stop })
    expect(store.get()).toMatchObject({ phase: 'stale', error: { status: 401 } })
    expect(ids(store)).toEqual(['x'])
  })
})

test('[CB15] the status of an attempt only advances: an event with an earlier status is ignored', async () => {
  const hub = new StubHub()
  const store = createStores(hub).attempt('a')
  store.subscribe(() => undefined)
  hub.ready(10)
  await hub.next().answer({ lines: [], cursor: at(10) })
  await hub.next().answer({ attempt: { id: 'a', status: 'succeeded' }, todos: null, conversation: [] })
  const status = (status: string) => ({ status, endedAt: null, exitCode: null, error: null })
  hub.emit(11, 'attempt_status', status('running'))
  expect(store.get()).toMatchObject({ attempt: { status: 'succeeded' }, done: true })
  hub.emit(12, 'attempt_status', status('succeeded'))
  expect(store.get().attempt).toMatchObject({ status: 'succeeded', exitCode: null })
})

describe('mutations', () => {
  test('[CB7] shows at once, before there is an answer', async () => {
    const { hub, stores, store } = await live()
    void stores.mutate.moveCard({ boardId: 'b', cardId: 'x', columnKey: 'done' })
    expect(ids(store, 'c2')).toEqual(['x'])
    expect(store.get().pending).toBe(1)
    await settled()
    const { method, path, body } = hub.next()
    expect([method, path, body]).toEqual(['POST', '/cards/x/move', { columnKey: 'done' }])
  })

  test('[CB8] an answer that overtakes the stream does not let the card jump back', async () => {
    const { hub, stores, store } = await live()
    const result = stores.mutate.moveCard({ cardId: 'x', columnId: 'c2' })
    await settled()
    await hub.next().answer(card('x', 'c2'), at(11))
    await result
    expect(ids(store, 'c2')).toEqual(['x'])
    hub.emit(11, 'card_moved', moved('x', 'c2'))
    expect(ids(store, 'c2')).toEqual(['x'])
    // Its entry was removed, so later events show.
    hub.emit(12, 'card_moved', moved('x', 'c1'))
    expect(ids(store, 'c2')).toEqual([])
    expect(store.get().pending).toBe(0)
  })

  test('[CB8] nor does an event that overtakes the answer', async () => {
    const { hub, stores, store } = await live()
    void stores.mutate.moveCard({ cardId: 'x', columnId: 'c2' })
    await settled()
    hub.emit(11, 'card_moved', moved('x', 'c2'))
    expect(ids(store, 'c2')).toEqual(['x'])
    await hub.next().answer(card('x', 'c2'), at(11))
    expect(ids(store, 'c2')).toEqual(['x'])
  })

  test('[CB8] a move without effect is removed before anything can differ from it', async () => {
    const { hub, stores, store } = await live()
    void stores.mutate.moveCard({ cardId: 'x', columnId: 'c1', index: 0 })
    await settled()
    // Nothing was committed, so the id is the newest of the log.
    await hub.next().answer(card('x'), at(40))
    expect(ids(store)).toEqual(['x', 'y'])
    hub.emit(41, 'card_moved', moved('x', 'c2'))
    expect(ids(store, 'c2')).toEqual(['x'])
  })

  test('[CB9] a refused one is reverted and its error shows; changes of others stay', async () => {
    const { hub, stores, store } = await live()
    const result = stores.mutate.moveCard({ cardId: 'x', columnId: 'c2' })
    hub.emit(11, 'card_created', created('n'))
    await settled()
    const refusal = new BoardcastError('refused', 'The card is blocked', { status: 409 })
    await hub.next().fail(refusal)
    await expect(result).rejects.toBe(refusal)
    expect(ids(store)).toEqual(['n', 'x', 'y'])
    expect(store.get()).toMatchObject({ phase: 'live', error: refusal, pending: 0 })
    void stores.mutate.moveCard({ cardId: 'y', columnId: 'c2' })
    expect(store.get().error).toBeNull()
  })

  test('[CB9] a refusal that is not awaited is not an unhandled rejection', async () => {
    const { hub, stores, store } = await live()
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    void stores.mutate.deleteCard({ cardId: 'x' })
    await settled()
    await hub.next().fail(new BoardcastError('refused', 'no', { status: 409 }))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
    expect(ids(store)).toEqual(['x', 'y'])
  })

  test('[CB10] mutations of a board are sent one after the other, also after a refusal', async () => {
    const { hub, stores, store } = await live()
    for (const columnId of ['c2', 'c1', 'c2']) void stores.mutate.moveCard({ cardId: 'x', columnId })
    expect(ids(store, 'c2')).toEqual(['x'])
    await settled()
    expect(hub.asked.map(({ body }) => body)).toEqual([{ columnId: 'c2' }])
    await hub.next().fail(new BoardcastError('refused', 'no', { status: 409 }))
    expect(hub.asked.map(({ body }) => body)).toEqual([{ columnId: 'c1' }])
    await hub.next().answer(card('x'), at(11))
    expect(hub.asked.map(({ body }) => body)).toEqual([{ columnId: 'c2' }])
  })

  test('[CB11] a new card never shows twice, whether its event or the answer comes first', async () => {
    for (const eventFirst of [true, false]) {
      const { hub, stores, store } = await live(state(), 10)
      void stores.mutate.createCard({ boardId: 'b', title: 'made' })
      void stores.mutate.createCard({ boardId: 'b', title: 'made' })
      expect(ids(store)).toHaveLength(2)
      for (const [n, name] of ['m1', 'm2'].entries()) {
        await settled()
        const asked = hub.next()
        const made = { ...card(name), title: 'made' }
        const tell = () => hub.emit(11 + n, 'card_created', { card: made, columnId: 'c1', index: n })
        if (eventFirst) tell()
        expect(ids(store)).toHaveLength(2)
        await asked.answer(made, at(11 + n))
        expect(ids(store)).toHaveLength(2)
        expect(ids(store)).toContain(name)
        if (!eventFirst) tell()
        expect(ids(store)).toHaveLength(2)
      }
      expect(ids(store)).toEqual(['m1', 'm2'])
    }
  })

  test('[CB7] changes and deletions show at once, and are sent as given', async () => {
    const { hub, stores, store } = await live()
    void stores.mutate.updateCard({ cardId: 'x', title: 'other', labels: ['a'], ifRevision: 1 })
    expect(store.get().state?.cards.x).toMatchObject({ title: 'other', labels: ['a'], revision: 1 })
    void stores.mutate.deleteCard({ cardId: 'y', ifRevision: 3 })
    expect(ids(store)).toEqual(['x'])
    await settled()
    const update = hub.next()
    expect([update.method, update.path, update.body]).toEqual([
      'PATCH',
      '/cards/x',
      { title: 'other', labels: ['a'], ifRevision: 1 },
    ])
    await update.answer({ ...card('x'), title: 'other', labels: ['a'] }, at(11))
    const deletion = hub.next()
    expect([deletion.method, deletion.path, deletion.body]).toEqual(['DELETE', '/cards/y?ifRevision=3', undefined])
  })

  test('[CB10] also without an open board, and without a board id', async () => {
    const hub = new StubHub()
    const { mutate } = createStores(hub)
    for (const columnId of ['c1', 'c2']) void mutate.moveCard({ boardId: 'b', cardId: 'x', columnId })
    void mutate.moveCard({ cardId: 'x', columnId: 'c3' })
    void mutate.updateCard({ cardId: 'q', title: 'q' })
    void mutate.moveCard({ boardId: 'b', cardId: 'q', columnId: 'c4' })
    const order: unknown[] = []
    for (let n = 0; n < 5; n++) {
      await settled()
      expect(hub.asked.length).toBe(1)
      const asked = hub.next()
      order.push(asked.body)
      await asked.answer(card('x'), at(11 + n))
    }
    expect(order).toEqual([
      { columnId: 'c1' },
      { columnId: 'c2' },
      { columnId: 'c3' },
      { title: 'q' },
      { columnId: 'c4' },
    ])
    expect(hub.asked.length).toBe(0)
  })

  test('[CB8] mutations in flight outlive the reader, and show when a reader comes back', async () => {
    const { hub, stores, store, undo } = await live()
    void stores.mutate.moveCard({ boardId: 'b', cardId: 'x', columnId: 'c2' })
    await settled()
    undo()
    hub.clock.advance(5_000)
    expect(hub.readers.size).toBe(0)
    void stores.mutate.moveCard({ boardId: 'b', cardId: 'y', columnId: 'c2' })
    await settled()
    const [first] = hub.asked.splice(0)
    expect(first?.path).toBe('/cards/x/move')
    store.subscribe(() => undefined)
    hub.ready(12)
    await hub.next().answer(board(state('x', 'y'), 12))
    expect([ids(store, 'c2'), store.get().pending]).toEqual([['x', 'y'], 2])
    await first?.answer(card('x', 'c2'), at(13))
    expect(ids(store, 'c2')).toEqual(['x', 'y'])
    expect(hub.next().path).toBe('/cards/y/move')
  })

  test('[CB11] mutations of a card that is being created wait for it, and show meanwhile', async () => {
    for (const eventFirst of [true, false]) {
      const { hub, stores, store } = await live(state(), 10)
      void stores.mutate.createCard({ boardId: 'b', title: 'made' })
      const [id = ''] = ids(store) ?? []
      expect(id).toMatch(/^unmade:/)
      void stores.mutate.moveCard({ cardId: id, columnId: 'c2' })
      const update = stores.mutate.updateCard({ cardId: id, labels: ['a'] })
      expect(ids(store, 'c2')).toEqual([id])
      await settled()
      expect(hub.asked.length).toBe(1)
      const made = { ...card('m'), title: 'made' }
      const tell = () => hub.emit(11, 'card_created', { card: made, columnId: 'c1', index: 0 })
      const asked = hub.next()
      if (eventFirst) tell()
      if (eventFirst) expect([ids(store), ids(store, 'c2')]).toEqual([[], ['m']])
      await asked.answer(made, at(11))
      if (!eventFirst) tell()
      expect([ids(store), ids(store, 'c2')]).toEqual([[], ['m']])
      const move = hub.next()
      expect(move.path).toBe('/cards/m/move')
      await move.answer({ ...made, columnId: 'c2' }, at(12))
      const edit = hub.next()
      expect([edit.method, edit.path, edit.body]).toEqual(['PATCH', '/cards/m', { labels: ['a'] }])
      await edit.answer(made, at(13))
      await update
    }
  })

  test('[CB11] and are refused with it if it cannot be created', async () => {
    const { hub, stores, store } = await live(state(), 10)
    void stores.mutate.createCard({ boardId: 'b', title: 'made' })
    const [id = ''] = ids(store) ?? []
    const deletion = stores.mutate.deleteCard({ cardId: id })
    await settled()
    const refusal = new BoardcastError('refused', 'no', { status: 409 })
    await hub.next().fail(refusal)
    await expect(deletion).rejects.toBe(refusal)
    expect([hub.asked.length, ids(store)]).toEqual([0, []])
  })

  test('[CB7] it is also sent when the board has no readers', async () => {
    const hub = new StubHub()
    const result = createStores(hub).mutate.moveCard({ cardId: 'x', columnKey: 'done' })
    await settled()
    await hub.next().answer(card('x', 'c2'), at(11))
    expect(await result).toMatchObject({ id: 'x', columnId: 'c2' })
  })
})
