/** A real server asked with each documented query parameter of streams and sockets, inside and outside of its bounds. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { compiler, openApi, operations } from './documents.ts'

const document = openApi('3.2')
const compile = compiler(document)
const connections = operations(document).filter(({ tags }) => tags[0] === 'Streams' || tags[0] === 'Sockets')

const NUMBERS = ['1', '10', '0.5', '1.5', '0', '-1', '9007199254740993', '1e400', 'ten', '', ' ']
const IDS = ['claude-1', 'a'.repeat(200), 'a'.repeat(201), 'a b', '..', 'ü']
const CURSORS = ['5f3a9c1e-42', '00000000-0', 'now', 'earliest', '42', 'x']
/** Inside and outside of the bounds. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  boardId: ['demo', ''],
  projectId: ['demo', ''],
  view: ['full', 'diff', 'half', 'FULL', ''],
  channels: ['global', 'board:demo,agent:claude-1', ''],
  names: ['0', '1'],
  types: ['card_*', 'hello,state', ''],
  limit: NUMBERS,
  timeout: NUMBERS,
  lastEventId: CURSORS,
  last_event_id: CURSORS,
  since: CURSORS,
  global: ['0', '1', 'false', 'true'],
  more: ['0', '1'],
  agent_id: IDS,
  session_id: IDS,
}
/** What is no cursor gets `gap`. */
const NEVER_REFUSED = new Set(['lastEventId', 'last_event_id', 'since'])

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  await server.post('/boards', { id: 'demo', name: 'Demo' })
})
afterAll(() => server[Symbol.asyncDispose]())

async function statusOf(path: string, query: string, isSocket: boolean): Promise<number> {
  const address = `${path.replace('{agentId}', 'claude-1')}?${query}`
  if (!isSocket) return (await fetch(server.url + address, { method: 'HEAD' })).status
  await using socket = await SocketClient.open(server.url, address)
  return socket.refused ?? 101
}

describe.each(connections)('$path', ({ path, parameters = [], tags }) => {
  const isSocket = tags[0] === 'Sockets'
  const inQuery = parameters.filter(({ in: place }) => place === 'query')

  it.each(inQuery)(
    '[CON1a] takes $name inside of the documented bounds, and refuses what is outside',
    async ({ name, schema }) => {
      const valid = compile(schema)
      const isNumber = schema.type === 'integer' || schema.type === 'number'
      const verdicts = (VALUES[name] ?? []).map((text) => {
        const value = isNumber && text.trim() !== '' ? Number(text) : text
        return [text, NEVER_REFUSED.has(name) || (valid(value) && (!isNumber || Number.isFinite(value)))] as const
      })
      expect(verdicts.length, `values of ${name}`).toBeGreaterThan(1)
      for (const [text, isTaken] of verdicts) {
        const status = await statusOf(path, `${name}=${encodeURIComponent(text)}`, isSocket)
        expect(status, `${name}=${text}`).toBe(isTaken ? (isSocket ? 101 : 200) : 400)
      }
    },
  )
})
