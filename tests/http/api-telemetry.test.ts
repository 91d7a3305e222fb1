/** What attempts and repositories report: log lines, conversation, todos, git, files. Rules T1 to T3, T6, T11, T13, T29, T30. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { conversationItem } from '../../shared/src/types/conversation.ts'
import { logLine, todos } from '../../shared/src/types/kanban.ts'
import { appendLines, makeWork, positionOf } from '../support/board.ts'
import { ask, expectProblem, newestId, type Reply, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let boardId: string
let attemptId: string
beforeAll(async () => {
  server = await startTestServer()
  const work = await makeWork(server)
  boardId = work.boardId
  attemptId = work.attempt.id
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json: unknown) => ask(server, 'POST', path, { json })
const logs = (query = '', id = attemptId) => ask(server, 'GET', `/attempts/${id}/logs${query}`)
const page = z.strictObject({
  lines: z.array(z.strictObject({ id: z.string(), ...logLine.shape })),
  cursor: z.string(),
  more: z.boolean(),
  count: z.int(),
})
const messages = ({ body }: Reply) => page.parse(body).lines.map(({ message }) => message)

describe('log lines', () => {
  it('[T1] [T2] [T3] [T30] are appended singly or in batches, each as an event', async () => {
    const one = await post(`/attempts/${attemptId}/logs`, { message: 'one' })
    expect([one.status, one.body]).toEqual([202, { count: 1 }])
    const given = { level: 'error', message: 'three', ts: '2026-01-31T12:00:00+02:00', stream: 'stderr' }
    const many = await post(`/attempts/${attemptId}/logs`, { lines: [{ message: 'two' }, given] })
    expect([many.status, many.body]).toEqual([202, { count: 2 }])
    const last = many.headers.get('Event-Id') ?? ''
    expect(positionOf(last)).toBe(positionOf(one.headers.get('Event-Id') ?? '') + 2)
    const { lines, cursor, more } = page.parse((await logs()).body)
    expect(lines.map(({ message }) => message)).toEqual(['one', 'two', 'three'])
    expect(lines[0]).toEqual({ id: one.headers.get('Event-Id'), level: 'info', message: 'one', ts: expect.any(String) })
    expect(lines[2]).toEqual({ id: last, ...given, ts: '2026-01-31T10:00:00.000Z' })
    expect([cursor, more]).toEqual([last, false])
  })

  it('[T11] [T30] are read in pages: after, limit, tail', async () => {
    const { attempt } = await makeWork(server)
    // Something between the lines of this attempt.
    for (let i = 0; i < 10; i++) {
      await appendLines(server, attempt.id, [`${i}a`, `${i}b`])
      await appendLines(server, attemptId, ['noise'])
    }
    const all = messages(await logs('', attempt.id))
    expect(all.length).toBe(20)
    const walked: string[] = []
    let query = '?limit=7'
    for (let pages = 1; ; pages++) {
      const reply = await logs(query, attempt.id)
      walked.push(...messages(reply))
      query = `?limit=7&after=${reply.body.cursor}`
      if (reply.body.more) continue
      expect(pages).toBe(3)
      break
    }
    expect(walked).toEqual(all)
    expect(messages(await logs(query, attempt.id))).toEqual([])
    const tail = await logs('?tail=3', attempt.id)
    expect(messages(tail)).toEqual(all.slice(-3))
    expect(tail.body.more).toBe(false)
    expect(messages(await logs('?tail=1000', attempt.id))).toEqual(all)
  })

  it('[O14] [O15] are read upwards: before, tail, count', async () => {
    const { attempt } = await makeWork(server)
    for (let i = 0; i < 10; i++) {
      await appendLines(server, attempt.id, [`${i}a`, `${i}b`])
      await appendLines(server, attemptId, ['noise'])
    }
    let { body } = await logs('?tail=7', attempt.id)
    expect(body.count).toBe(20)
    const read = [...body.lines]
    while (body.count > body.lines.length) {
      ;({ body } = await logs(`?before=${read[0].id}&tail=7`, attempt.id))
      expect([body.count, body.more]).toEqual([20 - read.length, false])
      read.unshift(...body.lines)
    }
    expect(read).toEqual((await logs('', attempt.id)).body.lines)
    const { lines } = (await logs(`?after=${read[2].id}&before=${read[8].id}`, attempt.id)).body
    expect(lines).toEqual(read.slice(3, 8))
  })

  it('[T11] [T30] are 100 per page by default, and at most 1,000', async () => {
    const { attempt } = await makeWork(server)
    for (let i = 0; i < 2; i++) await appendLines(server, attempt.id, Array(1_000).fill('line'))
    const first = await logs('', attempt.id)
    expect([first.body.lines.length, first.body.more]).toEqual([100, true])
    const most = await logs('?limit=1000', attempt.id)
    expect([most.body.lines.length, most.body.more]).toEqual([1_000, true])
    const rest = await logs(`?limit=1000&after=${most.body.cursor}`, attempt.id)
    expect([rest.body.lines.length, rest.body.more]).toEqual([1_000, false])
  })

  it.each(['limit=0', 'limit=1001', 'limit=-1', 'limit=x', 'limit=1.5', 'limit=1e99', 'limit=', 'tail=0', 'tail=1001'])(
    '[T11] refuses %s',
    async (query) => {
      expectProblem(await logs(`?${query}`), 400, 'bad_request')
    },
  )

  it.each(['nonsense', '00000000-1', '', '1', 'zzzzzzzz-1'])(
    '[T11] refuses after=%s, which is not an id of the log',
    async (after) => {
      expectProblem(await logs(`?after=${after}`), 400, 'bad_request')
    },
  )

  it.each(['nonsense', '00000000-1', '', '1', 'zzzzzzzz-1'])('[O9] refuses before=%s, naming it', async (before) => {
    const { status, body } = await logs(`?before=${before}`)
    expect([status, body.code, body.detail]).toEqual([400, 'bad_request', expect.stringContaining('before')])
  })

  it('[T11] refuses an id ahead of the log, and after together with tail', async () => {
    const newest = await newestId(server)
    expectProblem(await logs(`?after=${newest.replace(/\d+$/, '999999')}`), 400, 'bad_request')
    expectProblem(await logs(`?before=${newest.replace(/\d+$/, '999999')}`), 400, 'bad_request')
    expectProblem(await logs(`?after=${newest}&tail=1`), 400, 'bad_request')
    expect((await logs(`?after=${newest}`)).status).toBe(200)
  })

  it('[T13] [T30] keep every character, lone surrogates too', async () => {
    const { attempt } = await makeWork(server)
    const odd = ['', '\u0000', '\ud800', 'a\udfffb', '\r\n\t', '\u2028\u2029', '🙂', '\u001b[0m', '"\\', '\ufeff']
    await appendLines(server, attempt.id, odd)
    expect(messages(await logs('', attempt.id))).toEqual(odd)
  })

  it('[T30] are bounded in bytes of UTF-8, not in characters', async () => {
    expect((await post(`/attempts/${attemptId}/logs`, { message: 'x'.repeat(65_536) })).status).toBe(202)
    expect((await post(`/attempts/${attemptId}/logs`, { message: 'é'.repeat(32_768) })).status).toBe(202)
    for (const message of ['x'.repeat(65_537), 'é'.repeat(32_769), '🙂'.repeat(16_385)]) {
      const reply = await withoutEvents(server, () => post(`/attempts/${attemptId}/logs`, { message }))
      expectProblem(reply, 422, 'validation_failed', 'message')
    }
  })

  it.each([
    [{}, 'message'],
    [{ lines: [] }, 'lines'],
    [{ lines: Array(1_001).fill({ message: '' }) }, 'lines'],
    [{ lines: [{ message: 'a' }, { message: 1 }] }, 'lines.1.message'],
    [{ lines: [{ message: 'a' }], message: 'b' }, 'message'],
    [{ message: 'a', level: 'debug' }, 'level'],
    [{ message: 'a', stream: 'stdin' }, 'stream'],
    [{ message: 'a', ts: 'yesterday' }, 'ts'],
    [{ message: 'a', colour: 1 }, 'colour'],
  ])('[T6] refuses %j', async (body, path) => {
    const reply = await withoutEvents(server, () => post(`/attempts/${attemptId}/logs`, body))
    expectProblem(reply, 422, 'validation_failed', path)
  })
})

describe('the conversation', () => {
  it('[T1] [T2] [T29] grows item by item; the same id replaces an item', async () => {
    const path = `/attempts/${attemptId}/conversation`
    const first = await post(path, { type: 'message', role: 'user', text: 'Hello' })
    expect(first.status).toBe(201)
    expect(conversationItem.parse(first.body)).toEqual({
      id: expect.any(String),
      timestamp: expect.any(String),
      type: 'message',
      role: 'user',
      text: 'Hello',
    })
    await post(path, { id: 'own', timestamp: '2026-01-31T12:00:00Z', type: 'thinking', text: '...' })
    await post(path, { type: 'error', text: 'E', details: 'D' })
    await post(path, { id: 'own', type: 'tool', tool: { name: 'bash', status: 'running' } })
    const automation = {
      type: 'automation',
      stage: 'setup',
      command: 'c',
      cwd: '/',
      status: 'failed',
      exitCode: 1,
      durationMs: 1.5,
    }
    expect((await post(path, automation)).status).toBe(201)
    const { conversation } = await server.get<{ conversation: Array<{ type: string }> }>(`/attempts/${attemptId}`)
    expect(conversation.map(({ type }) => type)).toEqual(['message', 'tool', 'error', 'automation'])
  })

  it.each([
    [{ type: 'shout', text: 'x' }, 'type'],
    [{ text: 'x' }, 'type'],
    [{ type: 'message', text: 'x' }, 'role'],
    [{ type: 'tool', tool: { name: 'x', status: 'done' } }, 'tool.status'],
    [{ type: 'message', role: 'user', text: '\ud800' }, 'text'],
  ])('[T6] [T13] refuses %j', async (body, path) => {
    expectProblem(await post(`/attempts/${attemptId}/conversation`, body), 422, 'validation_failed', path)
  })
})

describe('todos', () => {
  it('[T1] [T2] [T3] [T29] are replaced as a whole, and counted', async () => {
    const put = (items: unknown) => ask(server, 'PUT', `/attempts/${attemptId}/todos`, { json: { items } })
    const reply = await put([
      { text: 'a', status: 'done' },
      { id: 'b', text: 'b', status: 'open' },
    ])
    expect(reply.status).toBe(200)
    const { total, completed, items } = todos.parse(reply.body)
    expect([total, completed, items[1]?.id]).toEqual([2, 1, 'b'])
    const same = await withoutEvents(server, () => put(items))
    expect([same.status, same.headers.get('Event-Id')]).toEqual([200, reply.headers.get('Event-Id')])
    expect((await put([])).body).toEqual({ total: 0, completed: 0, items: [] })
    const twice = [1, 2].map(() => ({ id: 'x', text: 't', status: 'open' }))
    expectProblem(await put(twice), 422, 'validation_failed', 'items.1.id')
  })
})

describe('the repository', () => {
  const summary = { added: 0, modified: 0, deleted: 0, untracked: 0, staged: 0 }
  const status = { branch: 'b', ahead: 0, behind: 0, hasUncommitted: false, summary }
  const push = { remote: 'o', branch: 'b' }

  it.each([
    ['git/status', status, 202, { accepted: true }],
    [
      'git/commits',
      { shortSha: 'a', subject: '' },
      201,
      { attemptId: null, shortSha: 'a', subject: '', ts: expect.any(String) },
    ],
    ['git/pushes', push, 201, { attemptId: null, ...push, ts: expect.any(String) }],
    [
      'git/pushes',
      { ...push, ok: false },
      201,
      { attemptId: null, ...push, ts: expect.any(String), error: 'push failed' },
    ],
    ['git/operations', { operation: 'gc', ok: true }, 201, { operation: 'gc', ok: true, details: null }],
    [
      'files/changes',
      {
        changes: [
          { path: 'a', kind: 'created' },
          { path: 'b', kind: 'modified' },
        ],
      },
      202,
      { count: 2 },
    ],
  ])('[T1] [T2] [T3] accepts %s with %j', async (path, body, expectedStatus, answer) => {
    const reply = await post(`/boards/${boardId}/${path}`, body)
    expect([reply.status, reply.body]).toEqual([expectedStatus, answer])
    expect(reply.headers.get('Event-Id')).toBe(await newestId(server))
    expectProblem(await post(`/boards/none/${path}`, body), 404, 'board_not_found')
  })

  it.each([
    ['git/status', { ...status, attemptId: 'att_none' }, 'attemptId'],
    ['git/status', { ...status, ahead: -1 }, 'ahead'],
    ['git/status', { ...status, summary: { ...summary, renamed: 1 } }, 'summary.renamed'],
    ['git/commits', { shortSha: '', subject: 's' }, 'shortSha'],
    ['git/pushes', { ...push, error: 'e' }, 'error'],
    ['git/operations', { ok: true }, 'operation'],
    ['files/changes', { changes: [] }, 'changes'],
    ['files/changes', { changes: [{ path: 'a', kind: 'created', oldPath: 'b' }] }, 'changes.0.oldPath'],
    // What was emitted before the fault is rolled back.
    [
      'files/changes',
      {
        changes: [
          { path: 'a', kind: 'created' },
          { path: 'b', kind: 'created', oldPath: 'c' },
        ],
      },
      'changes.1.oldPath',
    ],
  ])('[T6] [T24] of %s refuses %j', async (path, body, fault) => {
    const reply = await withoutEvents(server, () => post(`/boards/${boardId}/${path}`, body))
    expectProblem(reply, 422, 'validation_failed', fault)
  })
})
