/** Cards over HTTP: fields, moves, revisions. Rules T1 to T3, T6, T12, T16, T23, T24, T27. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Card, card } from '../../shared/src/types/kanban.ts'
import { boardState, makeBoard, makeCard } from '../support/board.ts'
import { ask, expectProblem, newestId, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let boardId: string
beforeAll(async () => {
  server = await startTestServer()
  boardId = (await makeBoard(server)).id
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json: unknown) => ask(server, 'POST', path, { json })
const patch = (path: string, json: unknown) => ask(server, 'PATCH', path, { json })

/** Titles in the first column, in display order. */
async function order(id: string): Promise<string> {
  const { columns, columnOrder, cards } = await boardState(server, id)
  return (columns[columnOrder[0] ?? '']?.cardIds ?? []).map((cardId) => cards[cardId]?.title).join('')
}

describe('POST /boards/:id/cards', () => {
  it('[T1] [T2] [T3] [T27] creates a card with every given field', async () => {
    const { id, columns } = await makeBoard(server)
    const given = {
      title: 'Everything',
      description: '# Markdown',
      ticketType: 'feat',
      priority: 'critical',
      labels: ['a', 'b'],
      stage: 'SPEC',
      assignedAgentId: 'agent:7',
    }
    const reply = await post(`/boards/${id}/cards`, { ...given, columnKey: 'review', index: 0, dependsOn: [] })
    expect(reply.status).toBe(201)
    const made = card.parse(reply.body)
    expect(made).toEqual({
      ...given,
      id: expect.stringMatching(/^crd_[0-9a-f-]{36}$/),
      boardId: id,
      columnId: columns[2]?.id,
      ticketKey: expect.stringMatching(/^[A-Z0-9]{1,6}-1$/),
      dependsOn: [],
      blocked: false,
      isEnhanced: false,
      prUrl: null,
      attempt: null,
      revision: 1,
      createdAt: made.updatedAt,
      updatedAt: made.updatedAt,
    })
    expect(reply.headers.get('Event-Id')).toBe(await newestId(server))
    expect((await ask(server, 'GET', `/cards/${made.id}`)).body).toEqual(reply.body)
  })

  it('[T27] puts it by default at the end of the first column, with the next number', async () => {
    const { id } = await makeBoard(server)
    for (const title of ['A', 'B']) await makeCard(server, id, { title })
    const first = await makeCard(server, id, { title: 'C', index: 0 })
    await makeCard(server, id, { title: 'D', index: -3 })
    await makeCard(server, id, { title: 'E', index: 1e15 })
    expect(await order(id)).toBe('DCABE')
    await server.call('DELETE', `/cards/${first.id}`)
    expect((await makeCard(server, id)).ticketKey).toMatch(/-6$/)
  })

  it('[T27] trims labels and drops duplicates', async () => {
    expect((await makeCard(server, boardId, { labels: [' a ', 'a', 'b', 'a'] })).labels).toEqual(['a', 'b'])
  })

  it.each([
    ['no title', { title: undefined }, 'title'],
    ['a title of 501', { title: 'x'.repeat(501) }, 'title'],
    ['an unknown type', { ticketType: 'bug' }, 'ticketType'],
    ['an unknown priority', { priority: 'urgent' }, 'priority'],
    ['an unknown stage', { stage: 'spec' }, 'stage'],
    ['a label that is blank', { labels: ['  '] }, 'labels.0'],
    ['51 labels', { labels: Array.from({ length: 51 }, (_, i) => `l${i}`) }, 'labels'],
    ['a column of another board', { columnId: 'col_other' }, 'columnId'],
    ['an unknown key', { columnKey: 'nope' }, 'columnKey'],
    ['both column and key', { columnId: 'a', columnKey: 'b' }, 'columnKey'],
    ['an index that is no whole number', { index: 1.5 }, 'index'],
    ['an agent that cannot be a channel', { assignedAgentId: 'a\r\nb' }, 'assignedAgentId'],
    ['a field that is the server’s', { ticketKey: 'X-1' }, 'ticketKey'],
    ['a field that is for changes', { prUrl: 'https://a' }, 'prUrl'],
    ['a dependency that is no card', { dependsOn: ['crd_none'] }, 'dependsOn.0'],
  ])('[T6] [T24] refuses %s', async (_, fields, path) => {
    const reply = await withoutEvents(server, () => post(`/boards/${boardId}/cards`, { title: 'x', ...fields }))
    expectProblem(reply, 422, 'validation_failed', path)
  })

  it('[T12] of an unknown board is 404', async () => {
    expectProblem(await post('/boards/none/cards', { title: 'x' }), 404, 'board_not_found')
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const reply = await ask(server, method, '/cards/none', method === 'PATCH' ? { json: {} } : {})
      expectProblem(reply, 404, 'card_not_found')
    }
    expectProblem(await post('/cards/none/move', { columnKey: 'done' }), 404, 'card_not_found')
  })
})

describe('PATCH /cards/:id', () => {
  it('[T1] [T3] [T23] replaces the given fields, and increases the revision by one', async () => {
    const { id } = await makeCard(server, boardId)
    const changes = {
      title: 'New',
      description: 'D',
      ticketType: null,
      priority: 'low',
      labels: ['z'],
      stage: 'TODO',
      assignedAgentId: 'b',
      isEnhanced: true,
      prUrl: 'https://example.com/1',
    }
    const reply = await patch(`/cards/${id}`, changes)
    expect(reply.status).toBe(200)
    expect(card.parse(reply.body)).toMatchObject({ ...changes, revision: 2 })
    // Three events: the fields, the stage, the assignment.
    expect(reply.headers.get('Event-Id')).toBe(await newestId(server))
    const same = await withoutEvents(server, () => patch(`/cards/${id}`, changes))
    expect([same.status, same.body.revision]).toEqual([200, 2])
    expect(same.headers.get('Event-Id')).toBe(reply.headers.get('Event-Id'))
  })

  it('[T6] refuses a URL that browsers do not open', async () => {
    const { id } = await makeCard(server, boardId)
    for (const prUrl of ['javascript:alert(1)', 'ftp://a/b', '/relative', 'https://']) {
      expectProblem(await patch(`/cards/${id}`, { prUrl }), 422, 'validation_failed', 'prUrl')
    }
  })
})

describe('moves', () => {
  it('[T1] [T16] [T27] by key or by id, to the index after removal or to the end', async () => {
    const { id, columns } = await makeBoard(server)
    const cards: Card[] = []
    for (const title of ['A', 'B', 'C', 'D']) cards.push(await makeCard(server, id, { title }))
    const [a, b] = cards as [Card, Card]
    const to = { columnId: columns[0]?.id }
    const moved = await post(`/cards/${a.id}/move`, { ...to, index: 2 })
    expect(moved.status).toBe(200)
    expect(card.parse(moved.body)).toMatchObject({ id: a.id, revision: 2 })
    expect(await order(id)).toBe('BCAD')
    await post(`/cards/${b.id}/move`, to)
    expect(await order(id)).toBe('CADB')
    await post(`/cards/${b.id}/move`, { ...to, index: -1 })
    expect(await order(id)).toBe('BCAD')
    await post(`/cards/${b.id}/move`, { ...to, index: 99 })
    expect(await order(id)).toBe('CADB')
    expect((await post(`/cards/${a.id}/move`, { columnKey: 'done' })).body.columnId).toBe(columns[3]?.id)
    expect(await order(id)).toBe('CDB')
  })

  it('[T3] [T27] to the card’s own place change nothing', async () => {
    const { id } = await makeBoard(server)
    const { id: cardId } = await makeCard(server, id)
    const reply = await withoutEvents(server, () => post(`/cards/${cardId}/move`, { columnKey: 'backlog', index: 7 }))
    expect([reply.status, reply.body.revision]).toEqual([200, 1])
    expect(reply.headers.get('Event-Id')).toBe(await newestId(server))
  })

  it('[T6] name exactly one target', async () => {
    const { id } = await makeCard(server, boardId)
    expectProblem(await post(`/cards/${id}/move`, {}), 422, 'validation_failed', 'columnId')
    expectProblem(await post(`/cards/${id}/move`, { index: 0 }), 422, 'validation_failed', 'columnId')
    const both = { columnId: 'a', columnKey: 'done' }
    expectProblem(await post(`/cards/${id}/move`, both), 422, 'validation_failed', 'columnKey')
    const other = await makeBoard(server)
    const elsewhere = { columnId: other.columns[0]?.id }
    expectProblem(await post(`/cards/${id}/move`, elsewhere), 422, 'validation_failed', 'columnId')
  })
})

describe('revisions', () => {
  it('[T23] [T24] stale ones refuse a change, a move and a deletion', async () => {
    const { id } = await makeCard(server, boardId)
    await patch(`/cards/${id}`, { title: 'Second', ifRevision: 1 })
    for (const stale of [0, 1, 3]) {
      const refused = await withoutEvents(server, async () => [
        await patch(`/cards/${id}`, { title: 'Third', ifRevision: stale }),
        await post(`/cards/${id}/move`, { columnKey: 'done', ifRevision: stale }),
        await ask(server, 'DELETE', `/cards/${id}?ifRevision=${stale}`),
      ])
      for (const reply of refused) expectProblem(reply, 409, 'stale_revision')
    }
    expect((await post(`/cards/${id}/move`, { columnKey: 'review', ifRevision: 2 })).body.revision).toBe(3)
    expect((await ask(server, 'DELETE', `/cards/${id}?ifRevision=3`)).status).toBe(204)
  })

  it('[T23] changes of an attempt do not increase the revision of its card', async () => {
    const { id } = await makeCard(server, boardId)
    await server.post(`/cards/${id}/attempts`, { agent: 'a' })
    const read = await server.get<Card>(`/cards/${id}`)
    expect(read).toMatchObject({ revision: 1, attempt: { status: 'queued', agent: 'a' } })
  })

  it('[T11] in the query of a deletion must be whole numbers', async () => {
    const { id } = await makeCard(server, boardId)
    for (const text of ['', 'x', '-1', '1.0', '1e3', '99999999999999999999']) {
      expectProblem(await ask(server, 'DELETE', `/cards/${id}?ifRevision=${text}`), 400, 'bad_request')
    }
  })
})
