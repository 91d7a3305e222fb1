/** Unreadable bodies and their errors. Rules T4 to T10, T24. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBoard, makeCard } from '../support/board.ts'
import { ask, expectProblem, newestId, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let cardId: string
beforeAll(async () => {
  server = await startTestServer()
  cardId = (await makeCard(server, (await makeBoard(server, 'demo')).id)).id
})
afterAll(() => server[Symbol.asyncDispose]())

const MIB = 1024 * 1024
const bytes = (...values: number[]) => new Uint8Array(values)
const raw = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  withoutEvents(server, () => ask(server, 'POST', '/boards', { raw: body, headers }))

describe('a body that cannot be read', () => {
  it.each([
    ['nothing', ''],
    ['white space', ' \n\t '],
    ['half an object', '{"name":"x"'],
    ['two objects', '{"name":"x"}{}'],
    ['a trailing comma', '{"name":"x",}'],
    ['single quotes', "{'name':'x'}"],
    ['a comment', '{"name":"x"/**/}'],
    ['a bare word', 'name'],
    ['NaN', '{"name":NaN}'],
    ['a raw line end in a string', '{"name":"a\nb"}'],
    ['a raw NUL', '{"name":"a\u0000b"}'],
    ['a byte order mark', '\ufeff{"name":"x"}'],
    ['half an escape', '{"name":"\\u12"}'],
    ['a form', 'name=x'],
  ])('[T7] that is %s is 400 invalid_json', async (_, body) => {
    expectProblem(await raw(body), 400, 'invalid_json')
  })

  it.each([
    ['a stray byte', bytes(0x7b, 0xff, 0x7d)],
    ['a cut sequence', bytes(0x22, 0xe2, 0x82, 0x22)],
    ['an overlong slash', bytes(0x22, 0xc0, 0xaf, 0x22)],
    ['an encoded surrogate', bytes(0x22, 0xed, 0xa0, 0x80, 0x22)],
    ['UTF-16', bytes(0xff, 0xfe, 0x7b, 0, 0x7d, 0)],
  ])('[T7] that is not UTF-8 (%s) is 400 invalid_json', async (_, body) => {
    expectProblem(await raw(body), 400, 'invalid_json')
  })

  it('[T7] that is empty and has no type is reported as empty, not as of the wrong type', async () => {
    const reply = await withoutEvents(server, () => ask(server, 'POST', '/boards'))
    expectProblem(reply, 400, 'invalid_json')
    expect(reply.body.detail).toContain('empty')
  })

  it.each([
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'json',
    'text/json',
  ])('[T8] with the type %j is 415', async (type) => {
    expectProblem(await raw('{"name":"x"}', { 'Content-Type': type }), 415, 'unsupported_media_type')
  })

  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON', 'application/merge-patch+json'])(
    '[T8] is read with the type %s',
    async (type) => {
      const reply = await ask(server, 'POST', '/boards', { raw: '{"name":"x"}', headers: { 'Content-Type': type } })
      expect(reply.status).toBe(201)
    },
  )
})

describe('a body that is too large', () => {
  const padded = (size: number) => `{"name":"x"${' '.repeat(size - 12)}}`

  it('[T9] may have exactly 1 MiB', async () => {
    const body = padded(MIB)
    expect(Buffer.byteLength(body)).toBe(MIB)
    expect((await ask(server, 'POST', '/boards', { raw: body })).status).toBe(201)
  })

  it('[T9] is 413 when its length is declared, before it is read', async () => {
    expectProblem(await raw(padded(MIB + 1)), 413, 'too_large')
    // Only the head is sent: the answer must not wait for the body.
    const head = `POST /api/v1/boards HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${2 ** 40}\r\n\r\n`
    const answer = await exchange(head)
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toMatch(/\r\nConnection: close\r\n/)
    expect(answer).toContain('"code":"too_large"')
  })

  it('[T9] is 413 when it comes in chunks', async () => {
    let left = 40
    const body = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(64 * 1024).fill(0x20))
        else controller.close()
      },
    })
    const reply = await withoutEvents(server, () => ask(server, 'POST', '/boards', { raw: body }))
    expectProblem(reply, 413, 'too_large')
  })

  it('[T9] [T10] is 413 also for a route without a body', async () => {
    const reply = await withoutEvents(server, () => ask(server, 'DELETE', '/boards/demo', { raw: ' '.repeat(MIB + 1) }))
    expectProblem(reply, 413, 'too_large')
  })

  it.each(['[x', 'a b/c'])('[T4] [T5] a Host that does not form a URL, %s, is refused with a problem', async (host) => {
    const answer = await exchange(`GET /api/v1/boards HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toMatch(/\r\nContent-Type: application\/problem\+json\r\n/i)
    expect(answer).toMatch(/\r\nX-Request-Id: [\w-]+\r\n/i)
    expect(answer).toContain('"code":"bad_request"')
  })

  /** Sends bytes and resolves to the whole answer, when the server has closed the connection. */
  function exchange(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.write(text))
      let answer = ''
      socket.on('data', (chunk) => {
        answer += chunk.toString()
        if (answer.includes('"code"')) socket.end()
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(answer))
    })
  }
})

describe('a body that ends early', () => {
  it('[T24] commits nothing', async () => {
    await withoutEvents(server, async () => {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => undefined)
      const head =
        'POST /api/v1/boards HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n'
      // All but the last byte of a new board.
      await new Promise((resolve) => socket.write(`${head}{"name":"x"`, resolve))
      await new Promise((resolve) => {
        socket.once('close', resolve)
        socket.destroy()
      })
      // A round trip later the server has seen it.
      expect((await ask(server, 'GET', '/boards')).status).toBe(200)
    })
  })
})

describe('a body of the wrong shape', () => {
  it.each([['null'], ['[]'], ['"text"'], ['1'], ['true']])('[T6] %s is 422', async (body) => {
    expectProblem(await raw(body), 422, 'validation_failed', '')
  })

  it('[T6] is refused with every fault at once, and the names of unknown fields', async () => {
    const reply = await raw(JSON.stringify({ title: 'x', nmae: 'y', description: 1, columns: [{ title: '' }, 2] }))
    expectProblem(reply, 422, 'validation_failed')
    const paths = reply.body.errors.map(({ path }: { path: string }) => path)
    expect(paths.sort()).toEqual(['columns.0.title', 'columns.1', 'description', 'name', 'nmae', 'title'])
    expect(reply.body.detail).toContain('is not a known field here')
  })

  it('[T10] any body, for a route without one; an empty object counts as none', async () => {
    for (const json of [{ a: 1 }, [], null, 0, '']) {
      const reply = await withoutEvents(server, () => ask(server, 'DELETE', `/cards/${cardId}`, { json }))
      expectProblem(reply, 422, 'validation_failed', '')
    }
    const { id } = await makeCard(server, 'demo')
    expect((await ask(server, 'DELETE', `/cards/${id}`, { json: {} })).status).toBe(204)
  })
})

describe('a refusal', () => {
  it('[T5] has these fields in this order, and errors only with 422', async () => {
    const { headers, text } = await ask(server, 'GET', '/boards/none')
    expect(headers.get('Content-Type')).toBe('application/problem+json')
    expect(text).toBe(
      '{"type":"about:blank","title":"Board not found","status":404,"detail":"There is no board none.",' +
        '"code":"board_not_found","error":"Board not found"}',
    )
    const shape = await raw('{"name":"x","id":"NO"}')
    expect(Object.keys(shape.body)).toEqual(['type', 'title', 'status', 'detail', 'code', 'error', 'errors'])
    expect(shape.body.errors).toEqual([{ path: 'id', message: expect.stringMatching(/^must be /) }])
  })
})

describe('every reply', () => {
  it('[T4] has a request id: that of the request if it is valid', async () => {
    const idOf = async (given?: string) => {
      const reply = await ask(
        server,
        'GET',
        '/boards',
        given === undefined ? {} : { headers: { 'X-Request-Id': given } },
      )
      return reply.headers.get('X-Request-Id')
    }
    expect(await idOf('job-7:a.b_c')).toBe('job-7:a.b_c')
    expect(await idOf('x'.repeat(128))).toBe('x'.repeat(128))
    for (const odd of ['a b', 'x'.repeat(129), 'a"b', 'a/b', '<a>']) expect(await idOf(odd)).not.toBe(odd)
    expect(await idOf()).not.toBe(await idOf())
    for (const path of ['//health', '//metrics', '//', '//nowhere', '/nowhere', '/boards/none']) {
      expect((await ask(server, 'GET', path)).headers.get('X-Request-Id'), path).toMatch(/^[\w.:-]{1,128}$/)
    }
    const refused = await ask(server, 'POST', '/boards', { raw: '{', headers: { 'X-Request-Id': 'mine' } })
    expect(refused.headers.get('X-Request-Id')).toBe('mine')
  })

  it('[T3] to a mutation has the id of the newest event when it committed none, whether refused or not', async () => {
    const newest = await newestId(server)
    for (const reply of [
      await raw('{'),
      await raw('{}'),
      await raw('x', { 'Content-Type': 'text/plain' }),
      await ask(server, 'PATCH', '/boards/none', { json: {} }),
      await ask(server, 'POST', `/cards/${cardId}/move`, { json: { columnKey: 'done', ifRevision: 99 } }),
      await ask(server, 'PATCH', '/boards/demo', { json: {} }),
    ]) {
      expect(reply.headers.get('Event-Id'), String(reply.status)).toBe(newest)
    }
  })
})
