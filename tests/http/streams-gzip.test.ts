/** Compressed streams. Rules Z1 to Z4. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendLines, deleteBoard, makeBoard, makeCard, makeWork } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const GZIP = { headers: { 'Accept-Encoding': 'gzip' } }
const run = promisify(execFile)
/** hello differs from connection to connection. */
const withoutHello = (body: string) => body.slice(body.indexOf('\n\n') + 2)

describe('gzip', () => {
  it.each([
    ['gzip', true],
    ['gzip, deflate, br', true],
    ['br;q=1.0, gzip;q=0.2', true],
    ['*', true],
    ['GZIP', true],
    ['', false],
    ['identity', false],
    ['br', false],
    ['gzip;q=0', false],
    ['gzip;q=0, *', false],
    ['*;q=0', false],
  ])('[Z1] Accept-Encoding %j: %s', async (header, isCompressed) => {
    await using listener = await listen(server.url, '/sse', { headers: { 'Accept-Encoding': header } })
    expect(listener.header('Content-Encoding')).toBe(isCompressed ? 'gzip' : undefined)
  })

  it('[Z1] is not used without Accept-Encoding', async () => {
    await using listener = await listen(server.url, '/sse')
    expect(listener.header('Content-Encoding')).toBeUndefined()
  })

  it('[Z2] every event can be decoded as soon as its bytes have arrived', async () => {
    const board = await makeBoard(server)
    await using listener = await listen(server.url, `/sse?boardId=${board.id}&view=diff`, GZIP)
    for (let n = 0; n < 30; n++) {
      // Short ones are stored, long ones compressed; no later bytes push them out.
      const { eventId } = await makeCard(server, board.id, { title: `${n}`, description: 'x'.repeat(n * 100) })
      await listener.id(eventId)
    }
  })

  it("[Z1] [Z2] Node's fetch requests it, and decodes every event as it comes", async () => {
    const board = await makeBoard(server)
    const response = await fetch(`${server.url}/sse?boardId=${board.id}&view=diff`)
    expect(response.headers.get('Content-Encoding')).toBe('gzip')
    const reader = (response.body ?? expect.fail('no body')).pipeThrough(new TextDecoderStream()).getReader()
    let heard = ''
    for (let n = 0; n < 30; n++) {
      const { eventId } = await makeCard(server, board.id, { title: `${n}`, description: 'x'.repeat(n * 100) })
      while (!heard.includes(`id: ${eventId}\n`)) heard += (await reader.read()).value
    }
    await reader.cancel()
  })

  it('[Z3] shared blocks decode to the same text for early and late listeners', async () => {
    const { boardId, attempt } = await makeWork(server)
    const path = `/sse?boardId=${boardId}&view=diff`
    const plain = await listen(server.url, path)
    const listeners: Listener[] = []
    for (let n = 0; n < 12; n++) {
      listeners.push(await listen(server.url, path, GZIP))
      await appendLines(server, attempt.id, Array(n * 3 + 1).fill(`line ${n} ${'é'.repeat(n * 20)}`))
    }
    await deleteBoard(server, boardId)
    await Promise.all([plain, ...listeners].map((listener) => listener.untilClosed()))
    const [first, ...late] = listeners
    expect(withoutHello(first?.body ?? '')).toBe(withoutHello(plain.body))
    for (const [index, listener] of listeners.entries()) {
      const body = gunzipSync(Buffer.concat(listener.encoded)).toString()
      expect(body).toBe(listener.body)
      expect(listener.ended).toBe(true)
      expect(listener.surplusBytes).toBe(0)
      if (index > 0) expect(first?.body.endsWith(withoutOpening(listener))).toBe(true)
    }
    expect(late).toHaveLength(11)
    expect(first?.bytes).toBeLessThan(plain.bytes / 2)
  })

  /** The live events: after the replayed status. */
  function withoutOpening({ body }: Listener): string {
    return body.slice(body.indexOf('\n\n', body.indexOf('"replayed":true')) + 2)
  }

  it.each(['1.0', '1.1'] as const)(
    '[Z3] [E7] for HTTP/%s is a whole gzip member with its trailer',
    async (httpVersion) => {
      const { boardId, attempt } = await makeWork(server)
      for (const limit of [1, 5]) {
        await using listener = await listen(server.url, `/sse?boardId=${boardId}&view=diff&limit=${limit}`, {
          ...GZIP,
          httpVersion,
        })
        await appendLines(server, attempt.id, ['a', 'b', 'c', 'd', 'e', 'f'])
        await listener.untilClosed()
        expect(gunzipSync(Buffer.concat(listener.encoded)).toString()).toBe(listener.body)
        expect(listener.named('attempt_log')).toHaveLength(limit)
      }
    },
  )

  it('[Z3] has its trailer also when the stream is drained, and when a timeout ends it', async () => {
    await using own = await startTestServer()
    await using drained = await listen(own.url, '/sse', GZIP)
    await using timed = await listen(own.url, '/sse?timeout=0.05', GZIP)
    await timed.untilClosed()
    await own.close()
    await drained.untilClosed()
    for (const { encoded, body } of [drained, timed]) expect(gunzipSync(Buffer.concat(encoded)).toString()).toBe(body)
    expect(drained.body).toContain('event: draining')
  })

  it('[Z3] a body that is cut off has no trailer, so that the client can tell', async () => {
    await using own = await startTestServer()
    const listener = await listen(own.url, '/sse', GZIP)
    await own[Symbol.asyncDispose]()
    await listener.untilClosed()
    expect(() => gunzipSync(Buffer.concat(listener.encoded))).toThrow('unexpected end of file')
    expect(listener.ended).toBe(false)
  })

  it('[Z3] a replay decodes as well', async () => {
    const { attempt } = await makeWork(server)
    const messages = Array.from({ length: 1_000 }, (_, n) => `${n} ${'z'.repeat(n)}`)
    const { eventId } = await appendLines(server, attempt.id, messages)
    await using listener = await listen(
      server.url,
      `/sse?channels=attempt:${attempt.id}&since=${attempt.eventId}&limit=1000`,
      GZIP,
    )
    await listener.untilClosed()
    expect(listener.lastEventId).toBe(eventId)
    const body = gunzipSync(Buffer.concat(listener.encoded)).toString()
    expect(body).toBe(listener.body)
    expect(listener.named('attempt_log').map(({ data }) => data.data.message)).toEqual(messages)
  })

  it('[Z3] curl --compressed reads it to its end without complaint', async () => {
    const { attempt } = await makeWork(server)
    await appendLines(server, attempt.id, Array(300).fill('a line that compresses well'))
    const url = `${server.url}/sse?channels=attempt:${attempt.id}&since=${attempt.eventId}&limit=300`
    const { stdout } = await run('curl', ['--fail', '--silent', '--show-error', '-N', '--compressed', '-i', url])
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*content-encoding: gzip\r\n[\s\S]*\r\n\r\nretry: /)
    expect(stdout.match(/^event: attempt_log$/gm)).toHaveLength(300)
    const plain = await run('curl', ['--fail', '--silent', '--show-error', '-N', url])
    expect(withoutHello(stdout)).toBe(withoutHello(plain.stdout))
  })
})
