/** Hostile requests: text, nesting, keys, numbers, addresses and methods. Rules T12 to T17, T24, T25. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBoard, makeCard, makeWork } from '../support/board.ts'
import { ask, expectProblem, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

let server: TestServer
let attemptId: string
beforeAll(async () => {
  server = await startTestServer()
  await makeBoard(server, 'demo')
  attemptId = (await makeWork(server)).attempt.id
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json: unknown) => ask(server, 'POST', path, { json })
const brackets = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
const nested = (path: string, field: string, value: string, rest = '') =>
  ask(server, 'POST', path, { raw: `{${rest}"${field}":${value}}` })

describe('text', () => {
  const odd =
    'NUL \u0000 CRLF \r\n bell \u0007 esc \u001b[0m bidi \u202e joiner \u200d mark \ufeff end \uffff emoji 👩‍👩‍👧'

  it('[T13] is kept unchanged, whatever it contains', async () => {
    await using listener = await listen(server.url, '/sse?boardId=demo&view=diff')
    const { status, body } = await post('/boards/demo/cards', { title: odd, description: odd, labels: [odd] })
    expect([status, body.title, body.description, body.labels]).toEqual([201, odd, odd, [odd]])
    expect((await ask(server, 'GET', `/cards/${body.id}`)).body.title).toBe(odd)
    const shown = await listener.frame('card_created')
    expect(shown.data.card.title).toBe(odd)
  })

  it('[T13] is not normalised', async () => {
    for (const title of ['e\u0301', '\u00e9', 'ﬁ', 'İ']) {
      expect((await makeCard(server, 'demo', { title })).title).toBe(title)
    }
  })

  it.each(['\ud800', 'a\udc00', '\udc00\ud800', `${'x'.repeat(100)}\udbff`])(
    '[T13] [T24] with a lone surrogate is 422 with a sentence: %j',
    async (title) => {
      const { id } = await makeCard(server, 'demo')
      for (const reply of await withoutEvents(server, async () => [
        await post('/boards/demo/cards', { title }),
        await ask(server, 'PATCH', `/cards/${id}`, { json: { title } }),
      ])) {
        expectProblem(reply, 422, 'validation_failed', 'title')
        expect(reply.body.detail).toBe('title must be well-formed Unicode, but holds a lone surrogate.')
      }
    },
  )

  it('[T13] may have a lone surrogate in log lines and in free JSON', async () => {
    const { body } = await post('/boards/demo/git/operations', {
      operation: 'x',
      ok: true,
      details: ['\ud800', { '\udfff': 1 }],
    })
    expect(body.details).toEqual(['\ud800', { '\udfff': 1 }])
    expect((await post(`/attempts/${attemptId}/logs`, { message: '\ud800' })).status).toBe(202)
    expect((await ask(server, 'GET', `/attempts/${attemptId}/logs?tail=1`)).body.lines[0].message).toBe('\ud800')
  })

  it('[T6] [T13] that is too long is refused, however long', async () => {
    for (const length of [501, 10_000, 1_000_000]) {
      expectProblem(await post('/boards/demo/cards', { title: 'x'.repeat(length) }), 422, 'validation_failed', 'title')
    }
  })
})

describe('names that become part of channels and events', () => {
  it.each(['a\nb', 'a\r\nevent: x\r\ndata: y', 'a\u0000', 'a\u2028b', 'a b', 'a,b', '../x', '', 'ü'])(
    '[T14] [T24] are refused when they contain characters that streams cannot carry: %j',
    async (name) => {
      const { id } = await makeCard(server, 'demo')
      for (const reply of await withoutEvents(server, async () => [
        await post('/agents', { id: name }),
        await post('/boards', { id: name, name: 'x' }),
        await post('/boards/demo/cards', { title: 'x', assignedAgentId: name }),
        await post(`/cards/${id}/attempts`, { agent: name }),
        await post(`/attempts/${attemptId}/session`, { sessionId: name }),
        await post('/agent-profiles', { agent: name, name: 'x' }),
      ])) {
        expectProblem(reply, 422, 'validation_failed')
      }
    },
  )
})

describe('nesting', () => {
  it('[T15] of free JSON may be 100 deep, and is returned unchanged', async () => {
    const deep = JSON.parse(brackets(100))
    const made = await post('/agent-profiles', { agent: 'a', name: 'n', config: { deep } })
    expect([made.status, made.body.config]).toEqual([201, { deep }])
    const { id } = made.body
    const same = await withoutEvents(server, () =>
      ask(server, 'PATCH', `/agent-profiles/${id}`, { json: { config: { deep } } }),
    )
    expect(same.status).toBe(200)
  })

  it.each([101, 1_000, 1_400, 1_500, 1_600, 2_000, 5_000, 100_000, 500_000])(
    '[T15] [T24] [T25] of %d brackets is refused, wherever they are',
    async (depth) => {
      const replies = await withoutEvents(server, async () => [
        await nested('/boards/demo/git/operations', 'details', brackets(depth), '"operation":"x","ok":true,'),
        await nested('/agent-profiles', 'config', `{"a":${brackets(depth)}}`, '"agent":"a","name":"n",'),
        await nested(
          `/attempts/${attemptId}/conversation`,
          'tool',
          `{"name":"x","status":"created","metadata":{"a":${brackets(depth)}}}`,
          '"type":"tool",',
        ),
        await nested('/boards', 'name', brackets(depth)),
        await nested('/boards', 'unknown', brackets(depth), '"name":"x",'),
        await ask(server, 'POST', '/boards', { raw: brackets(depth) }),
        await ask(server, 'DELETE', '/boards/demo', { raw: brackets(depth) }),
        await ask(server, 'POST', '/boards', { raw: '['.repeat(depth) }),
      ])
      expect(replies.map(({ status }) => status)).toEqual([422, 422, 422, 422, 422, 422, 422, 400])
    },
  )

  it.each([102, 1_500, 5_000, 100_000])('[T15] [T25] of %d objects is refused likewise', async (depth) => {
    const config = await withoutEvents(server, () =>
      nested('/agent-profiles', 'config', objects(depth), '"agent":"a","name":"n",'),
    )
    expectProblem(config, 422, 'validation_failed')
    const files = `[${objects(depth)}]`
    const rest =
      '"branch":"b","ahead":0,"behind":0,"hasUncommitted":false,"summary":{"added":0,"modified":0,"deleted":0,"untracked":0,"staged":0},'
    expectProblem(await nested('/boards/demo/git/status', 'files', files, rest), 422, 'validation_failed')
  })
})

describe('keys with a meaning in JavaScript', () => {
  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', ''])(
    '[T15] [T24] are unknown fields like any other: %j',
    async (key) => {
      const reply = await withoutEvents(server, () =>
        ask(server, 'POST', '/boards/demo/cards', { raw: `{"title":"x",${JSON.stringify(key)}:{"title":"y"}}` }),
      )
      expectProblem(reply, 422, 'validation_failed', key)
    },
  )

  it('[T15] do not reach a prototype through free JSON', async () => {
    const raw =
      '{"agent":"a","name":"n","config":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}'
    const { status, body } = await ask(server, 'POST', '/agent-profiles', { raw })
    expect(status).toBe(201)
    expect(body.config.constructor).toEqual({ prototype: { polluted: 1 } })
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    expect(Object.getPrototypeOf(body.config)).toBe(Object.prototype)
  })

  it('[T15] the last of repeated keys counts', async () => {
    const { status, body } = await ask(server, 'POST', '/boards/demo/cards', { raw: '{"title":"a","title":"b"}' })
    expect([status, body.title]).toEqual([201, 'b'])
  })
})

describe('numbers', () => {
  it.each(['1.5', '1e400', '-1e400', '9007199254740993', '1e300', '"1"', 'true', 'null', '{}'])(
    '[T16] [T24] other than integers in range are refused: %s',
    async (index) => {
      const reply = await withoutEvents(server, () => nested('/boards/demo/cards', 'index', index, '"title":"x",'))
      expectProblem(reply, 422, 'validation_failed', 'index')
    },
  )

  it('[T16] at the ends of the range are clamped like others', async () => {
    for (const index of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -0]) {
      expect((await post('/boards/demo/cards', { title: 'x', index })).status).toBe(201)
    }
  })
})

describe('addresses', () => {
  it.each(['/', '/nowhere', '/boards/', '/boards/demo/nothing', '//boards', '/boards/a/b'])(
    '[T12] %s is 404 as JSON, also to a browser',
    async (path) => {
      const reply = await ask(server, 'GET', `//api/v1${path}`, { headers: { Accept: 'text/html' } })
      expectProblem(reply, 404, 'not_found')
    },
  )

  it.each([
    '%',
    '%E0%A4%A',
    '%ff',
    '%00',
    '%0d%0aSet-Cookie:%20a',
    '%ED%A0%80',
    "'%20OR%201=1--",
    'x'.repeat(5_000),
    '%252e',
  ])('[T12] [T25] an id like %s is unknown', async (id) => {
    expectProblem(await ask(server, 'GET', `/boards/${id}`), 404, 'board_not_found')
    expectProblem(await ask(server, 'GET', `/cards/${id}`), 404, 'card_not_found')
    expectProblem(await ask(server, 'GET', `/attempts/${id}/logs`), 404, 'attempt_not_found')
    expectProblem(await ask(server, 'GET', `/agents/${id}`), 404, 'agent_not_found')
    const refused = await withoutEvents(server, () => ask(server, 'DELETE', `/boards/${id}`))
    expectProblem(refused, 404, 'board_not_found')
    expect(refused.headers.get('Set-Cookie')).toBeNull()
  })

  it('[T11] [T25] accept any query', async () => {
    for (const query of [
      '?',
      '?%',
      '?limit=%',
      '?a=%E0%A4%A',
      '?__proto__=1',
      '?limit[]=1',
      `?x=${'y'.repeat(8_000)}`,
      '?&&==',
    ]) {
      const { status } = await ask(server, 'GET', `/boards${query}`)
      expect([200, 400], query).toContain(status)
    }
    expectProblem(await ask(server, 'GET', '/boards?limit=999999999999999999999'), 400, 'bad_request')
  })
})

describe('methods', () => {
  it.each([
    ['PUT', '/boards'],
    ['DELETE', '/boards'],
    ['PATCH', '/boards'],
    ['POST', '/boards/demo'],
    ['POST', '/cards/none'],
    ['GET', '/cards/none/move'],
    ['OPTIONS', '/boards'],
    ['PROPFIND', '/boards'],
    ['POST', '//'],
    ['DELETE', '//health'],
    ['POST', '//sse'],
  ])('[T12] %s %s is 404: there is no such route', async (method, path) => {
    expectProblem(await withoutEvents(server, () => ask(server, method, path)), 404, 'not_found')
  })

  it('[T17] HEAD has the status and the head of GET, and no body', async () => {
    for (const path of ['/boards', '/boards/demo', '/boards/none', '/dashboard', '//health', '//metrics', '/nowhere']) {
      const [head, get] = [await ask(server, 'HEAD', path), await ask(server, 'GET', path)]
      expect([head.status, head.text], path).toEqual([get.status, ''])
      expect(head.headers.get('Content-Type'), path).toBe(get.headers.get('Content-Type'))
      expect(head.headers.get('X-Request-Id'), path).not.toBeNull()
    }
  })
})
