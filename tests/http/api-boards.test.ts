/** Boards and columns over HTTP. Rules T1 to T3, T12, T16, T24, T26. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { board, boardState, column } from '../../shared/src/types/kanban.ts'
import { makeBoard, makeCard, positionOf } from '../support/board.ts'
import { ask, expectProblem, newestId, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json: unknown) => ask(server, 'POST', path, { json })
const patch = (path: string, json: unknown) => ask(server, 'PATCH', path, { json })
const titles = async (id: string) => (await ask(server, 'GET', `/boards/${id}`)).body.board.columns.map(titleOf)
const titleOf = ({ title }: { title: string }) => title

describe('POST /boards', () => {
  it('[T1] [T2] [T3] [T26] creates a board with four columns and a prefix from its initials', async () => {
    const before = await newestId(server)
    const reply = await post('/boards', { name: 'Agent Work Board' })
    expect(reply.status).toBe(201)
    expect(reply.headers.get('Content-Type')).toBe('application/json')
    const made = board.parse(reply.body)
    expect(made.id).toMatch(/^brd_[0-9a-f-]{36}$/)
    expect(made).toMatchObject({ name: 'Agent Work Board', description: null, ticketPrefix: 'AWB' })
    expect(made.columns.map(({ key, title }) => [key, title])).toEqual([
      ['backlog', 'Backlog'],
      ['in_progress', 'In Progress'],
      ['review', 'Review'],
      ['done', 'Done'],
    ])
    for (const { id } of made.columns) expect(id).toMatch(/^col_[0-9a-f-]{36}$/)
    expect(reply.headers.get('Event-Id')).toBe(await newestId(server))
    expect(positionOf(reply.headers.get('Event-Id') ?? '')).toBe(positionOf(before) + 1)
  })

  it('[T26] accepts an id, a prefix and columns', async () => {
    const wanted = {
      id: 'own-board_1',
      name: 'Own',
      description: 'With\nlines',
      ticketPrefix: 'A1',
      columns: [{ title: 'One', key: 'one' }, { title: 'Two' }, { title: 'Two', key: null }],
    }
    const reply = await post('/boards', wanted)
    expect(board.parse(reply.body)).toMatchObject({ id: 'own-board_1', ticketPrefix: 'A1', description: 'With\nlines' })
    expect(reply.body.columns.map(({ key, title }: { key: string | null; title: string }) => [title, key])).toEqual([
      ['One', 'one'],
      ['Two', null],
      ['Two', null],
    ])
    expect((await makeCard(server, 'own-board_1')).ticketKey).toBe('A1-1')
  })

  it('[T24] [T26] refuses an id that is taken with 409 conflict', async () => {
    await makeBoard(server, 'taken')
    const reply = await withoutEvents(server, () => post('/boards', { id: 'taken', name: 'Second' }))
    expectProblem(reply, 409, 'conflict')
    expect(reply.headers.get('Event-Id')).toBe(await newestId(server))
  })

  it.each([
    [
      'a key that repeats',
      {
        columns: [
          { title: 'A', key: 'x' },
          { title: 'B', key: 'x' },
        ],
      },
      'columns.1.key',
    ],
    ['no columns at all', { columns: [] }, 'columns'],
    ['a column with more fields', { columns: [{ title: 'A', cardIds: [] }] }, 'columns.0.cardIds'],
    ['an empty name', { name: '' }, 'name'],
    ['a long name', { name: 'x'.repeat(201) }, 'name'],
    ['a prefix in lower case', { ticketPrefix: 'ab' }, 'ticketPrefix'],
    ['a prefix of seven', { ticketPrefix: 'ABCDEFG' }, 'ticketPrefix'],
    ['an id in upper case', { id: 'Demo' }, 'id'],
    ['an id that begins with a hyphen', { id: '-a' }, 'id'],
    ['an id of 65', { id: 'a'.repeat(65) }, 'id'],
    ['an id with a line end', { id: 'a\n' }, 'id'],
  ])('[T6] [T24] refuses %s', async (_, body, path) => {
    const reply = await withoutEvents(server, () => post('/boards', { name: 'x', ...body }))
    expectProblem(reply, 422, 'validation_failed', path)
  })
})

describe('boards', () => {
  it('[T1] [T2] are listed oldest first, bare', async () => {
    await using fresh = await startTestServer()
    expect((await ask(fresh, 'GET', '/boards')).body).toEqual({ boards: [] })
    for (const id of ['c', 'a', 'b']) await makeBoard(fresh, id)
    const { status, body } = await ask(fresh, 'GET', '/boards')
    expect(status).toBe(200)
    const { boards } = z.strictObject({ boards: z.array(board) }).parse(body)
    expect(boards.map(({ id }) => id)).toEqual(['c', 'a', 'b'])
    expect((await ask(fresh, 'GET', '/boards?limit=2')).body.boards.length).toBe(2)
  })

  it('[T1] [T2] are read with their state and its id', async () => {
    const { id } = await makeBoard(server)
    const { eventId, id: cardId } = await makeCard(server, id)
    const { status, body } = await ask(server, 'GET', `/boards/${id}`)
    expect(status).toBe(200)
    const read = z.strictObject({ board, state: boardState, cursor: z.string() }).parse(body)
    expect(read.cursor).toBe(eventId)
    expect(Object.keys(read.state.cards)).toEqual([cardId])
    expect(read.state.columnOrder).toEqual(read.board.columns.map((one) => one.id))
    expect(read.board.columns[0]?.cardIds).toEqual([cardId])
  })

  it('[T3] are read with the id of the answer', async () => {
    const { id, eventId } = await makeBoard(server)
    const { headers, body } = await server.call<{ cursor: string }>('GET', `/boards/${id}`)
    expect([headers.get('Cursor'), body.cursor]).toEqual([eventId, eventId])
  })

  it('[T1] [T3] [T26] are changed; a change without effect emits nothing', async () => {
    const { id } = await makeBoard(server)
    const changed = await patch(`/boards/${id}`, { name: 'New', description: 'D' })
    expect(changed.status).toBe(200)
    expect(board.parse(changed.body)).toMatchObject({ id, name: 'New', description: 'D' })
    const newest = changed.headers.get('Event-Id')
    const same = await withoutEvents(server, () => patch(`/boards/${id}`, { name: 'New' }))
    expect([same.status, same.headers.get('Event-Id')]).toEqual([200, newest])
    expect(same.body).toEqual(changed.body)
    expect((await patch(`/boards/${id}`, {})).status).toBe(200)
    expect((await patch(`/boards/${id}`, { description: null })).body.description).toBeNull()
  })

  it('[T1] [T26] are deleted with everything on them', async () => {
    const { id, columns } = await makeBoard(server)
    const card = await makeCard(server, id)
    const attempt = await server.post<{ id: string }>(`/cards/${card.id}/attempts`, { agent: 'a' })
    const reply = await ask(server, 'DELETE', `/boards/${id}`)
    expect([reply.status, reply.text]).toEqual([204, ''])
    expect(reply.headers.get('Event-Id')).toBe(await newestId(server))
    expectProblem(await ask(server, 'GET', `/boards/${id}`), 404, 'board_not_found')
    expectProblem(await ask(server, 'GET', `/cards/${card.id}`), 404, 'card_not_found')
    expectProblem(await ask(server, 'GET', `/attempts/${attempt.id}`), 404, 'attempt_not_found')
    expectProblem(await patch(`/columns/${columns[0]?.id}`, { title: 'x' }), 404, 'column_not_found')
    expectProblem(await ask(server, 'DELETE', `/boards/${id}`), 404, 'board_not_found')
  })
})

describe('columns', () => {
  it('[T1] [T2] [T16] are created at the end or at an index, which is clamped', async () => {
    const { id } = await makeBoard(server)
    const made = await post(`/boards/${id}/columns`, { title: 'QA', key: 'qa' })
    expect(made.status).toBe(201)
    expect(column.parse(made.body)).toMatchObject({ key: 'qa', title: 'QA', cardIds: [] })
    await post(`/boards/${id}/columns`, { title: 'First', index: -7 })
    await post(`/boards/${id}/columns`, { title: 'Last', index: 999_999 })
    await post(`/boards/${id}/columns`, { title: 'Second', index: 1 })
    expect(await titles(id)).toEqual(['First', 'Second', 'Backlog', 'In Progress', 'Review', 'Done', 'QA', 'Last'])
  })

  it('[T1] [T26] are renamed, keyed and moved', async () => {
    const { id, columns } = await makeBoard(server)
    const reply = await patch(`/columns/${columns[3]?.id}`, { title: 'Shipped', key: 'shipped', index: 0 })
    expect(reply.status).toBe(200)
    expect(column.parse(reply.body)).toEqual({ id: columns[3]?.id, key: 'shipped', title: 'Shipped', cardIds: [] })
    expect(await titles(id)).toEqual(['Shipped', 'Backlog', 'In Progress', 'Review'])
  })

  it('[T26] have unique keys on a board', async () => {
    const { id, columns } = await makeBoard(server)
    expectProblem(await post(`/boards/${id}/columns`, { title: 'x', key: 'done' }), 409, 'conflict')
    expectProblem(await patch(`/columns/${columns[0]?.id}`, { key: 'done' }), 409, 'conflict')
    expect((await patch(`/columns/${columns[3]?.id}`, { key: 'done' })).status).toBe(200)
  })

  it('[T24] [T26] can be deleted only when empty, and never the last', async () => {
    const { id, columns } = await makeBoard(server)
    const card = await makeCard(server, id)
    const reply = await withoutEvents(server, () => ask(server, 'DELETE', `/columns/${columns[0]?.id}`))
    expectProblem(reply, 409, 'column_not_empty')
    await server.call('DELETE', `/cards/${card.id}`)
    for (const { id: columnId } of columns.slice(0, 3)) {
      const gone = await ask(server, 'DELETE', `/columns/${columnId}`)
      expect([gone.status, gone.text]).toEqual([204, ''])
    }
    expectProblem(await ask(server, 'DELETE', `/columns/${columns[3]?.id}`), 409, 'conflict')
    expect(await titles(id)).toEqual(['Done'])
  })

  it('[T12] of an unknown board or with an unknown id are 404', async () => {
    expectProblem(await post('/boards/none/columns', { title: 'x' }), 404, 'board_not_found')
    expectProblem(await patch('/columns/none', { title: 'x' }), 404, 'column_not_found')
    expectProblem(await ask(server, 'DELETE', '/columns/none'), 404, 'column_not_found')
    expectProblem(await patch('/boards/none', { name: 'x' }), 404, 'board_not_found')
    expectProblem(await ask(server, 'DELETE', '/boards/none'), 404, 'board_not_found')
  })
})
