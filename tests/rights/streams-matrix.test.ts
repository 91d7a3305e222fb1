/**
 * Every kind of channel with every kind of credential, over every transport. A new kind of channel without a row does not
 * compile.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChannelKind } from '../../shared/src/channels.ts'
import { CREDENTIALS, type Credential, headersOf, READERS, tokenOf, UNAUTHENTICATED } from '../support/credentials.ts'
import type { TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { SocketIoClient } from '../support/socketio.ts'
import { actingAs, startServerWithRights, tokenFor } from '../support/tokens.ts'

/** A channel of each kind: one whose thing exists, and one whose does not, for kinds where that makes a difference. */
const CHANNELS: Readonly<Record<ChannelKind, { readonly known: string; readonly unknown?: string }>> = {
  board: { known: 'board:demo', unknown: 'board:nowhere' },
  project: { known: 'project:demo', unknown: 'project:nowhere' },
  issue: { known: 'issue:crd_1' },
  attempt: { known: 'attempt:att_1' },
  agent: { known: 'agent:coder' },
  session: { known: 'session:s1' },
  workflow: { known: 'workflow:run:r1' },
  shell: { known: 'shell:terminal:t1' },
  topic: { known: 'topic:news' },
  dashboard: { known: 'dashboard' },
  metrics: { known: 'metrics' },
  global: { known: 'global' },
}

/** Other addresses that open a stream or a socket of one channel. */
const OTHER_ADDRESSES: ReadonlyArray<readonly [channel: string, stream: string, socket: string | null]> = [
  ['board:demo', '/sse?boardId=demo', '/ws?boardId=demo'],
  ['board:demo', '/api/v1/sse?projectId=demo&view=diff', '/api/v1/ws?projectId=demo'],
  ['board:demo', '/sse?channels=board:demo;full&since=earliest', '/ws?channels=board:demo&global=0&since=now'],
  ['dashboard', '/sse', '/ws/dashboard'],
  ['agent:coder', '/events/coder', null],
  ['agent:coder', '/sse?channels=agents/coder', null],
  ['global', '/sse?channels=*', null],
]

let server: TestServer

beforeAll(async () => {
  server = await startServerWithRights({ maxStreams: 10_000, hasSocketIo: true })
  await actingAs(server, await tokenFor(['*'])).post('/boards', { id: 'demo', name: 'Demo' })
})
afterAll(() => server[Symbol.asyncDispose]())

/** The status of a stream, and the code of a refusal. The body of a refusal is kept, without what differs each time. */
async function opened(path: string, headers: Record<string, string>, method = 'GET') {
  const stop = new AbortController()
  const response = await fetch(`${server.url}${path}`, { method, headers, signal: stop.signal })
  const isStream = response.headers.get('Content-Type')?.startsWith('text/event-stream')
  const text = isStream || method === 'HEAD' ? '' : await response.text()
  stop.abort()
  return { status: response.status, text, code: text === '' ? undefined : (JSON.parse(text) as { code: string }).code }
}

function expectedOf(credential: Credential): readonly [status: number, code: string | undefined] {
  const refused = UNAUTHENTICATED[credential]
  if (refused) return [401, refused]
  return READERS.includes(credential) ? [200, undefined] : [403, 'forbidden']
}

async function statusOfUpgrade(path: string, headers: Record<string, string>): Promise<number> {
  await using client = new SocketClient(server.url, path, { headers })
  await client.until(() => client.websocket.readyState === 1 || client.refused !== null)
  return client.refused ?? 101
}

const kinds = Object.entries(CHANNELS)

describe.each(kinds)('%s', (_kind, { known, unknown }) => {
  test('[RS1] over Server-Sent Events', async () => {
    for (const credential of CREDENTIALS) {
      const headers = await headersOf(credential, [known])
      const [status, code] = expectedOf(credential)
      const path = `/sse?channels=${known}`
      expect([credential, await opened(path, headers)]).toMatchObject([credential, { status, code }])
      expect([credential, (await opened(path, headers, 'HEAD')).status]).toEqual([credential, status])
      expect([credential, await opened(`${path}&lastEventId=00000000-1`, headers)]).toMatchObject([
        credential,
        { status, code },
      ])
    }
  })

  test('[RS1] [RS9] over a WebSocket, when it opens and in a plain GET', async () => {
    for (const credential of CREDENTIALS) {
      const headers = await headersOf(credential, [known])
      const [status, code] = expectedOf(credential)
      const path = `/ws?channels=${known}&global=0`
      expect([credential, await statusOfUpgrade(path, headers)]).toEqual([credential, status === 200 ? 101 : status])
      const plain = status === 200 ? { status: 426, code: 'upgrade_required' } : { status, code }
      expect([credential, await opened(path, headers)]).toMatchObject([credential, plain])
    }
  })

  test('[RS5] over a WebSocket, when it is joined, also with `since`', async () => {
    for (const credential of CREDENTIALS.filter((one) => !UNAUTHENTICATED[one])) {
      await using client = await SocketClient.open(server.url, '/ws', { headers: await headersOf(credential, [known]) })
      for (const since of [undefined, 'earliest', '00000000-1']) {
        const answer = await client.ask({ type: 'subscribe', channel: known, ...(since && { since }) })
        const expected = READERS.includes(credential)
          ? { success: true, channel: known }
          : { success: false, code: 'FORBIDDEN', error: 'Forbidden' }
        expect([credential, answer]).toMatchObject([credential, expected])
      }
    }
  })

  const WITHOUT_TOKEN = expect.stringContaining('"auth: { token }"')

  test('[RS10] over Socket.IO', async () => {
    for (const credential of CREDENTIALS) {
      const token = await tokenOf(credential, [known])
      await using client = await SocketIoClient.open(server.url, ['websocket'], { auth: token ? { token } : {} })
      if (UNAUTHENTICATED[credential]) {
        expect([credential, client.failures[0]]).toMatchObject([
          credential,
          {
            message: 'Authentication error',
            // What this client can do about it.
            data: { code: UNAUTHENTICATED[credential].toUpperCase(), ...(!token && { message: WITHOUT_TOKEN }) },
          },
        ])
        continue
      }
      for (const asked of [known, { channel: known, since: 'earliest' }]) {
        const expected = READERS.includes(credential)
          ? { success: true, channel: known }
          : { success: false, code: 'FORBIDDEN' }
        expect([credential, await client.ask('subscribe', asked)]).toMatchObject([credential, expected])
      }
    }
  })

  test('[RS1] [RS5] a refusal does not tell whether the thing exists', async () => {
    const names = [known, unknown ?? known]
    const headers = await headersOf('other board', [])
    const texts = await Promise.all(
      names.map(async (name) => (await opened(`/sse?channels=${name}`, headers)).text.replaceAll(name, 'NAME')),
    )
    expect(texts[0]).toContain('"status":403')
    expect(texts[1]).toBe(texts[0])
    await using client = await SocketClient.open(server.url, '/ws', { headers })
    const acks = []
    for (const channel of names) {
      const { id: _, timestamp: __, ...ack } = await client.ask({ type: 'subscribe', channel })
      acks.push(JSON.stringify(ack).replaceAll(channel, 'NAME'))
    }
    expect(acks[0]).toContain('FORBIDDEN')
    expect(acks[1]).toBe(acks[0])
  })
})

test.each(OTHER_ADDRESSES)('[RS1] [RS9] %s at %s and %s', async (channel, stream, socket) => {
  for (const credential of CREDENTIALS) {
    const headers = await headersOf(credential, [channel])
    const [status, code] = expectedOf(credential)
    expect([credential, await opened(stream, headers)]).toMatchObject([credential, { status, code }])
    if (socket === null) continue
    expect([credential, await statusOfUpgrade(socket, headers)]).toEqual([credential, status === 200 ? 101 : status])
    const plain = status === 200 ? 426 : status
    expect([credential, (await opened(socket, headers)).status]).toEqual([credential, plain])
  }
})

test('[RS1] every channel that is named is asked for', async () => {
  const headers = await headersOf('right', ['topic:news', 'agent:coder'])
  const both = `/sse?channels=topic:news,agent:coder`
  expect((await opened(both, headers)).status).toBe(200)
  const { status, text } = await opened(`${both},board:demo`, headers)
  expect([status, text]).toEqual([403, expect.stringContaining('board:demo')])
  // A malformed request is refused for what it is, but only to those who are known.
  expect((await opened('/sse?channels=nonsense', headers)).status).toBe(400)
  expect((await opened('/sse?channels=nonsense', {})).status).toBe(401)
})

test('[RS1] the token may be in the header, in the cookie, or in the query', async () => {
  const token = (await tokenOf('right', ['topic:news'])) ?? ''
  const forms: ReadonlyArray<readonly [string, Record<string, string>]> = [
    ['', { Authorization: `Bearer ${token}` }],
    // As a browser sends it with a request of the server's own page.
    ['', { Cookie: `boardcast_token=${token}`, Origin: server.url }],
    [`&token=${token}`, {}],
  ]
  for (const [query, headers] of forms) {
    expect((await opened(`/sse?channels=topic:news${query}`, headers)).status).toBe(200)
    expect(await statusOfUpgrade(`/ws?channels=topic:news&global=0${query}`, headers)).toBe(101)
    const options = { extraHeaders: headers, query: query === '' ? {} : { token } }
    await using client = await SocketIoClient.open(server.url, ['websocket'], options)
    expect(client.socket.connected).toBe(true)
  }
})

test('[RS1] a ticket opens one stream or socket, and no second one', async () => {
  const holder = actingAs(server, (await tokenOf('right', ['topic:news'])) ?? '')
  for (const open of [
    async (query: string) => (await opened(`/sse?channels=topic:news&${query}`, {})).status,
    async (query: string) => statusOfUpgrade(`/ws?channels=topic:news&${query}`, {}),
    async (query: string) => {
      const ticket = query.slice('ticket='.length)
      await using client = await SocketIoClient.open(server.url, ['websocket'], { query: { ticket } })
      return client.socket.connected ? 200 : client.failures[0]?.message
    },
  ]) {
    const { ticket } = await holder.post<{ ticket: string }>('/tickets', {})
    expect([101, 200]).toContain(await open(`ticket=${ticket}`))
    expect([401, 'Authentication error']).toContain(await open(`ticket=${ticket}`))
  }
})

test('[RS4] the implied `global` is left out without the right to it, and an explicit one is refused', async () => {
  for (const [credential, has] of [
    [['topic:news'], false],
    [['topic:news', 'global'], true],
  ] as const) {
    await using client = await SocketClient.open(server.url, '/ws?channels=topic:news', {
      headers: await headersOf('right', credential),
    })
    await client.first('hello', ({ event }) => event === 'hello')
    const { eventId } = await actingAs(server, await tokenFor(['*'])).post('/boards', { name: 'Another' })
    const { eventId: last } = await actingAs(server, await tokenFor(['*'])).post('/topics/news/events', { event: 'x' })
    await client.first('the last event', ({ id, channel }) => id === last && channel === 'topic:news')
    expect(client.messages.some(({ id }) => id === eventId)).toBe(has)
  }
  const headers = await headersOf('right', ['topic:news'])
  expect(await statusOfUpgrade('/ws?channels=topic:news,global', headers)).toBe(403)
  await using client = await SocketClient.open(server.url, '/ws', { headers })
  expect(await client.ask({ type: 'subscribe', channel: '*' })).toMatchObject({ success: false, code: 'FORBIDDEN' })
})
