/** Streams that are refused before they begin. Rules X1 to X10. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBoard, stats } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await makeBoard(server, 'demo')
})
afterAll(() => server[Symbol.asyncDispose]())

async function refused(path: string, method = 'GET') {
  const response = await fetch(server.url + path, { method, headers: { Accept: 'text/event-stream' } })
  expect(response.headers.get('Content-Type')).toBe('application/problem+json')
  expect(response.headers.get('X-Request-Id')).toMatch(/^[\w.:-]{1,128}$/)
  return { status: response.status, text: await response.text() }
}

const list = (length: number) => Array.from({ length }, (_, n) => `agent:a${n}`).join(',')

describe('a refusal', () => {
  it.each([
    ['[X2]', '/sse?boardId=', 'bad_request', 'boardId is empty'],
    ['[X2]', '/sse?boardId', 'bad_request', 'boardId is empty'],
    ['[X2]', '/sse?projectId=', 'bad_request', 'projectId is empty'],
    ['[X2]', '/sse?channels=', 'bad_request', 'channels must be'],
    ['[X2]', '/sse?channels=agent:a,,agent:b', 'bad_request', 'channels must be'],
    ['[X3]', '/sse?boardId=demo&channels=agent:a', 'bad_request', 'not both'],
    ['[X3]', '/sse?projectId=demo&channels=agent:a', 'bad_request', 'not both'],
    ['[X4]', '/sse?boardId=demo&view=half', 'bad_request', 'view must be full or diff'],
    ['[X5]', '/sse?channels=agent:a,nonsense', 'invalid_channel', '"nonsense" is not a channel'],
    ['[X5]', '/sse?channels=board%20demo', 'invalid_channel', '"board demo" is not a channel'],
    ['[X5]', '/sse?channels=board:a/b', 'invalid_channel', 'is not a channel'],
    ['[X5]', '/sse?channels=project:demo;full', 'invalid_channel', 'is not a channel'],
    ['[X5]', `/sse?channels=topic:${'x'.repeat(251)}`, 'invalid_channel', 'is not a channel'],
    ['[X5]', '/events/a%20b', 'invalid_channel', '"a b" cannot be the id of an agent'],
    ['[X6]', `/sse?channels=${list(101)}`, 'bad_request', 'at most 100 channels, not 101'],
    ['[X7]', '/sse?boardId=demo&limit=0', 'bad_request', 'limit must be'],
    ['[X7]', '/sse?limit=many', 'bad_request', 'limit must be'],
    ['[X7]', '/events/a?timeout=-1', 'bad_request', 'timeout must be'],
  ])('%s of %s is 400 %s', async (_rule, path, code, says) => {
    for (const prefix of path.startsWith('/sse') ? ['', '/api/v1'] : ['']) {
      const { status, text } = await refused(prefix + path)
      expect(status).toBe(400)
      const title = code === 'invalid_channel' ? 'Invalid channel' : 'Bad request'
      const detail = expect.stringContaining(says)
      expect(JSON.parse(text)).toEqual({ type: 'about:blank', title, status: 400, detail, code, error: title })
    }
  })

  it.each([
    '/sse?boardId=none',
    '/sse?projectId=none',
    '/api/v1/sse?boardId=none',
    '/sse?channels=board:none',
    '/sse?channels=agent:a,project:none',
    '/sse?boardId=no%20board%20is%20called%20so',
  ])('[X1] [X8] of %s is 404, literally', async (path) => {
    const { status, text } = await refused(path)
    const id = path.includes('called') ? 'no board is called so' : 'none'
    expect(status).toBe(404)
    expect(text).toBe(
      `{"type":"about:blank","title":"Board not found","status":404,"detail":"There is no board \\"${id}\\". ` +
        'GET /api/v1/boards lists the boards, POST /api/v1/boards creates one.","code":"board_not_found","error":"Board not found"}',
    )
  })

  it('[X9] reports faults of the request before it checks what exists', async () => {
    expect((await refused('/sse?boardId=none&view=half')).status).toBe(400)
    expect((await refused('/sse?channels=board:none,nonsense')).status).toBe(400)
    expect((await refused('/sse?boardId=none&limit=0')).status).toBe(400)
  })

  it('[X9] of HEAD equals that of GET without a body', async () => {
    expect(await refused('/sse?boardId=none', 'HEAD')).toEqual({ status: 404, text: '' })
    expect(await refused('/sse?boardId=', 'HEAD')).toEqual({ status: 400, text: '' })
  })

  it('[X1] [X8] leaves the connection usable and no listener behind', async () => {
    await using listener = new Listener(server.url, '/sse?boardId=none')
    await listener.until('the refusal', () => listener.body.endsWith('}'))
    expect(listener.status).toBe(404)
    listener.socket.write('GET /sse?boardId= HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await listener.until('the next', () => listener.body.includes('HTTP/1.1 400 Bad Request'))
    const { channelStats } = await stats(server)
    expect(channelStats).not.toHaveProperty('board:none')
  })

  it('[X10] does not apply to a stream that is requested behind an unanswered request: it waits', async () => {
    const socket = connect(server.port)
    const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    let text = ''
    const answered = new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        if (text.includes('event: dashboard_overview')) resolve()
      })
      socket.on('close', () => reject(new Error(`closed after ${text}`)))
    })
    socket.write(ask('/api/v1/boards') + ask('/sse'))
    await answered
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200'])
    socket.destroy()
  })
})

describe('no refusal', () => {
  it('[X6] of 100 channels', async () => {
    await using listener = await listen(server.url, `/sse?channels=${list(100)},agents/a7`)
    expect(listener.status).toBe(200)
  })

  it('[X8] of channels whose resource does not exist yet', async () => {
    const channels = 'issue:x,attempt:x,agent:x,session:x,workflow:run:x,shell:terminal:x,topic:x,metrics,global'
    await using listener = await listen(server.url, `/sse?channels=${channels}`)
    expect(listener.frames[0]?.event).toBe('hello')
    await using output = await listen(server.url, '/events/nobody')
    expect(output.status).toBe(200)
  })
})
