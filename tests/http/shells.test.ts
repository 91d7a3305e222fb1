/** Shells over HTTP, and what listeners of their channels see. Rules SH1 to SH9. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { shell, shellChunk } from '../../shared/src/types/shells.ts'
import { timestamp } from '../../shared/src/types/time.ts'
import { deleteBoard, makeBoard, makeWork } from '../support/board.ts'
import { ask, expectProblem, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json: unknown) => ask(server, 'POST', path, { json })
const get = (path: string) => ask(server, 'GET', path)
const page = z.strictObject({
  chunks: z.array(z.strictObject({ id: z.string(), ...shellChunk.shape, ts: timestamp })),
  cursor: z.string(),
  more: z.boolean(),
  count: z.int(),
})

let made = 0
async function make(fields: object = {}): Promise<string> {
  const reply = await post('/shells', { id: `shell-${++made}`, ...fields })
  expect(reply.status).toBe(201)
  return reply.body.id
}

describe('shells', () => {
  it('[SH1] [SH2] are created, read and listed', async () => {
    const { boardId, attempt } = await makeWork(server)
    const created = await post('/shells', { id: 'a:b_c.d-1', attemptId: attempt.id, command: 'npm test' })
    expect(created.status).toBe(201)
    expect(shell.parse(created.body)).toMatchObject({ id: 'a:b_c.d-1', boardId, attemptId: attempt.id, status: 'open' })
    expect((await get('/shells/a:b_c.d-1')).body).toEqual(created.body)
    const second = await make({ boardId, command: null })
    const ids = async (query: string) => (await get(`/shells${query}`)).body.shells.map(({ id }: { id: string }) => id)
    expect(await ids(`?boardId=${boardId}`)).toEqual([second, 'a:b_c.d-1'])
    expect(await ids('?limit=1')).toEqual([second])
    expect(await ids('?boardId=nowhere')).toEqual([])
    expect((await post('/shells', {})).body.id).toMatch(/^shl_/)
  })

  it('[SH1] [SH7] [SH8] are refused with a sentence for every fault', async () => {
    const { attempt } = await makeWork(server)
    const elsewhere = await makeBoard(server)
    const id = await make()
    await withoutEvents(server, async () => {
      expectProblem(await post('/shells', { id }), 409, 'conflict')
      expectProblem(await post('/shells', { id: 'a b' }), 422, 'validation_failed', 'id')
      expectProblem(await post('/shells', { boardId: 'nowhere' }), 422, 'validation_failed', 'boardId')
      expectProblem(await post('/shells', { attemptId: 'none' }), 422, 'validation_failed', 'attemptId')
      const mixed = { boardId: elsewhere.id, attemptId: attempt.id }
      expectProblem(await post('/shells', mixed), 422, 'validation_failed', 'attemptId')
      expectProblem(await post('/shells', { command: '\ud800' }), 422, 'validation_failed', 'command')
      expectProblem(await post('/shells', { cwd: '/' }), 422, 'validation_failed', 'cwd')
      expectProblem(await get('/shells/none'), 404, 'shell_not_found')
      expectProblem(await post('/shells/none/exit', { code: 0 }), 404, 'shell_not_found')
      expectProblem(await post(`/shells/${id}/exit`, {}), 422, 'validation_failed', 'code')
      expectProblem(await post(`/shells/${id}/exit`, { code: 0.5 }), 422, 'validation_failed', 'code')
      expectProblem(await post(`/shells/${id}/error`, {}), 422, 'validation_failed', 'error')
      expectProblem(await post('/shells/none/error', { error: 'x' }), 404, 'shell_not_found')
      expectProblem(await get('/shells?limit=x'), 400, 'bad_request')
    })
  })

  it('[SH7] exit once', async () => {
    const id = await make()
    const { status, body } = await post(`/shells/${id}/exit`, { code: null })
    expect([status, shell.parse(body)]).toMatchObject([200, { status: 'exited', exitCode: null }])
    expectProblem(await withoutEvents(server, () => post(`/shells/${id}/exit`, { code: 0 })), 409, 'invalid_transition')
    expect((await get(`/shells/${id}`)).body).toEqual(body)
  })
})

describe('the channel of a shell', () => {
  it('[SH3] shows everything, in either spelling, also before the shell exists', async () => {
    const id = 'term:1'
    await using first = await listen(server.url, `/sse?channels=shell:terminal:${id}`)
    await using second = await listen(server.url, `/sse?channels=shell:${id}`)
    const happened = [
      await server.call('POST', '/shells', { id, command: 'ls' }),
      await server.call('POST', `/shells/${id}/output`, { data: '\u001b[34msrc\u001b[0m\r\n' }),
      await server.call('POST', `/shells/${id}/error`, { error: 'broken pipe' }),
      await server.call('POST', `/shells/${id}/exit`, { code: 2 }),
    ]
    expect(happened.map(({ status }) => status)).toEqual([201, 202, 202, 200])
    expect(happened[2]?.body).toEqual({ shellId: id, error: 'broken pipe' })
    const payloads = [
      ['shell.created', { shellId: id, command: 'ls' }],
      ['shell.output', { shellId: id, data: '\u001b[34msrc\u001b[0m\r\n' }],
      ['shell.error', { shellId: id, error: 'broken pipe' }],
      ['shell.exit', { shellId: id, code: 2 }],
    ] as const
    for (const listener of [first, second]) {
      await listener.id(happened[3]?.eventId ?? '')
      const frames = listener.frames.slice(1)
      expect(frames.map(({ event }) => event)).toEqual(payloads.map(([event]) => event))
      expect(frames.map(({ data }) => data)).toEqual(
        payloads.map(([event, data], index) => ({
          channel: `shell:terminal:${id}`,
          event,
          data,
          timestamp: expect.any(Number),
          actor: null,
          id: happened[index]?.eventId,
        })),
      )
    }
  })

  it('[SH4] shows much output complete and in order, and so does a replay', async () => {
    const id = await make()
    await using live = await listen(server.url, `/sse?channels=shell:${id}`)
    const chunks = Array.from({ length: 1_000 }, (_, n) => ({ data: `\r${n}%\u001b[K` }))
    const { status, body, eventId } = await server.call('POST', `/shells/${id}/output`, { chunks })
    expect([status, body]).toEqual([202, { count: 1_000 }])
    await using later = await listen(server.url, `/sse?channels=shell:${id}&since=earliest`)
    for (const listener of [live, later]) {
      await listener.id(eventId)
      expect(listener.named('shell.output').map(({ data }) => data.data.data)).toEqual(chunks.map(({ data }) => data))
    }
  })
})

describe('the output of a shell', () => {
  it('[SH4] [SH5] [SH6] is returned unchanged, chunk by chunk, also after the exit', async () => {
    const id = await make()
    const chunks = ['', '\u0000', '\ud83d', '\ude42', 'a\r', '\nb', '\u001b[2J', 'x'.repeat(65_536)]
    for (const data of chunks) expect((await post(`/shells/${id}/output`, { data })).body).toEqual({ count: 1 })
    await post(`/shells/${id}/exit`, { code: 0 })
    await post(`/shells/${id}/output`, { data: 'flushed' })
    const { body } = await get(`/shells/${id}/output`)
    expect(page.parse(body).chunks.map(({ data }) => data)).toEqual([...chunks, 'flushed'])
    const last = page.parse((await get(`/shells/${id}/output?tail=1`)).body)
    expect(last.chunks.map(({ data }) => data)).toEqual(['flushed'])
    const first = page.parse((await get(`/shells/${id}/output?limit=1`)).body)
    expect([first.chunks.length, first.more]).toEqual([1, true])
    expect(page.parse((await get(`/shells/${id}/output?after=${first.cursor}`)).body).chunks.length).toBe(8)
  })

  it('[SH4] [SH5] is refused with the path of every fault', async () => {
    const id = await make()
    const path = `/shells/${id}/output`
    await withoutEvents(server, async () => {
      expectProblem(await post('/shells/none/output', { data: 'x' }), 404, 'shell_not_found')
      expectProblem(await get('/shells/none/output'), 404, 'shell_not_found')
      expectProblem(await post(path, {}), 422, 'validation_failed', 'data')
      expectProblem(await post(path, { content: 'x' }), 422, 'validation_failed', 'content', 'data')
      expectProblem(await post(path, { chunks: Array(1_001).fill({ data: '' }) }), 422, 'validation_failed', 'chunks')
      expectProblem(await post(path, { chunks: [{ data: 'a' }, 'b'] }), 422, 'validation_failed', 'chunks.1')
      expectProblem(await post(path, { data: 'x', chunks: [{ data: 'y' }] }), 422, 'validation_failed', 'data')
      expectProblem(await post(path, { data: 'x'.repeat(65_537) }), 422, 'validation_failed', 'data')
      expectProblem(await get(`${path}?after=1`), 400, 'bad_request')
    })
  })
})

it('[SH9] a shell is deleted with its board, and unchanged after a restart', async () => {
  const board = await makeBoard(server)
  const gone = await make({ boardId: board.id })
  await deleteBoard(server, board.id)
  expectProblem(await post(`/shells/${gone}/output`, { data: 'x' }), 404, 'shell_not_found')
  const id = await make({ command: 'top' })
  const before = (await get(`/shells/${id}`)).body
  await withoutEvents(server, () => server.restart())
  expect((await get(`/shells/${id}`)).body).toEqual(before)
})
