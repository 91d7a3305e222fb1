/**
 * A real server against the AsyncAPI document: every event of the catalogue on every connection that shows it, every
 * control event, every message of clients and every answer. What comes is exactly one message of the document.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogue, type EventType } from '../../shared/src/catalogue.ts'
import { MESSAGE_BURST } from '../../shared/src/protocol.ts'
import { makeBoard, makeCard } from '../support/board.ts'
import { scenarios } from '../support/scenarios/all.ts'
import type { Happened, Ids, Scene } from '../support/scenarios/scenario.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { Listener } from '../support/stream.ts'
import { bearer, seconds, startServerWithRights, tokenFor } from '../support/tokens.ts'
import { framesIn, messageIn, messageJudge, type Said } from './said.ts'

const { judge, keys: documented } = messageJudge()
/** By channel of the document. */
const seen = new Map<string, Set<string>>()
const STREAMS = ['boardStream', 'dashboardStream', 'channelStream', 'agentStream'] as const
const SOCKETS = ['boardSocket', 'dashboardSocket', 'channelSocket'] as const

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ heartbeatMs: 100 })
})
afterAll(() => server[Symbol.asyncDispose]())

function addressOf(
  channel: string,
  { boardId, agentId }: Pick<Ids, 'boardId' | 'agentId'>,
  channels: readonly string[],
) {
  const addresses: Readonly<Record<string, string>> = {
    boardStream: `/sse?boardId=${boardId}&view=diff`,
    dashboardStream: '/sse',
    channelStream: `/sse?channels=${channels.join(',')}`,
    agentStream: `/events/${agentId}`,
    boardSocket: `/ws?boardId=${boardId}&view=diff`,
    dashboardSocket: '/ws/dashboard',
    channelSocket: `/ws?more=1&global=0&channels=${channels.join(',')}`,
  }
  return addresses[channel] ?? ''
}

function channelsOf({ boardId, cardId, attemptId, agentId, runId, shellId }: Partial<Ids>): string[] {
  return [
    ...(boardId ? [`board:${boardId}`, `project:${boardId}`, `topic:${boardId}`] : []),
    ...(cardId ? [`issue:${cardId}`] : []),
    ...(attemptId ? [`attempt:${attemptId}`] : []),
    ...(agentId ? [`agent:${agentId}`, `session:${agentId}`] : []),
    ...(runId ? [`workflow:run:${runId}`] : []),
    ...(shellId ? [`shell:terminal:${shellId}`] : []),
  ]
}

/** Notes which messages of the document have come; each must be exactly one. */
function note(channel: string, said: readonly Said[], by: 'client' | 'server' = 'server'): void {
  const known = seen.get(channel) ?? new Set()
  seen.set(channel, known)
  for (const one of said) {
    const { keys, faults } = judge(channel, by, one)
    expect(keys.length, `${channel} ${JSON.stringify(one)} is ${keys} ${faults}`).toBe(1)
    for (const key of keys) known.add(key)
  }
}

const noteStream = (channel: string, { body }: Listener) => note(channel, framesIn(body))
const noteSocket = (channel: string, { texts }: SocketClient) => note(channel, texts.map(messageIn))

/** Sends a message of a client, which must be one of the document. */
function tell(
  channel: string,
  socket: SocketClient,
  message: { readonly type: string; readonly [field: string]: unknown },
) {
  note(channel, [{ name: message.type, payload: message }], 'client')
  socket.send(message)
}

/** An event shows once under each name, on the channel that was named first. */
const ORDERS: ReadonlyArray<(channels: readonly string[]) => readonly string[]> = [
  (channels) => channels,
  (channels) => channels.toReversed(),
  (channels) => {
    const others = channels.filter((name) => name !== 'global').toReversed()
    return [...others.filter((name) => name.startsWith('issue:')), ...others]
  },
]
let marks = 0

/** What is on every connection from now on. Events to everyone are on all of them but on those of an agent. */
async function mark(agents: readonly string[]): Promise<string> {
  await Promise.all(agents.map((id) => server.post(`/agents/${id}/output`, { content: 'mark' })))
  return (await server.post('/agents', { id: `mark-${++marks}` })).eventId
}

/** Opens every kind of connection on all scenes, does the work, and notes what came. It resolves to ids that it made. */
async function observe(scenes: readonly ScenePlace[], work: () => Promise<ReadonlyArray<Partial<Ids>>>): Promise<void> {
  const channels = [...scenes.flatMap(channelsOf), 'dashboard', 'metrics', 'global']
  const open = (names: readonly string[], channelName: string) => [
    ...names.flatMap((name) =>
      [...new Set(scenes.map((scene) => addressOf(name, scene, channels)))].map((path) => ({ name, path })),
    ),
    ...ORDERS.slice(1).map((order) => ({ name: channelName, path: addressOf(channelName, NO_SCENE, order(channels)) })),
  ]
  const streams = open(STREAMS, 'channelStream').map(({ name, path }) => ({
    name,
    listener: new Listener(server.url, path),
  }))
  const sockets = await Promise.all(
    open(SOCKETS, 'channelSocket').map(async ({ name, path }) => ({
      name,
      socket: await SocketClient.open(server.url, path),
    })),
  )
  const { cursor } = await server.get<{ cursor: string }>('/cursor')
  for (const { listener } of streams) await listener.frame('hello')
  const made = (await work()).flatMap(channelsOf)
  // What was made has channels that can be joined only now.
  for (const order of made.length > 0 ? ORDERS : []) {
    const path = `/sse?channels=${order(made).join(',')}&since=${cursor}`
    streams.push({ name: 'channelStream', listener: new Listener(server.url, path) })
    const socket = await SocketClient.open(server.url, '/ws?global=0&more=1')
    sockets.push({ name: 'channelSocket', socket })
    // Messages beyond the burst would be refused.
    for (const channel of order(made).slice(0, MESSAGE_BURST)) {
      tell('channelSocket', socket, { type: 'subscribe', channel, since: cursor, id: channel })
    }
  }
  const end = await mark(scenes.map(({ agentId }) => agentId))
  for (const { name, listener } of streams) {
    const isMark = ({ event, id, data }: Listener['frames'][number]) =>
      (event.startsWith('agent') && id === end) || (name === 'agentStream' && data.content === 'mark')
    await listener.until('the mark', () => listener.closed || listener.frames.some(isMark))
    if (listener.status === 200) noteStream(name, listener)
    listener.close()
  }
  for (const { name, socket } of sockets) {
    await socket.until(() => socket.closed !== null || socket.messages.some(({ id }) => id === end))
    noteSocket(name, socket)
    await socket[Symbol.asyncDispose]()
  }
}

type ScenePlace = Pick<Ids, 'boardId' | 'agentId'> & Partial<Ids>
const NO_SCENE: ScenePlace = { boardId: '', agentId: '' }
const TYPES = Object.keys(catalogue) as EventType[]
/** As many as a connection has channels for. */
const SCENES = 8
const BATCHES = Array.from({ length: Math.ceil(TYPES.length / SCENES) }, (_, index) =>
  TYPES.slice(index * SCENES, (index + 1) * SCENES),
)

it.each(BATCHES.map((types) => [types.join(', '), types] as const))(
  '[CON20b] are what the document says on every stream and socket: %s',
  async (_, types) => {
    const scenes: Scene[] = []
    for (const type of types) scenes.push(await scenarios[type](server))
    await observe(scenes, async () => {
      const all = []
      for (const scene of scenes) {
        const { made = {} }: Happened = await scene.act()
        all.push(made)
      }
      return all
    })
  },
)

it('[CON20b] what goes to everyone, and what is not stored, is what the document says', async () => {
  const { id: boardId } = await makeBoard(server)
  const agentId = 'reader'
  await server.post('/agents', { id: agentId })
  await observe([{ boardId, agentId }], async () => {
    await server.post(`/agents/${agentId}/heartbeat`, {})
    const { message_id } = await server.post<{ message_id: string }>('/messages', {
      from_agent: 'writer',
      content: 'hi',
    })
    await server.post(`/messages/${message_id}/read`, { agent_id: agentId })
    const short = await server.post('/messages', { from_agent: 'writer', content: 'hi', ttl_seconds: 1 })
    await using listener = new Listener(server.url, `/sse?channels=global&since=${short.eventId}`)
    await listener.frame('message.expired')
    return []
  })
})

describe('a board socket', () => {
  it('[CON20c] takes the commands of the document, and answers as it says', async () => {
    const board = await makeBoard(server)
    const card = await makeCard(server, board.id)
    await using socket = await SocketClient.open(server.url, `/ws?boardId=${board.id}`)
    const [first, second] = board.columns
    const cardId = card.id
    const commands = [
      { type: 'create_card', payload: { title: 'From a socket', columnId: first?.id } },
      { type: 'update_card', payload: { cardId, title: 'Changed', ifRevision: 1 } },
      { type: 'move_card', payload: { cardId, toColumnId: second?.id, toIndex: 0 } },
      { type: 'get_state' },
      { type: 'delete_card', payload: { cardId } },
    ]
    for (const [index, command] of commands.entries()) {
      tell('boardSocket', socket, { ...command, id: index })
      expect(await socket.answer(index), command.type).toMatchObject({ success: true })
    }
    tell('boardSocket', socket, { type: 'delete_card', payload: { cardId }, id: 'gone' })
    expect(await socket.answer('gone')).toMatchObject({ success: false, code: 'card_not_found' })
    tell('boardSocket', socket, { type: 'delete_card', payload: { cardId } })
    tell('boardSocket', socket, { type: 'ping', payload: { ts: 1 } })
    tell('boardSocket', socket, { type: 'pong' })
    socket.send('not JSON')
    await socket.until(() => socket.ofType('error').length === 2 && socket.ofType('pong').length === 1)
    noteSocket('boardSocket', socket)
  })
})

describe('a channel socket', () => {
  it('[CON20c] takes the messages of the document, and answers as it says', async () => {
    const board = await makeBoard(server)
    await using socket = await SocketClient.open(server.url, '/ws?global=0')
    const channel = `board:${board.id}`
    const messages = [
      { type: 'subscribe', channel },
      { type: 'unsubscribe', channel },
      { type: 'publish', channel: 'topic:deploys', event: 'deploy.started', data: { service: 'api' } },
      { type: 'auth', agent_id: 'socket-agent', session_id: 'socket-session' },
    ]
    for (const [index, message] of messages.entries()) {
      tell('channelSocket', socket, { ...message, id: index })
      expect(await socket.answer(index), message.type).toMatchObject({ success: true })
    }
    for (const message of messages) tell('channelSocket', socket, message)
    tell('channelSocket', socket, { type: 'ping', timestamp: 1 })
    tell('channelSocket', socket, { type: 'subscribe', channel: 'boards' })
    tell('channelSocket', socket, { type: 'subscribe', channel: 'boards', id: 'refused' })
    expect(await socket.answer('refused')).toMatchObject({ success: false, code: 'INVALID_CHANNEL' })
    socket.send({ type: 'unknown' })
    await socket.until(() => socket.ofType('error').length === 2 && socket.ofType('pong').length === 1)
    expect(
      socket.ofType('ack').some(({ id }) => id === undefined),
      'an ack of auth',
    ).toBe(true)
    noteSocket('channelSocket', socket)
  })
})

it('[CON20d] control events are what the document says on every connection', async () => {
  const rights = await startServerWithRights({ maxStreams: SOCKETS.length + STREAMS.length, heartbeatMs: 100 })
  await using _ = rights
  await rights.call('POST', '/boards', { id: 'demo', name: 'Demo' }, bearer(await tokenFor(['*'])))
  const ids = { boardId: 'demo', agentId: 'agent' }
  const open = async (url: string, headers: Record<string, string>, query = '') => ({
    streams: STREAMS.map(
      (name) =>
        new Listener(
          url,
          `${addressOf(name, ids, ['board:demo'])}${query && `${name.startsWith('b') || name.startsWith('c') ? '&' : '?'}${query}`}`,
          { headers },
        ),
    ),
    sockets: await Promise.all(
      SOCKETS.map((name) =>
        SocketClient.open(
          url,
          `${addressOf(name, ids, ['board:demo'])}${query && `${name.startsWith('d') ? '?' : '&'}${query}`}`,
          { headers },
        ),
      ),
    ),
  })
  const noteAll = ({ streams, sockets }: Awaited<ReturnType<typeof open>>) => {
    for (const [index, listener] of streams.entries()) noteStream(STREAMS[index] ?? '', listener)
    for (const [index, socket] of sockets.entries()) noteSocket(SOCKETS[index] ?? '', socket)
  }

  const lapsing = await open(rights.url, bearer(await tokenFor(['*'], ['*'], { sub: 'lapsing', exp: seconds(-2) })))
  const full = bearer(await tokenFor(['*'], ['*'], { sub: 'full' }))
  const others = await open(rights.url, full, 'lastEventId=00000000-1')
  for (const listener of others.streams) await listener.frame('gap')
  for (const socket of others.sockets) await socket.first('gap', (one) => one.type === 'gap' || one.event === 'gap')
  const refused = STREAMS.map(
    (name) => new Listener(rights.url, addressOf(name, ids, ['board:demo']), { headers: full }),
  )
  for (const listener of refused) await listener.frame('overloaded')
  for (const listener of lapsing.streams) await listener.untilClosed()
  for (const socket of lapsing.sockets) await socket.untilClosed()
  await rights.close()
  for (const listener of others.streams) await listener.untilClosed()
  for (const socket of others.sockets) await socket.untilClosed()
  noteAll(lapsing)
  noteAll(others)
  for (const [index, listener] of refused.entries()) noteStream(STREAMS[index] ?? '', listener)
})

it('[CON20b] [CON20d] every message of the document has come, or was sent', () => {
  const missing = Object.entries(documented).flatMap(([channel, keys]) =>
    keys.filter((key) => !seen.get(channel)?.has(key)).map((key) => `${channel} ${key}`),
  )
  expect(missing).toEqual(SOCKETS.map((name) => `${name} control.overloaded`))
})
