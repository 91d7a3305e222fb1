/** Sessions over HTTP, and what listeners of their channels see. Rules SE1 to SE10. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { session, sessionChunk } from '../../shared/src/types/sessions.ts'
import { timestamp } from '../../shared/src/types/time.ts'
import { deleteBoard, makeBoard } from '../support/board.ts'
import { ask, expectProblem, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

let server: TestServer
let boardId: string
beforeAll(async () => {
  server = await startTestServer()
  boardId = (await makeBoard(server)).id
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json: unknown) => ask(server, 'POST', path, { json })
const patch = (path: string, json: unknown) => ask(server, 'PATCH', path, { json })
const get = (path: string) => ask(server, 'GET', path)
const page = z.strictObject({
  chunks: z.array(z.strictObject({ id: z.string(), ...sessionChunk.shape, ts: timestamp })),
  cursor: z.string(),
  more: z.boolean(),
  count: z.int(),
})

let made = 0
async function make(fields: object = {}): Promise<string> {
  const reply = await post('/sessions', { id: `s-${++made}`, ...fields })
  expect(reply.status).toBe(201)
  return reply.body.id
}

describe('sessions', () => {
  it('[SE1] [SE2] [SE3] are created, read, listed and changed', async () => {
    const created = await post('/sessions', { id: 'a:b_c.d-1', boardId, agentId: 'bot', name: 'N', status: 'working' })
    expect(created.status).toBe(201)
    expect(session.parse(created.body)).toMatchObject({ id: 'a:b_c.d-1', boardId, agentId: 'bot', status: 'working' })
    expect((await get('/sessions/a:b_c.d-1')).body).toEqual(created.body)
    const changed = await patch('/sessions/a:b_c.d-1', { status: 'error', error: 'no answer' })
    expect([changed.status, session.parse(changed.body)]).toMatchObject([200, { status: 'error', error: 'no answer' }])
    const second = await make({ boardId })
    const { body } = await get(`/sessions?boardId=${boardId}`)
    expect(body.sessions.map(({ id }: { id: string }) => id)).toEqual([second, 'a:b_c.d-1'])
    expect((await get('/sessions?limit=1')).body.sessions.map(({ id }: { id: string }) => id)).toEqual([second])
    expect((await get('/sessions?boardId=nowhere')).body).toEqual({ sessions: [] })
  })

  it('[SE1] get an id by default, and null means none', async () => {
    const { status, body } = await post('/sessions', { boardId: null, agentId: null, name: null })
    expect([status, body]).toMatchObject([201, { boardId: null, agentId: null, name: null, status: 'idle' }])
    expect(body.id).toMatch(/^ses_/)
  })

  it('[SE1] [SE3] are refused with a sentence for every fault', async () => {
    const taken = await make()
    await patch(`/sessions/${taken}`, { status: 'cancelled' })
    await withoutEvents(server, async () => {
      expectProblem(await post('/sessions', { id: taken }), 409, 'conflict')
      expectProblem(await post('/sessions', { boardId: 'nowhere' }), 422, 'validation_failed', 'boardId')
      expectProblem(await post('/sessions', { boardId: 'NO' }), 422, 'validation_failed', 'boardId')
      for (const id of ['a b', 'a/b', 'ü', 'x'.repeat(201), 7, null]) {
        expectProblem(await post('/sessions', { id }), 422, 'validation_failed', 'id')
      }
      expectProblem(await post('/sessions', { agentId: 'a b' }), 422, 'validation_failed', 'agentId')
      expectProblem(await post('/sessions', { name: '\ud800' }), 422, 'validation_failed', 'name')
      expectProblem(await post('/sessions', { status: 'completed' }), 422, 'validation_failed', 'status')
      expectProblem(await post('/sessions', { title: 'x' }), 422, 'validation_failed', 'title')
      expectProblem(await patch(`/sessions/${taken}`, { status: 'idle' }), 409, 'invalid_transition')
      expectProblem(await patch(`/sessions/${taken}`, { status: 'cancelled' }), 409, 'invalid_transition')
      expectProblem(await patch(`/sessions/${taken}`, {}), 422, 'validation_failed', 'status')
      expectProblem(await patch(`/sessions/${taken}`, { status: 'done' }), 422, 'validation_failed', 'status')
      expectProblem(await patch(`/sessions/${taken}`, { status: 'idle', name: 'x' }), 422, 'validation_failed', 'name')
      expectProblem(await patch('/sessions/none', { status: 'idle' }), 404, 'session_not_found')
      expectProblem(await get('/sessions/none'), 404, 'session_not_found')
      expectProblem(await get('/sessions?boardId='), 400, 'bad_request')
      expectProblem(await get('/sessions?limit=0'), 400, 'bad_request')
    })
  })
})

describe('the channel of a session', () => {
  it('[SE4] [SE6] shows everything, in either spelling, also before the session exists', async () => {
    const id = 'seen:one'
    await using first = await listen(server.url, `/sse?channels=session:${id}`)
    await using second = await listen(server.url, `/sse?channels=sessions/${id}`)
    const happened = [
      await server.call('POST', '/sessions', { id, boardId }),
      await server.call('PATCH', `/sessions/${id}`, { status: 'working' }),
      await server.call('POST', `/sessions/${id}/output`, { content: '\u001b[1mhi\r\n' }),
      await server.call('PATCH', `/sessions/${id}`, { status: 'error', error: 'lost' }),
      await server.call('POST', `/sessions/${id}/output`, { content: '', type: 'system' }),
    ]
    const payloads = [
      ['session.created', { sessionId: id, status: 'idle' }],
      ['session.updated', { sessionId: id, status: 'working' }],
      ['session.stream_output', { sessionId: id, content: '\u001b[1mhi\r\n', type: 'stdout' }],
      ['session.error', { sessionId: id, status: 'error', error: 'lost' }],
      ['session.stream_output', { sessionId: id, content: '', type: 'system' }],
    ] as const
    const envelopes = payloads.map(([event, data], index) => ({
      channel: `session:${id}`,
      event,
      data,
      timestamp: expect.any(Number),
      actor: null,
      id: happened[index]?.eventId,
    }))
    for (const listener of [first, second]) {
      await listener.id(happened[4]?.eventId ?? '')
      expect(listener.frames.slice(1).map(({ data }) => data)).toEqual(envelopes)
      expect(listener.frames.slice(1).map(({ event }) => event)).toEqual(payloads.map(([event]) => event))
    }
  })

  it('[SE5] shows nothing for a change without effect', async () => {
    const id = await make({ status: 'working' })
    const reply = await withoutEvents(server, () => patch(`/sessions/${id}`, { status: 'working', error: null }))
    expect([reply.status, reply.body.status]).toEqual([200, 'working'])
  })

  it('[SE6] shows much output complete and in order, and so does a replay', async () => {
    const id = await make()
    await using live = await listen(server.url, `/sse?channels=session:${id}`)
    const chunks = Array.from({ length: 1_000 }, (_, n) => ({ content: `${n}\u001b[0m`, type: 'stdout' }))
    const { status, body, eventId } = await server.call('POST', `/sessions/${id}/output`, { chunks })
    expect([status, body]).toEqual([202, { count: 1_000 }])
    await using later = await listen(server.url, `/sse?channels=session:${id}&since=earliest`)
    for (const listener of [live, later]) {
      await listener.id(eventId)
      const outputs = listener.named('session.stream_output')
      expect(outputs.map(({ data }) => data.data)).toEqual(chunks.map((chunk) => ({ sessionId: id, ...chunk })))
    }
  })
})

describe('the output of a session', () => {
  it('[SE6] [SE8] is returned unchanged, chunk by chunk', async () => {
    const id = await make()
    const contents = [
      '',
      '\u0000',
      '\ud83d',
      '\ude42',
      'a\r',
      '\nb',
      '\u2028',
      '\ufeff',
      '"\\',
      '🙂',
      '\u001b]0;t\u0007',
    ]
    for (const content of contents) await post(`/sessions/${id}/output`, { content, type: 'stderr' })
    const { status, body } = await get(`/sessions/${id}/output`)
    expect(status).toBe(200)
    expect(page.parse(body).chunks.map(({ content, type }) => [content, type])).toEqual(
      contents.map((content) => [content, 'stderr']),
    )
  })

  it('[SE8] is read by page', async () => {
    const id = await make()
    await post(`/sessions/${id}/output`, { chunks: Array.from({ length: 150 }, (_, n) => ({ content: `${n}` })) })
    const first = page.parse((await get(`/sessions/${id}/output`)).body)
    expect([first.chunks.length, first.more]).toEqual([100, true])
    const rest = page.parse((await get(`/sessions/${id}/output?after=${first.cursor}&limit=1000`)).body)
    expect([...first.chunks, ...rest.chunks].map(({ content }) => Number(content))).toEqual([...Array(150).keys()])
    expect(rest.more).toBe(false)
    const tail = page.parse((await get(`/sessions/${id}/output?tail=2`)).body)
    expect(tail.chunks).toEqual(rest.chunks.slice(-2))
    for (const query of ['limit=0', 'tail=0', 'limit=1001', 'after=x', `after=${first.cursor}&tail=1`]) {
      expectProblem(await get(`/sessions/${id}/output?${query}`), 400, 'bad_request')
    }
    expectProblem(await get('/sessions/none/output'), 404, 'session_not_found')
  })

  it('[SE6] [SE7] is refused with the path of every fault', async () => {
    const id = await make()
    const path = `/sessions/${id}/output`
    await withoutEvents(server, async () => {
      expectProblem(await post('/sessions/none/output', { content: 'x' }), 404, 'session_not_found')
      expectProblem(await post(path, {}), 422, 'validation_failed', 'content')
      expectProblem(await post(path, { content: 'x', type: 'stdin' }), 422, 'validation_failed', 'type')
      expectProblem(await post(path, { content: 'x', stream: 'stdout' }), 422, 'validation_failed', 'stream')
      expectProblem(await post(path, { chunks: [] }), 422, 'validation_failed', 'chunks')
      expectProblem(
        await post(path, { chunks: Array(1_001).fill({ content: '' }) }),
        422,
        'validation_failed',
        'chunks',
      )
      expectProblem(await post(path, { content: 'x', chunks: [{ content: 'y' }] }), 422, 'validation_failed', 'content')
      expectProblem(await post(path, { chunks: [{ content: 'a' }, {}] }), 422, 'validation_failed', 'chunks.1.content')
      for (const content of ['x'.repeat(65_537), '🙂'.repeat(16_385)]) {
        expectProblem(await post(path, { content }), 422, 'validation_failed', 'content')
      }
    })
    expect((await post(path, { content: '🙂'.repeat(16_384) })).status).toBe(202)
  })

  it('[SE7] is accepted after the end', async () => {
    const id = await make()
    await patch(`/sessions/${id}`, { status: 'completed' })
    expect((await post(`/sessions/${id}/output`, { content: 'flushed' })).body).toEqual({ count: 1 })
  })
})

it('[SE9] a session is deleted with its board', async () => {
  const board = await makeBoard(server)
  const id = await make({ boardId: board.id })
  await deleteBoard(server, board.id)
  expectProblem(await get(`/sessions/${id}`), 404, 'session_not_found')
  expectProblem(await post(`/sessions/${id}/output`, { content: 'x' }), 404, 'session_not_found')
})

it('[SE10] a session is unchanged after a restart', async () => {
  const id = await make({ boardId, status: 'working' })
  await post(`/sessions/${id}/output`, { content: 'kept' })
  const before = [await get(`/sessions/${id}`), await get(`/sessions/${id}/output`)].map(({ body }) => body)
  await withoutEvents(server, () => server.restart())
  expect([await get(`/sessions/${id}`), await get(`/sessions/${id}/output`)].map(({ body }) => body)).toEqual(before)
})
