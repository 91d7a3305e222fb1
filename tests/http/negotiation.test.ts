/** Content negotiation and ranges. Rules T34 to T36. */
import { connect } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, expectProblem, withoutEvents } from '../support/http.ts'
import { rawRequest } from '../support/raw-request.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const BODY = '{"name":"x"}'

function post(raw: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) {
  return ask(server, 'POST', '/boards', { raw, headers })
}

describe('the coding of a body', () => {
  it.each([
    ['gzip', gzipSync(BODY)],
    ['GZip', gzipSync(BODY)],
    ['br', brotliCompressSync(BODY)],
    ['deflate', deflateSync(BODY)],
    ['identity, gzip', gzipSync(BODY)],
    ['zstd', Buffer.from(BODY)],
    ['none', Buffer.from(BODY)],
  ])('[T34] %s is 415', async (coding, body) => {
    const reply = await withoutEvents(server, () => post(new Uint8Array(body), { 'Content-Encoding': coding }))
    expectProblem(reply, 415, 'unsupported_media_type')
    expect(reply.body.detail).toContain(coding.toLowerCase().replace('identity, ', ''))
  })

  it('[T34] a transfer coding is 415 as well', async () => {
    const reply = await rawRequest(server.port, {
      method: 'POST',
      target: '/api/v1/boards',
      headers: {
        Host: 'localhost',
        'Content-Type': 'application/json',
        'Transfer-Encoding': 'gzip, chunked',
      },
      body: '1\r\n{\r\n0\r\n\r\n',
    })
    expect(reply.status).toBe(415)
    expect(reply.body).toContain('unsupported_media_type')
  })

  it('[T34] identity is accepted, and a coding without a body is ignored', async () => {
    expect((await post(BODY, { 'Content-Encoding': 'identity' })).status).toBe(201)
    const created = await server.post<{ id: string }>('/boards', { name: 'x' })
    const deleted = await ask(server, 'DELETE', `/boards/${created.id}`, { headers: { 'Content-Encoding': 'gzip' } })
    expect(deleted.status).toBe(204)
  })
})

describe('the charset of a body', () => {
  it.each(['iso-8859-1', 'UTF-16', '"windows-1252"', 'us-ascii', 'utf-8x'])('[T34] %s is 415', async (charset) => {
    const type = `application/json; charset=${charset}`
    const reply = await withoutEvents(server, () => post(BODY, { 'Content-Type': type }))
    expectProblem(reply, 415, 'unsupported_media_type')
    expect(reply.body.detail).toContain(charset.replaceAll('"', ''))
  })

  it.each([
    'charset=utf-8',
    'charset="UTF-8"',
    'charset=utf8',
    'Charset = Utf-8',
    'profile=x; charset=utf-8',
    'charset=',
  ])('[T34] %s is UTF-8', async (parameter) => {
    expect((await post(BODY, { 'Content-Type': `application/json; ${parameter}` })).status).toBe(201)
  })
})

describe('a range of a file', () => {
  async function part(range: string, headers: Record<string, string> = {}) {
    const reply = await ask(server, 'GET', '//index.html', { headers: { Range: range, ...headers } })
    return { reply, status: reply.status, range: reply.headers.get('Content-Range') }
  }
  const whole = async () => (await ask(server, 'GET', '//index.html')).text

  it.each([
    ['bytes=0-3', 0, 4],
    ['BYTES=0-3', 0, 4],
    ['bytes=10-', 10, undefined],
    ['bytes=-5', -5, undefined],
    ['bytes=0-999999999', 0, undefined],
  ] as const)('[T35] %s is served', async (range, from, to) => {
    const text = await whole()
    const { reply, status } = await part(range)
    expect([status, reply.text]).toEqual([206, text.slice(from, to)])
  })

  it.each([
    'nonsense',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=abc',
    'bytes=5-2',
    'bytes=1-2-3',
    'bytes=0-1,x',
    'bytes=0x1-2',
    '0-3',
    'bytes=-0',
    'bytes=999999999-',
  ])('[T35] %s is 416, with the length of the file', async (range) => {
    const { reply, range: answered } = await part(range)
    expectProblem(reply, 416, 'range_not_satisfiable')
    expect(answered).toBe(`bytes */${Buffer.byteLength(await whole())}`)
  })

  it.each(['lines=1-2', 'bytes=0-1,4-5'])('[T35] %s is answered with the whole file', async (range) => {
    const { reply, status, range: answered } = await part(range)
    expect([status, answered, reply.text]).toEqual([200, null, await whole()])
  })

  it('[T35] with a condition is answered with the whole file', async () => {
    for (const condition of ['"tag"', new Date().toUTCString(), 'x']) {
      expect((await part('bytes=0-3', { 'If-Range': condition })).status).toBe(200)
    }
  })

  it('[T35] applies only to files, and only to GET', async () => {
    expect((await ask(server, 'GET', '/boards', { headers: { Range: 'bytes=0-3' } })).status).toBe(200)
    expect((await ask(server, 'HEAD', '//index.html', { headers: { Range: 'bytes=x' } })).status).toBe(200)
  })
})

describe('unsupported or ignored headers', () => {
  it('[T36] an answer has the same type, whatever Accept says', async () => {
    for (const accept of ['text/plain', 'application/xml', 'text/html', '*/*;q=0', 'nonsense']) {
      const reply = await ask(server, 'GET', '/boards', { headers: { Accept: accept, 'Accept-Charset': 'latin1' } })
      expect([reply.status, reply.headers.get('Content-Type')]).toEqual([200, 'application/json'])
    }
  })

  it('[T36] an unknown expectation is 417', async () => {
    const headers = { Host: 'localhost', 'Content-Type': 'application/json', Expect: 'wonders' }
    const request = { method: 'POST', target: '/api/v1/boards', headers, body: BODY }
    expect((await rawRequest(server.port, request)).status).toBe(417)
  })

  it.each([
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'],
  ])('[T33] %s without a proxy is 400', async (_, bytes) => {
    const socket = connect(server.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.write(Buffer.from(bytes, 'latin1'))
    await new Promise((resolve) => socket.on('close', resolve))
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('proxy')
  })
})
