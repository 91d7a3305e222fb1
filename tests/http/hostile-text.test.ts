/**
 * Text of every kind, through every route that accepts text: it is returned unchanged, or refused with a sentence, and
 * none of it becomes an event. Rules S7, S8, S15, T13, T14. A new route is a line in the tables here and in printers.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBoard, makeWork } from '../support/board.ts'
import { ask, expectProblem, type Reply, withoutEvents } from '../support/http.ts'
import { PRINTERS, printedIn } from '../support/printers.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
let work: Awaited<ReturnType<typeof makeWork>>
beforeAll(async () => {
  server = await startTestServer()
  work = await makeWork(server)
})
afterAll(() => server[Symbol.asyncDispose]())

const WELL_FORMED = {
  'ANSI sequences': '\u001b[1;31mred\u001b[0m\u001b]8;;https://example.com\u0007link\u001b]8;;\u0007\u001b[2J',
  emoji: '👩‍👩‍👧 🏳️‍🌈 🇩🇪 e\u0301 \u202e\u200d\ufeff',
  NUL: 'a\u0000b\u0000',
  'control characters': `${Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('')}\u007f\u0085`,
  'line breaks': 'a\rb\nc\r\nd\n\r\u2028e\u2029f\n\n',
  'a forged frame': '"}\n\nid: 00000000-1\nevent: hello\ndata: {"forged":true}\n\n',
  'a forged chunk': '\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  JSON: '{"channel":"*","event":"hello","data":{}} \\u0000 \\" \\',
  markup: '<script>alert(1)</script>&amp;\'"`',
}
const ILL_FORMED = {
  'a high surrogate': 'a\ud83d',
  'a low surrogate': '\udc69b',
  'surrogates in the wrong order': '\udc69\ud83d',
}
const LONG = {
  '64 KiB of one byte': 'x'.repeat(65_536),
  '64 KiB of two': 'é'.repeat(32_768),
  '64 KiB of four': '🙂'.repeat(16_384),
  '64 KiB of NUL': '\u0000'.repeat(65_536),
  '64 KiB of line breaks': '\r\n'.repeat(32_768),
}

/** Characters that some readers take for a line end, except LF. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not leave.
const SEPARATORS = /[\0\v\f\r\x1c-\x1e\u0085\u2028\u2029]/

/** Every line of a stream is a valid SSE line, and every id is one of the log. */
function expectNoForgery(listener: Listener): void {
  const lines = new Set(listener.body.split('\n').map((line) => /^(id|event|data|retry): /.exec(line)?.[1] ?? line))
  expect([...lines].filter((line) => !['id', 'event', 'data', 'retry', ''].includes(line))).toEqual([])
  expect(listener.body).not.toMatch(SEPARATORS)
  expect(listener.named('hello').length).toBe(1)
  const count = listener.body.split('\n\n').length - 1
  expect(listener.frames.length).toBe(count)
}

describe.each(Object.entries(PRINTERS))('output to %s', (_, prepare) => {
  it('[S7] [S8] [S15] [T13] arrives unchanged, on every channel and in replay', async () => {
    const printer = await prepare(server)
    const listeners = await Promise.all(
      printer.channels.map((channel) => listen(server.url, `/sse?channels=${channel}`)),
    )
    const texts = ['', ...Object.values({ ...WELL_FORMED, ...ILL_FORMED, ...LONG })]
    let last = ''
    for (const text of texts) {
      const reply = await printer.post([text])
      expect(reply.status, JSON.stringify(text.slice(0, 60))).toBe(202)
      last = reply.headers.get('Event-Id') ?? ''
    }
    for (const listener of listeners) {
      await listener.id(last)
      const printed = listener.frames.flatMap(({ event, data }) => (event === 'state' ? [] : printedIn(data.data)))
      expect(printed.map(nameable)).toEqual(texts.map(nameable))
      expect(printed).toEqual(texts)
      expectNoForgery(listener)
      listener.close()
    }
    if (printer.readBack) expect(await printer.readBack()).toEqual(texts)
  })

  it('[T13] is at most 64 KiB of UTF-8; more is refused with a sentence', async () => {
    const printer = await prepare(server)
    if (printer.channels[0]?.startsWith('topic:')) return
    for (const text of ['x'.repeat(65_537), 'é'.repeat(32_769), '🙂'.repeat(16_385)]) {
      const reply = await withoutEvents(server, () => printer.post([text]))
      expectProblem(reply, 422, 'validation_failed')
      expect(reply.body.detail).toContain('must be at most 65536 bytes of UTF-8')
    }
  })
})

/** Routes whose text is stored in a row; all of them show it in an event. */
const FIELDS: Record<string, (text: string) => Promise<Reply>> = {
  'name of a board': (name) => post('/boards', { name }),
  'description of a board': (description) => post('/boards', { name: 'x', description }),
  'title of a column': (title) => post(`/boards/${work.boardId}/columns`, { title }),
  'title of a card': (title) => post(`/boards/${work.boardId}/cards`, { title }),
  'description of a card': (description) => post(`/boards/${work.boardId}/cards`, { title: 'x', description }),
  'label of an agent': (label) => post('/agents', { id: newName(), label }),
  'name of a file': (path) => post(`/boards/${work.boardId}/files/changes`, { changes: [{ path, kind: 'created' }] }),
  'subject of a commit': (subject) => post(`/boards/${work.boardId}/git/commits`, { shortSha: 'a', subject }),
  'branch of a push': (branch) => post(`/boards/${work.boardId}/git/pushes`, { remote: 'o', branch }),
  'error of a push': (error) =>
    post(`/boards/${work.boardId}/git/pushes`, { remote: 'o', branch: 'b', ok: false, error }),
  'details of an operation': (details) =>
    post(`/boards/${work.boardId}/git/operations`, { operation: 'x', ok: true, details }),
  'text of a message': (text) =>
    post(`/attempts/${work.attempt.id}/conversation`, { type: 'message', role: 'user', text }),
  'output of a tool': (stdout) =>
    post(`/attempts/${work.attempt.id}/conversation`, { type: 'tool', tool: { name: 'x', status: 'running', stdout } }),
  'text of a todo': (text) =>
    ask(server, 'PUT', `/attempts/${work.attempt.id}/todos`, { json: { items: [{ text, status: 'open' }] } }),
  'worktree of an attempt': (worktreePath) =>
    post(`/attempts/${work.attempt.id}/session`, { sessionId: newName(), worktreePath }),
  'title of a pull request': (title) =>
    post(`/attempts/${work.attempt.id}/pr`, {
      number: 1,
      url: 'https://example.com',
      state: 'open',
      draft: false,
      title,
    }),
  'name of a task': (name) => post('/tasks', { name }),
  'content of mail': (content) => post('/messages', { from_agent: 'a', to_agent: 'b', content }),
  'content of mail, as JSON': (text) => post('/messages', { from_agent: 'a', to_agent: 'b', content: { text } }),
  'command of a shell': (command) => post('/shells', { id: newName(), command }),
}

describe.each(Object.entries(FIELDS))('the %s', (_, send) => {
  it('[S8] [T13] is returned unchanged, or refused with a sentence', async () => {
    await using listener = await listen(server.url, '/sse?channels=global')
    for (const [kind, text] of Object.entries({ ...WELL_FORMED, ...ILL_FORMED })) {
      const reply = await send(text)
      if (kind in ILL_FORMED && reply.status === 422) {
        expectProblem(reply, 422, 'validation_failed')
        expect(reply.body.detail).toContain('must be well-formed Unicode, but holds a lone surrogate')
        continue
      }
      expect(Math.floor(reply.status / 100), `${kind}: ${reply.text.slice(0, 300)}`).toBe(2)
      await listener.id(reply.headers.get('Event-Id') ?? '')
      expect(stringsIn(listener.frames), kind).toContain(text)
    }
    expectNoForgery(listener)
  })
})

describe('names', () => {
  const BAD = [
    'a\nb',
    'a\r',
    '\u0000',
    'a\r\nevent: x\r\ndata: {}\r\n\r\n',
    ' ',
    'ü',
    '🙂',
    '\ud83d',
    'a b',
    'a,b',
    'a/b',
    '',
  ]
  const NAMES: Record<string, (name: string) => Promise<Reply>> = {
    'of an agent': (id) => post('/agents', { id }),
    'of an agent that an attempt names': (agent) => post(`/cards/${work.card.id}/attempts`, { agent }),
    'of an agent that a card names': (assignedAgentId) =>
      post(`/boards/${work.boardId}/cards`, { title: 'x', assignedAgentId }),
    'of an agent that a profile names': (agent) => post('/agent-profiles', { agent, name: 'x' }),
    'of a board': (id) => post('/boards', { id, name: 'x' }),
    'of a session': (id) => post('/sessions', { id }),
    'of a session of an attempt': (sessionId) => post(`/attempts/${work.attempt.id}/session`, { sessionId }),
    'of a shell': (id) => post('/shells', { id }),
    'of an event': (event) => post('/topics/t/events', { event }),
    'of a sender': (from_agent) => post('/messages', { from_agent, content: 'x' }),
    'of an addressee': (to_agent) => post('/messages', { from_agent: 'a', to_agent, content: 'x' }),
    'of the topic of mail': (topic) => post('/messages', { from_agent: 'a', topic, content: 'x' }),
    'of a topic, in the path': (name) => post(`/topics/${inPath(name)}/events`, { event: 'x' }),
    'of an agent, in the path of its output': (id) => post(`/agents/${inPath(id)}/output`, { content: 'x' }),
    'of an agent, in the path of its heartbeat': (id) => ask(server, 'POST', `/agents/${inPath(id)}/heartbeat`),
  }

  it.each(Object.entries(NAMES))('[S8] [T14] %s are refused when an event cannot carry them', async (_, send) => {
    for (const name of BAD) {
      const reply = await withoutEvents(server, () => send(name))
      expect([400, 404, 422], JSON.stringify(name)).toContain(reply.status)
      expectProblem(reply, reply.status, reply.body.code)
    }
  })

  it('[S8] [T14] of requested channels and agents are refused likewise', async () => {
    for (const name of BAD) {
      // Whitespace around a name in a list is dropped, so the text is put inside it.
      for (const path of [`//sse?channels=topic:a${inPath(name)}z`, `//events/${inPath(name)}`]) {
        if (name === '' && path.startsWith('//sse')) continue
        const reply = await ask(server, 'GET', path)
        expect([400, 404], path).toContain(reply.status)
        expectProblem(reply, reply.status, reply.body.code)
      }
    }
  })

  it('[S8] a board with such a name does not exist', async () => {
    await makeBoard(server)
    for (const name of BAD.slice(0, -1)) {
      expectProblem(await ask(server, 'GET', `//sse?boardId=${inPath(name)}`), 404, 'board_not_found')
    }
  })
})

function post(path: string, json: unknown): Promise<Reply> {
  return ask(server, 'POST', path, { json })
}

let names = 0

function newName(): string {
  return `hostile-${++names}`
}

/** encodeURIComponent refuses a lone surrogate, so its bytes are written as they would be. */
function inPath(name: string): string {
  return name.isWellFormed() ? encodeURIComponent(name) : '%ED%A0%BD'
}

/** A short form of a long text, for readable failures. */
function nameable(text: string): string {
  return `${text.length} ${JSON.stringify(text.slice(0, 80))}`
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}
