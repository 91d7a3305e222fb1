/** Every message of every socket with every kind of credential. A new type of message without a row does not compile. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BoardCommand } from '../../src/ws/board-messages.ts'
import type { channelMessages } from '../../src/ws/channel-messages.ts'
import { CREDENTIALS, type Credential, headersOf, UNAUTHENTICATED } from '../support/credentials.ts'
import type { TestServer } from '../support/server.ts'
import { SocketClient, type SocketMessage } from '../support/socket.ts'
import { actingAs, startServerWithRights, tokenFor } from '../support/tokens.ts'

let server: TestServer
/** The board `demo` has one column, and cards to work with; `other` has another. */
let columnId: string
const everything = async () => actingAs(server, await tokenFor(['*']))

beforeAll(async () => {
  server = await startServerWithRights({ maxStreams: 10_000 })
  const admin = await everything()
  const board = await admin.post<{ columns: Array<{ id: string }> }>('/boards', { id: 'demo', name: 'Demo' })
  columnId = board.columns[0]?.id ?? ''
  await admin.post('/boards', { id: 'other', name: 'Other' })
})
afterAll(() => server[Symbol.asyncDispose]())

async function newCard(board = 'demo'): Promise<string> {
  const { id } = await (await everything()).post<{ id: string }>(`/boards/${board}/cards`, { title: 'A card' })
  return id
}

const BOARD: Readonly<Record<BoardCommand, (cardId: string) => object>> = {
  create_card: () => ({ title: 'From a socket' }),
  update_card: (cardId) => ({ cardId, title: 'Changed' }),
  move_card: (cardId) => ({ cardId, toColumnId: columnId, toIndex: 0 }),
  delete_card: (cardId) => ({ cardId }),
}
const CHANGES_BOARD: readonly Credential[] = ['bound to another agent', 'right']

describe.each(Object.entries(BOARD))('%s', (type, payloadOf) => {
  test('[RS6] needs the right to publish on the board', async () => {
    for (const credential of CREDENTIALS) {
      const headers = await headersOf(credential, ['board:demo'])
      await using client = await SocketClient.open(server.url, '/ws?boardId=demo', { headers })
      if (client.refused !== null) {
        expect([credential, client.refused]).toEqual([credential, UNAUTHENTICATED[credential] ? 401 : 403])
        continue
      }
      const answer = await client.ask({ type, payload: payloadOf(await newCard()) })
      const expected = CHANGES_BOARD.includes(credential)
        ? { success: true }
        : { success: false, code: 'forbidden', error: expect.stringContaining('board:demo') }
      expect([credential, answer]).toMatchObject([credential, expected])
    }
  })

  test('[RS6] does not tell whether a card of another board exists', async () => {
    if (type === 'create_card') return
    await using client = await SocketClient.open(server.url, '/ws?boardId=demo', {
      headers: await headersOf('right', ['board:demo']),
    })
    const answers = []
    for (const cardId of [await newCard('other'), 'crd_of_nobody']) {
      const { id: _, ...answer } = await client.ask({ type, payload: payloadOf(cardId) })
      answers.push(JSON.stringify(answer).replaceAll(cardId, 'CARD'))
    }
    expect(answers[0]).toContain('card_not_found')
    expect(answers[1]).toBe(answers[0])
  })
})

test('[RS6] a command without an id that is refused is answered by an error', async () => {
  await using client = await SocketClient.open(server.url, '/ws?boardId=demo', {
    headers: await headersOf('read only', ['board:demo']),
  })
  client.send({ type: 'create_card', payload: { title: 'From a socket' } })
  expect((await client.first('an error', ({ type }) => type === 'error')).payload).toMatchObject({ code: 'forbidden' })
  // What changes nothing is not refused.
  expect(await client.ask({ type: 'get_state' })).toMatchObject({ success: true })
})

interface Row {
  readonly title: string
  readonly channels: readonly string[]
  readonly message: object
  /** Those that may do it, of the credentials that open a socket at all. */
  readonly may: readonly Credential[]
}

const ALL: readonly Credential[] = CREDENTIALS.filter((credential) => !UNAUTHENTICATED[credential])
const PUBLISHERS: readonly Credential[] = ['write only', 'bound to another agent', 'right']
const publish = (channel: string, event: string, data: unknown) => ({ type: 'publish', channel, event, data })

type ChannelMessage = keyof typeof channelMessages
const CHANNEL: Readonly<Record<ChannelMessage, readonly Row[]>> = {
  subscribe: [
    {
      title: 'a topic',
      channels: ['topic:news'],
      message: { type: 'subscribe', channel: 'topics/news' },
      may: ['read only', 'bound to another agent', 'right'],
    },
  ],
  unsubscribe: [
    {
      title: 'a topic',
      channels: ['topic:news'],
      message: { type: 'unsubscribe', channel: 'topic:news' },
      may: ALL,
    },
  ],
  publish: [
    {
      title: 'a message to an agent',
      channels: ['agent:coder'],
      message: publish('agent:coder', 'message.new', { content: 'hi' }),
      may: PUBLISHERS,
    },
    {
      title: 'a message on a topic',
      channels: ['topic:news'],
      message: publish('topic:news', 'message.new', { content: 'hi' }),
      may: PUBLISHERS,
    },
    {
      title: 'a message to everyone',
      channels: ['global'],
      message: publish('global', 'message.new', { content: 'hi' }),
      may: PUBLISHERS,
    },
    {
      title: 'an event on a topic',
      channels: ['topic:news'],
      message: publish('topic:news', 'deployed', { version: 1 }),
      may: PUBLISHERS,
    },
    {
      title: 'a heartbeat',
      channels: ['agent:coder'],
      message: publish('agent:coder', 'agent.heartbeat', {}),
      may: ['write only', 'right'],
    },
  ],
  auth: [
    {
      title: 'as an agent',
      channels: ['agent:coder'],
      message: { type: 'auth', agent_id: 'coder' },
      may: ['read only', 'right'],
    },
    {
      title: 'as an agent in a session',
      channels: ['agent:coder', 'session:s1'],
      message: { type: 'auth', agent_id: 'coder', session_id: 's1' },
      may: ['read only', 'right'],
    },
  ],
  ping: [],
}

const rows = Object.values(CHANNEL).flat()

test.each(rows)('[RS5] $message.type $title', async ({ channels, message, may }) => {
  for (const credential of ALL) {
    await using client = await SocketClient.open(server.url, '/ws', { headers: await headersOf(credential, channels) })
    const expected = may.includes(credential) ? { success: true } : { success: false, code: 'FORBIDDEN' }
    expect([credential, await client.ask(message)]).toMatchObject([credential, expected])
    if (may.includes(credential)) continue
    client.send(message)
    const error = await client.first('an error', ({ type }) => type === 'error')
    expect(error).toMatchObject({ error: 'Forbidden', code: 'FORBIDDEN', message: expect.any(String) })
  }
})

test('[RS5] a ping needs no right', async () => {
  await using client = await SocketClient.open(server.url, '/ws', { headers: await headersOf('other board', []) })
  client.send({ type: 'ping', timestamp: 7 })
  expect(await client.first('a pong', ({ type }) => type === 'pong')).toMatchObject({ timestamp: 7 })
})

test('[RS5] a refusal comes before anything else that is wrong with what is published', async () => {
  await using client = await SocketClient.open(server.url, '/ws', { headers: await headersOf('read only', ['*']) })
  const codes = []
  for (const channel of ['board:demo', 'board:nowhere', 'topic:news']) {
    codes.push((await client.ask(publish(channel, 'hello', {}))).code)
  }
  expect(codes).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'])
})

describe('a token that is bound to an agent', () => {
  const bound = (more: object = {}) => tokenFor(['*'], ['*'], { agent_id: 'coder', ...more })
  const connect = async (token: string, query = '') =>
    SocketClient.open(server.url, `/ws${query}`, { headers: { Authorization: `Bearer ${token}` } })
  const isPresence = ({ event, data }: SocketMessage) => event === 'agent.connected' && data.agent_id === 'coder'

  test('[RS7] opens no socket for another agent or another session', async () => {
    await using other = await connect(await bound(), '?agent_id=other')
    expect(other.refused).toBe(403)
    const inSession = await bound({ session_id: 's1' })
    await using elsewhere = await connect(inSession, '?agent_id=coder&session_id=s2')
    expect(elsewhere.refused).toBe(403)
    await using own = await connect(inSession, '?agent_id=coder&session_id=s1')
    expect(own.refused).toBe(null)
    expect(await own.ask({ type: 'auth', agent_id: 'other' })).toMatchObject({ success: false, code: 'FORBIDDEN' })
    expect(await own.ask({ type: 'auth', session_id: 's2' })).toMatchObject({ success: false, code: 'FORBIDDEN' })
    expect(await own.ask({ type: 'auth', agent_id: 'coder', session_id: 's1' })).toMatchObject({ success: true })
  })

  test('[RS7] is the sender of what its sockets publish, named or not', async () => {
    for (const query of ['', '?agent_id=coder']) {
      await using client = await connect(await bound(), query)
      const data = { content: 'hi', from_agent: 'other' }
      const { eventId } = await client.ask(publish('topic:news', 'message.new', data))
      const message = await client.first('the message', ({ id, event }) => id === eventId && event === 'message.new')
      expect(message.data.from_agent).toBe('coder')
    }
  })

  test('[RS7] sends heartbeats of that agent only', async () => {
    await using client = await connect(await bound())
    expect(await client.ask(publish('agent:other', 'agent.heartbeat', {}))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await client.ask(publish('agent:coder', 'agent.heartbeat', {}))).toMatchObject({ success: true })
    expect(await client.ask(publish('global', 'agent.heartbeat', {}))).toMatchObject({ success: true })
  })

  test('[RS8] announces its agent with `agent_id`, which a token that is not bound does not', async () => {
    await using watcher = await connect(await tokenFor(['*']))
    await watcher.first('hello', ({ event }) => event === 'hello')
    const unbound = await tokenFor(['*'], ['*'])
    await using claimed = await connect(unbound, '?agent_id=coder')
    const { eventId } = await claimed.ask(publish('topic:news', 'after', {}))
    await watcher.first('the event after', ({ id, event }) => id === eventId && event === 'after')
    expect(watcher.messages.some(isPresence)).toBe(false)
    await using own = await connect(await bound(), '?agent_id=coder')
    expect(await watcher.first('presence', isPresence)).toMatchObject({ actor: 'coder' })
    own.websocket.close()
    await watcher.first('the end of presence', ({ event }) => event === 'agent.disconnected')
  })

  test('[RS8] `auth` announces an agent by a token that may publish on its channel, and only then', async () => {
    await using watcher = await connect(await tokenFor(['*']))
    await watcher.first('hello', ({ event }) => event === 'hello')
    await using reader = await connect(await tokenFor(['agent:coder'], ['topic:news']))
    expect(await reader.ask({ type: 'auth', agent_id: 'coder' })).toMatchObject({ success: true })
    const { eventId } = await reader.ask(publish('topic:news', 'after', {}))
    await watcher.first('the event after', ({ id, event }) => id === eventId && event === 'after')
    expect(watcher.messages.some(isPresence)).toBe(false)
    await using writer = await connect(await tokenFor(['agent:coder']))
    await writer.ask({ type: 'auth', agent_id: 'coder' })
    await watcher.first('presence', isPresence)
  })
})
