/** Attempts over HTTP: their status and their links. Rules T1 to T3, T6, T12, T24, T29. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { conversationItem } from '../../shared/src/types/conversation.ts'
import { type AttemptStatus, attempt, attemptStatus, type Card, todos } from '../../shared/src/types/kanban.ts'
import { makeAttempt, makeBoard, makeCard, makeWork } from '../support/board.ts'
import { ask, expectProblem, newestId, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let boardId: string
beforeAll(async () => {
  server = await startTestServer()
  boardId = (await makeBoard(server)).id
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json?: unknown) => ask(server, 'POST', path, { json })
const patch = (path: string, json: unknown) => ask(server, 'PATCH', path, { json })
const columnKeyOf = async (cardId: string) => {
  const { columnId, boardId: id } = await server.get<Card>(`/cards/${cardId}`)
  const { board } = (await ask(server, 'GET', `/boards/${id}`)).body
  return board.columns.find((column: { id: string }) => column.id === columnId).key
}

describe('GET /cards/:id/attempts', () => {
  it('[A21] lists all attempts at a card, newest first', async () => {
    const { id: cardId } = await makeCard(server, boardId)
    await makeAttempt(server, (await makeCard(server, boardId)).id)
    expect((await ask(server, 'GET', `/cards/${cardId}/attempts`)).body).toEqual({ attempts: [] })
    const made: string[] = []
    for (let i = 0; i < 3; i++) {
      const { id } = (await post(`/cards/${cardId}/attempts`, { agent: `agent-${i}` })).body
      await patch(`/attempts/${id}`, { status: 'failed', error: `no ${i}` })
      made.unshift(id)
    }
    const { status, body } = await ask(server, 'GET', `/cards/${cardId}/attempts`)
    expect(status).toBe(200)
    const { attempts } = z.strictObject({ attempts: z.array(attempt) }).parse(body)
    expect(attempts.map(({ id }) => id)).toEqual(made)
    for (const one of attempts) expect((await ask(server, 'GET', `/attempts/${one.id}`)).body.attempt).toEqual(one)
  })

  it('[A21] [T12] is 404 for an unknown card', async () => {
    expectProblem(await ask(server, 'GET', '/cards/crd_none/attempts'), 404, 'card_not_found')
  })
})

describe('POST /cards/:id/attempts', () => {
  it('[T1] [T2] [T3] creates a queued attempt', async () => {
    const { id: cardId } = await makeCard(server, boardId)
    const given = { agent: 'claude:1', baseBranch: 'main', branchName: 'topic/x' }
    const reply = await post(`/cards/${cardId}/attempts`, given)
    expect(reply.status).toBe(201)
    const made = attempt.parse(reply.body)
    expect(made).toEqual({
      ...given,
      id: expect.stringMatching(/^att_[0-9a-f-]{36}$/),
      boardId,
      cardId,
      profileId: null,
      status: 'queued',
      worktreePath: null,
      sessionId: null,
      pr: null,
      exitCode: null,
      error: null,
      startedAt: null,
      endedAt: null,
      createdAt: made.updatedAt,
      updatedAt: made.updatedAt,
    })
    expect(reply.headers.get('Event-Id')).toBe(await newestId(server))
    const read = await ask(server, 'GET', `/attempts/${made.id}`)
    const whole = z.strictObject({ attempt, todos, conversation: z.array(conversationItem) }).parse(read.body)
    expect(whole).toEqual({ attempt: reply.body, todos: { total: 0, completed: 0, items: [] }, conversation: [] })
  })

  it('[T29] starts it at once with status running: its card moves to in_progress', async () => {
    const { id: cardId } = await makeCard(server, boardId)
    const reply = await post(`/cards/${cardId}/attempts`, { agent: 'a', status: 'running' })
    expect(reply.body).toMatchObject({ status: 'running', startedAt: reply.body.createdAt, endedAt: null })
    expect(await columnKeyOf(cardId)).toBe('in_progress')
    const { attempt: newest } = await server.get<Card>(`/cards/${cardId}`)
    expect(newest).toEqual({ id: reply.body.id, status: 'running', agent: 'a' })
  })

  it('[T24] [T29] allows only one active attempt per card, and none for a card that is done', async () => {
    const { card, attempt: active } = await makeWork(server)
    const second = await withoutEvents(server, () => post(`/cards/${card.id}/attempts`, { agent: 'b' }))
    expectProblem(second, 409, 'conflict')
    await patch(`/attempts/${active.id}`, { status: 'failed' })
    expect((await post(`/cards/${card.id}/attempts`, { agent: 'b' })).status).toBe(201)

    const done = await makeCard(server, boardId, { columnKey: 'done' })
    const refused = await withoutEvents(server, () => post(`/cards/${done.id}/attempts`, { agent: 'a' }))
    expectProblem(refused, 409, 'card_done')
  })

  it.each([
    ['no agent', { agent: undefined }, 'agent'],
    ['an agent that cannot be a channel', { agent: 'a b' }, 'agent'],
    ['a status that is no beginning', { status: 'succeeded' }, 'status'],
    ['a profile that is not there', { profileId: 'pro_none' }, 'profileId'],
    ['a field that is the server’s', { exitCode: 1 }, 'exitCode'],
  ])('[T6] [T24] refuses %s', async (_, fields, path) => {
    const { id } = await makeCard(server, boardId)
    const reply = await withoutEvents(server, () => post(`/cards/${id}/attempts`, { agent: 'a', ...fields }))
    expectProblem(reply, 422, 'validation_failed', path)
  })

  it('[T6] accepts a profile of its board or of every board, and no other', async () => {
    const other = await makeBoard(server)
    const profile = async (of: string | null) =>
      (await server.post<{ id: string }>('/agent-profiles', { agent: 'a', name: 'p', boardId: of })).id
    const { id } = await makeCard(server, boardId)
    const foreign = await post(`/cards/${id}/attempts`, { agent: 'a', profileId: await profile(other.id) })
    expectProblem(foreign, 422, 'validation_failed', 'profileId')
    for (const profileId of [await profile(boardId), await profile(null)]) {
      const card = await makeCard(server, boardId)
      expect((await post(`/cards/${card.id}/attempts`, { agent: 'a', profileId })).body.profileId).toBe(profileId)
    }
  })
})

/** The path to every status, and the transitions from there. */
const WAYS: Readonly<Record<AttemptStatus, readonly [way: readonly AttemptStatus[], next: readonly AttemptStatus[]]>> =
  {
    queued: [[], ['running', 'stopped', 'failed']],
    running: [['running'], ['stopping', 'succeeded', 'failed']],
    stopping: [
      ['running', 'stopping'],
      ['stopped', 'succeeded', 'failed'],
    ],
    stopped: [['stopped'], []],
    succeeded: [['running', 'succeeded'], []],
    failed: [['failed'], []],
  }

describe('the status', () => {
  it.each(attemptStatus.options)('[T24] [T29] %s allows the documented transitions, and no others', async (from) => {
    const [way, next] = WAYS[from]
    for (const to of attemptStatus.options) {
      const { id: cardId } = await makeCard(server, boardId)
      const { id } = await makeAttempt(server, cardId, { status: 'queued' })
      for (const status of way) await patch(`/attempts/${id}`, { status })
      const before = await newestId(server)
      const reply = await patch(`/attempts/${id}`, { status: to })
      if (next.includes(to)) {
        const isFinal = WAYS[to][1].length === 0
        expect([reply.status, reply.body.status, reply.body.endedAt === null]).toEqual([200, to, !isFinal])
      } else {
        expectProblem(reply, 409, 'invalid_transition')
        expect(await newestId(server)).toBe(before)
      }
    }
  })

  it('[T29] succeeded moves the card to review; a card that is done stays', async () => {
    const { card, attempt: one } = await makeWork(server)
    expect((await patch(`/attempts/${one.id}`, { status: 'succeeded', exitCode: 0 })).body).toMatchObject({
      exitCode: 0,
    })
    expect(await columnKeyOf(card.id)).toBe('review')

    const other = await makeWork(server)
    await post(`/cards/${other.card.id}/move`, { columnKey: 'done' })
    await patch(`/attempts/${other.attempt.id}`, { status: 'succeeded' })
    expect(await columnKeyOf(other.card.id)).toBe('done')
  })

  it('[T29] on a board without such columns leaves the card where it is', async () => {
    const board = await server.post<{ id: string }>('/boards', { name: 'x', columns: [{ title: 'All' }] })
    const card = await makeCard(server, board.id)
    const { id } = await makeAttempt(server, card.id)
    expect((await patch(`/attempts/${id}`, { status: 'succeeded' })).status).toBe(200)
    expect((await server.get<Card>(`/cards/${card.id}`)).columnId).toBe(card.columnId)
  })

  it('[T1] [T29] is stopped with 202: at once while it is queued', async () => {
    const { attempt: running } = await makeWork(server)
    const stopping = await post(`/attempts/${running.id}/stop`)
    expect([stopping.status, stopping.body.status]).toEqual([202, 'stopping'])
    expectProblem(await post(`/attempts/${running.id}/stop`, {}), 409, 'invalid_transition')
    const { id: cardId } = await makeCard(server, boardId)
    const { id } = await makeAttempt(server, cardId, { status: 'queued' })
    const stopped = await post(`/attempts/${id}/stop`, {})
    expect([stopped.status, stopped.body.status]).toEqual([202, 'stopped'])
  })

  it('[T3] [T29] is the only field whose change emits an event', async () => {
    const { attempt: one } = await makeWork(server)
    const fields = { exitCode: 3, error: 'E', worktreePath: '/w', branchName: 'b' }
    const reply = await withoutEvents(server, () => patch(`/attempts/${one.id}`, fields))
    expect([reply.status, reply.headers.get('Event-Id')]).toEqual([200, await newestId(server)])
    expect(attempt.parse(reply.body)).toMatchObject({ ...fields, status: 'running' })
  })
})

describe('the links of an attempt', () => {
  it('[T1] [T3] [T29] a session, with its work tree', async () => {
    const { attempt: one } = await makeWork(server)
    const given = { sessionId: 'ses:1', worktreePath: '/tmp/w' }
    const reply = await post(`/attempts/${one.id}/session`, given)
    expect(reply.status).toBe(200)
    expect(attempt.parse(reply.body)).toMatchObject(given)
    const same = await withoutEvents(server, () => post(`/attempts/${one.id}/session`, given))
    expect(same.body).toEqual(reply.body)
    expectProblem(
      await post(`/attempts/${one.id}/session`, { sessionId: 'a/b' }),
      422,
      'validation_failed',
      'sessionId',
    )
  })

  it('[T1] [T3] [T29] a pull request, whose URL the card gets', async () => {
    const { card, attempt: one } = await makeWork(server)
    const pr = { number: 7, url: 'https://example.com/7', state: 'open', draft: false, headRef: 'h', merged: false }
    const reply = await post(`/attempts/${one.id}/pr`, pr)
    expect(reply.status).toBe(200)
    expect(attempt.parse(reply.body).pr).toEqual(pr)
    expect((await server.get<Card>(`/cards/${card.id}`)).prUrl).toBe(pr.url)
    const same = await withoutEvents(server, () => post(`/attempts/${one.id}/pr`, pr))
    expect([same.status, same.headers.get('Event-Id')]).toEqual([200, reply.headers.get('Event-Id')])
    for (const [field, value] of Object.entries({ number: 0, url: 'nope', state: 'merged', draft: 'no' })) {
      const bad = await post(`/attempts/${one.id}/pr`, { ...pr, [field]: value })
      expectProblem(bad, 422, 'validation_failed', field)
    }
  })

  it('[T12] 404 for an unknown attempt', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['POST', '/stop'],
      ['POST', '/session'],
      ['POST', '/pr'],
    ] as const) {
      const json = { PATCH: {}, POST: path === '/session' ? { sessionId: 's' } : undefined, GET: undefined }[method]
      const pr = { number: 1, url: 'https://a.b', state: 'open', draft: false }
      const reply = await ask(server, method, `/attempts/none${path}`, { json: path === '/pr' ? pr : json })
      expectProblem(reply, 404, 'attempt_not_found')
    }
  })
})

describe('a clean stop', () => {
  it('[A14] leaves attempts unchanged, without an event', async () => {
    await using own = await startTestServer()
    const { boardId, attempt } = await makeWork(own)
    const card = await own.post<{ id: string }>(`/boards/${boardId}/cards`, { title: 'waits' })
    const queued = await own.post<{ id: string }>(`/cards/${card.id}/attempts`, { agent: 'a' })
    const before = await own.get('/cursor')
    await own.restart()
    const statuses = await Promise.all(
      [attempt, queued].map(
        async ({ id }) => (await own.get<{ attempt: { status: string } }>(`/attempts/${id}`)).attempt.status,
      ),
    )
    expect(statuses).toEqual(['running', 'queued'])
    expect(await own.get('/cursor')).toEqual(before)
  })
})
