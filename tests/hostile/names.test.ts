/** Line ends and other control characters in everything that could reach a header or a frame. Rule HA30 of docs/security.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawRequest } from '../support/raw-request.ts'
import { RawSocket } from '../support/raw-socket.ts'
import type { TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'
import { actingAs, bearer, startServerWithRights, tokenFor } from '../support/tokens.ts'

const LISTED = 'https://app.example'
const INJECTED = 'X-Injected: 1'
const TEXTS = [
  `a\r\n${INJECTED}\r\n\r\nevent: injected\r\ndata: {}\r\n\r\n`,
  `a\n${INJECTED}\n\nevent: injected\ndata: {}\n\n`,
  `a\revent: injected\rdata: {}\r\r`,
  'a\u0000b',
  'a\u2028event: injected\u2029data: {}\u0085',
]

let server: TestServer
let token: string
beforeAll(async () => {
  token = await tokenFor(['*'])
  server = await startServerWithRights({ corsOrigins: [LISTED], rateMutations: Infinity })
  await actingAs(server, token).post('/boards', { id: 'demo', name: 'Demo' })
})
afterAll(() => server[Symbol.asyncDispose]())

const inAddress = (text: string) => encodeURIComponent(text)

describe.each(TEXTS)('%j', (text) => {
  const encoded = inAddress(text)

  it.each([
    `/api/v1/boards/${encoded}`,
    `/api/v1/cards/${encoded}`,
    `/api/v1/agents/${encoded}/output`,
    `/api/v1/events?channels=topic:${encoded}`,
    `/api/v1/events?channels=global&after=${encoded}&types=${encoded}`,
    `/sse?boardId=${encoded}`,
    `/sse?channels=${encoded}`,
    `/sse?channels=topic:t&since=${encoded}&types=${encoded}&names=${encoded}&timeout=1`,
    `/sse?channels=topic:t&limit=${encoded}`,
    `/events/${encoded}`,
    `/ws?agent_id=${encoded}`,
    `/${encoded}?ticket=${encoded}`,
    `/assets/${encoded}`,
    `/?board=${encoded}&${encoded}=${encoded}&ticket=x`,
  ])('[HA30] in the address adds no header and no frame: %s', async (target) => {
    const headers = { Host: 'localhost', Origin: LISTED, ...bearer(token) }
    const reply = await rawRequest(server.port, { target, headers }, (answer) =>
      /"?heartbeat|event: hello|426/.test(answer),
    )
    expect(reply.status).toBeGreaterThan(0)
    expect(reply.status).toBeLessThan(500)
    expect(reply.head).not.toMatch(/^x-injected/im)
    expect(reply.body).not.toMatch(/^event: injected/m)
  })

  it('[HA30] in a header that is repeated adds none', async () => {
    for (const name of [
      'X-Request-Id',
      'Origin',
      'Access-Control-Request-Headers',
      'Last-Event-ID',
      'X-Forwarded-Prefix',
    ]) {
      const asksFirst = name === 'Access-Control-Request-Headers'
      const headers = {
        Host: 'localhost',
        ...bearer(token),
        ...(asksFirst && { Origin: LISTED, 'Access-Control-Request-Method': 'POST' }),
        [name]: text,
      }
      const request = { method: asksFirst ? 'OPTIONS' : 'GET', target: '/api/v1/cursor', headers }
      const reply = await rawRequest(server.port, request, (answer) => answer.includes('}'))
      expect(reply.head).not.toMatch(/^x-injected/im)
      // Only what could be the name of a header.
      if (asksFirst) expect(reply.header('Access-Control-Allow-Headers') ?? '').toMatch(/^[\w-]*(, ?[\w-]+)*$/)
      expect([name, reply.status < 500]).toEqual([name, true])
    }
  })

  it('[HA30] in names is refused, and in texts it stays inside its line', async () => {
    await using stream = await listen(server.url, '/sse?channels=board:demo,topic:t,global', { headers: bearer(token) })
    const one = actingAs(server, token)
    const refused = [
      await one.call('POST', '/topics/t/events', { event: text }),
      await one.call('POST', `/topics/${encoded}/events`, { event: 'said' }),
      await one.call('POST', '/agents', { id: text }),
      await one.call('POST', '/sessions', { id: text }),
      await one.call('POST', '/boards', { id: text, name: 'x' }),
      await one.call('POST', '/tickets', { channels: [text] }),
    ]
    for (const { status } of refused) expect([400, 403, 404, 422]).toContain(status)
    const { eventId } = await one.call('POST', '/topics/t/events', { event: 'said', data: { [text]: text } })
    const frame = await stream.id(eventId)
    expect(frame.data.data).toEqual({ [text]: text })
    expect(stream.frames.some(({ event }) => event === 'injected')).toBe(false)
    // Some readers take these for the ends of lines, too.
    expect(stream.body).not.toMatch(/[\u0085\u2028\u2029]/)
  })

  it('[HA30] in messages of a socket stays inside its message', async () => {
    await using socket = await RawSocket.open(server.url, `/ws?token=${token}&global=0`)
    socket.send({ type: text, id: 1 })
    socket.send({ type: 'subscribe', channel: text, id: 2 })
    socket.send({ type: 'publish', channel: 'topic:t', event: text, data: text, id: 3 })
    const answers = () => socket.messages.filter(({ id }) => typeof id === 'number')
    await socket.until('three answers', () => answers().length === 3)
    expect(answers().map(({ success }) => success)).toEqual([false, false, false])
  })
})
