/** Edge cases of addresses, names and the time of a stream. Rules MS14, TP4, T33, SH1, E7, I2. */
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, expectProblem } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

describe('names in addresses', () => {
  it.each(['*', 'a%20b', 'a%0d%0ab', 'a%00', 'x'.repeat(201)])('[MS14] has no mail for %s', async (id) => {
    await server.post('/messages', { from_agent: 'a', content: 'to everyone' })
    expectProblem(await ask(server, 'GET', `/agents/${id}/messages`), 400, 'invalid_channel')
  })

  it.each(['agent.connected', 'agent.disconnected'])('[TP4] %s cannot be posted', async (event) => {
    const refused = await server.call('POST', '/topics/t/events', { event, data: {} })
    expect(refused.status).toBe(422)
  })

  it('[SH1] refuses a shell whose channel would have the name of another', async () => {
    const refused = await server.call('POST', '/shells', { id: 'terminal:x' })
    expect(refused.status).toBe(422)
    expect(refused.body.detail).toContain('terminal:')
  })
})

describe('long requests', () => {
  it('[T33] accepts a hundred channels with the longest names', async () => {
    const channels = Array.from({ length: 100 }, (_, n) => `topic:${String(n).padStart(200, 't')}`)
    await using listener = await listen(server.url, `/sse?channels=${channels.join(',')}`)
    expect(listener.status).toBe(200)
  })

  it('[T33] refuses a request that is too long with a problem body', async () => {
    const answer = await new Promise<{
      status: number | undefined
      type: string | undefined
      id: unknown
      body: string
    }>((resolve, reject) => {
      const asked = request(`${server.url}/sse?channels=${'x'.repeat(70_000)}`, { maxHeaderSize: 1 << 20 }, (reply) => {
        let body = ''
        reply.setEncoding('utf8').on('data', (text: string) => {
          body += text
        })
        reply.on('end', () =>
          resolve({
            status: reply.statusCode,
            type: reply.headers['content-type'],
            id: reply.headers['x-request-id'],
            body,
          }),
        )
      })
      asked.on('error', reject).end()
    })
    expect(answer).toMatchObject({ status: 413, type: 'application/problem+json', id: expect.any(String) })
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'too_large', status: 413 })
  })

  it('[T33] answers bytes that are not HTTP with a problem, too', async () => {
    const socket = connect(server.port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    socket.write('NOT HTTP AT ALL\r\n\r\n')
    await new Promise((resolve) => socket.on('close', resolve))
    expect(text.split('\r\n')[0]).toBe('HTTP/1.1 400 Bad Request')
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject({ code: 'bad_request' })
  })
})

describe('connections', () => {
  it('[X10] serves a stream on a connection that has just served a file', async () => {
    for (let n = 0; n < 30; n++) expect(await fileThenStream()).toEqual(['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK'])
  })

  it('[E7] answers the next request on the connection of a stream that has ended', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      for (let n = 0; n < 20; n++) {
        expect((await overOneConnection(agent, 'GET', '/sse?timeout=0.01')).status).toBe(200)
        const posted = await overOneConnection(agent, 'POST', '/api/v1/boards', JSON.stringify({ name: `Board ${n}` }))
        expect(posted.status).toBe(201)
      }
    } finally {
      agent.destroy()
    }
  })
})

describe('streams', () => {
  it('[E7] sends lines that are waiting to be joined before a drain ends their stream', async () => {
    await using draining = await startTestServer()
    await using listener = await listen(draining.url, '/events/timed')
    await draining.post('/agents/timed/output', { lines: ['acknowledged'] })
    await draining.close()
    await listener.untilClosed()
    expect(listener.named('output_batch').map(({ data }) => data.lines)).toEqual([['acknowledged']])
    expect(listener.ended).toBe(true)
  })

  it('[I2] shows metrics that cover the id they are sent with, however soon after another listener', async () => {
    await using first = await listen(server.url, '/sse?channels=metrics')
    const before = (await first.frame('metric.update')).data.data.pending_tasks
    const { eventId } = await server.post('/tasks', { name: 'counted' })
    await using second = await listen(server.url, '/sse?channels=metrics')
    const update = await second.frame('metric.update')
    expect({ id: update.id, pending: update.data.data.pending_tasks }).toEqual({ id: eventId, pending: before + 1 })
  })
})

function overOneConnection(
  agent: Agent,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const headers = { Accept: 'text/event-stream', ...(body && { 'Content-Type': 'application/json' }) }
    const asked = request(server.url + path, { agent, method, headers }, (reply) => {
      reply.resume().on('end', () => resolve({ status: reply.statusCode }))
    })
    asked.on('error', reject).end(body)
  })
}

/** A client that requests a stream as soon as it has received a whole file; resolves to the status lines of both answers. */
function fileThenStream(): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1')
    const ask = (path: string) => socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n`)
    let text = ''
    let asked = false
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part
      const head = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
      if (!asked && head > 0 && text.length >= head + 4 + length) {
        asked = true
        ask('/sse')
      }
      const lines = text.match(/HTTP\/1\.1 \d+ \w+/g) ?? []
      if (lines.length < 2) return
      socket.destroy()
      resolve(lines)
    })
    socket.on('error', reject)
    ask('/')
  })
}
