/** The header that names the node, on replies of every kind. Rule N13a. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import { rawRequest } from '../support/raw-request.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ node: 'node-7', hasSocketIo: true, corsOrigins: ['https://app.example'] })
  await server.post('/boards', { id: 'demo', name: 'Demo' })
})
afterAll(() => server[Symbol.asyncDispose]())

const HOST = { Host: 'localhost' }
const HANDSHAKE = {
  ...HOST,
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
const hasHead = (answer: string) => answer.includes('\r\n\r\n')

describe('Boardcast-Node', () => {
  it.each([
    ['JSON', 200, { target: '/api/v1/boards', headers: HOST }],
    ['HEAD', 200, { method: 'HEAD', target: '/api/v1/boards', headers: HOST }],
    ['health', 200, { target: '/health', headers: HOST }],
    ['metrics', 200, { target: '/metrics', headers: HOST }],
    ['a page or its absence', expect.any(Number), { target: '/', headers: HOST }],
    ['a file of the page', expect.any(Number), { target: '/openapi.json', headers: HOST }],
    ['a problem', 404, { target: '/api/v1/boards/none', headers: HOST }],
    ['a body that is not JSON', 415, { method: 'POST', target: '/api/v1/boards', headers: HOST, body: '{' }],
    [
      'a preflight',
      204,
      {
        method: 'OPTIONS',
        target: '/api/v1/boards',
        headers: { ...HOST, Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' },
      },
    ],
    ['a foreign host', 403, { target: '/health', headers: { Host: 'evil.example' } }],
    ['an unreadable address', 400, { target: 'http://[', headers: HOST }],
    ['a request that is not HTTP', 400, { method: 'G ET', target: '/', headers: HOST }],
    ['a stream', 200, { target: '/sse?boardId=demo', headers: HOST }],
    ['the head of a stream', 200, { method: 'HEAD', target: '/sse?boardId=demo', headers: HOST }],
    ['a stream that is refused', 404, { target: '/sse?boardId=none', headers: HOST }],
    ['no upgrade', 426, { target: '/ws', headers: HOST }],
    ['Socket.IO by polling', 200, { target: '/socket.io/?EIO=4&transport=polling', headers: HOST }],
  ])('[N13a] is on %s', async (_what, status, request) => {
    const reply = await rawRequest(server.port, request, hasHead)
    expect([reply.status, reply.header('Boardcast-Node')]).toEqual([status, 'node-7'])
  })

  it.each([
    ['the 101 of a socket', 101, '/ws', {}],
    ['the 101 of Socket.IO', 101, '/socket.io/?EIO=4&transport=websocket', {}],
    ['an upgrade elsewhere', 404, '/nowhere', {}],
    ['another version', 426, '/ws', { 'Sec-WebSocket-Version': '8' }],
    ['a handshake without a key', 400, '/ws', { 'Sec-WebSocket-Key': '?' }],
  ])('[N13a] is on %s', async (_what, status, target, headers) => {
    const reply = await upgrade(target, { ...HANDSHAKE, ...headers })
    expect([reply.status, reply.header('Boardcast-Node')]).toEqual([status, 'node-7'])
  })

  it('[N13a] the name can be set; by default it begins with the name of the host', () => {
    expect(loadConfig({ BOARDCAST_NODE: 'a.b_c-1' }).node).toBe('a.b_c-1')
    expect(loadConfig({}).node).toMatch(/^[\w.-]+-[0-9a-f]{6}$/)
    expect(loadConfig({}).node).not.toBe(loadConfig({}).node)
    for (const name of ['a b', 'ä', 'x'.repeat(65), 'a/b']) {
      expect(() => loadConfig({ BOARDCAST_NODE: name })).toThrow('BOARDCAST_NODE must be 1 to 64')
    }
  })
})

/** `rawRequest` sets `Connection` itself. */
function upgrade(target: string, headers: Record<string, string>) {
  return rawRequest(server.port, { target, headers, connection: 'Upgrade' }, hasHead)
}
