/** Joining and leaving channels over a channel socket. Rules W20 to W26 and W30 to W33. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { MessageRate } from '../../src/ws/message-rate.ts'
import {
  appendLines,
  boardState,
  deleteBoard,
  makeBoard,
  makeCard,
  makeWork,
  positionOf,
  stats,
} from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient, type SocketMessage } from '../support/socket.ts'
import { listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

async function open(query = '?global=0', to = server): Promise<SocketClient> {
  const socket = await SocketClient.open(to.url, `/ws${query}`)
  await socket.first('hello', ({ event }) => event === 'hello')
  return socket
}

const subscribe = (socket: SocketClient, channel: string) => socket.ask({ type: 'subscribe', channel })
/** Channel and name of each event, without control events. */
const shown = ({ messages }: SocketClient) =>
  messages.flatMap(({ type, channel, event }) =>
    type === 'event' && !/^(hello|heartbeat)$/.test(event ?? '') ? [`${channel} ${event}`] : [],
  )

describe('the opening', () => {
  it('[W20] [W21] is connected with the client id, then hello as an event on channel *', async () => {
    await using socket = await open('')
    const [connected, hello] = socket.messages as [SocketMessage, SocketMessage]
    const { client_id, timestamp } = connected
    expect(connected).toEqual({ type: 'connected', client_id, clientId: client_id, timestamp })
    expect(Math.abs(timestamp - Date.now())).toBeLessThan(60_000)
    expect(hello).toEqual({
      type: 'event',
      id: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
      channel: '*',
      event: 'hello',
      data: { serverTime: expect.any(String), connectionId: client_id, resumed: false, heartbeatMs: 15_000 },
      timestamp: expect.any(Number),
    })
  })

  it('[W22] joins global, unless the address says otherwise', async () => {
    await using own = await startTestServer()
    await using joined = await open('', own)
    expect((await stats(own)).channelStats).toEqual({ global: 1 })
    await using aside = await open('?global=0', own)
    expect((await stats(own)).channelStats).toEqual({ global: 1 })
    const board = await makeBoard(own)
    expect(await joined.id(board.eventId)).toMatchObject({ channel: 'global', event: 'board.created' })
    await aside.ask({ type: 'unsubscribe', channel: 'global' })
    expect(shown(aside)).toEqual([])
  })

  it('[W22] resumes global from the cursor in the address', async () => {
    const before = await makeBoard(server)
    const missed = await makeCard(server, before.id)
    await using socket = await open(`?lastEventId=${before.eventId}`)
    await socket.id(missed.eventId)
    expect(socket.messages[1]).toMatchObject({ event: 'hello', id: before.eventId, data: { resumed: true } })
    expect(shown(socket)).toEqual(['global card.created'])
    await using gap = await open('?since=nonsense')
    await gap.first('the gap', ({ event }) => event === 'gap')
    expect(gap.messages[1]).toMatchObject({ event: 'hello', data: { resumed: false } })
    expect(gap.messages[2]).toMatchObject({ channel: '*', data: { requested: 'nonsense', reason: 'invalid' } })
  })
})

describe('events', () => {
  it('[W8] [W21] have the fields of an envelope, each with the id of its event', async () => {
    const { boardId, attempt, card } = await makeWork(server)
    const channels = [`board:${boardId}`, `attempt:${attempt.id}`, `issue:${card.id}`, 'agent:claude']
    await using socket = await open()
    for (const channel of channels) await subscribe(socket, channel)
    await using stream = await listen(server.url, `/sse?channels=${channels.join(',')}`)
    await appendLines(server, attempt.id, ['🚀 "line"\u2028'])
    const { eventId } = await server.call('PATCH', `/cards/${card.id}`, { assignedAgentId: 'claude', title: 'Other' })
    await server.post('/agents', { id: 'claude', label: 'Claude' })
    await Promise.all([
      stream.frame('agent_registered'),
      socket.first('it', ({ event }) => event === 'agent_registered'),
    ])
    const events = (messages: ReadonlyArray<{ event?: string }>) =>
      messages.filter(({ event }) => event !== undefined && !/^(hello|state)$/.test(event))
    const seen = events(socket.messages) as SocketMessage[]
    expect(seen.map(({ type, ...envelope }) => envelope)).toEqual(events(stream.frames.map(({ data }) => data)))
    // Two names of one event: a stream has the id on the last one only, a socket on both.
    expect(seen.filter(({ id }) => id === eventId).map(({ event }) => event)).toEqual([
      'card_updated',
      'agent_assigned',
    ])
    for (const message of socket.messages.slice(1)) {
      if (message.type !== 'event') continue
      const actor = ['hello', 'state'].includes(message.event ?? '') ? [] : ['actor']
      expect(Object.keys(message)).toEqual(['type', 'id', 'channel', 'event', 'data', 'timestamp', ...actor])
    }
  })

  it('[W21] that time causes have the id reached', async () => {
    await using own = await startTestServer({ heartbeatMs: 500 })
    await using socket = await open('?global=0', own)
    const { eventId } = await makeBoard(own)
    const beat = await socket.first('a heartbeat', ({ event, id }) => event === 'heartbeat' && id === eventId)
    expect(beat).toMatchObject({ channel: '*', data: { ts: expect.any(String) } })
  })

  it('[W23] come on a channel that was named rather than on global, unless global was named first', async () => {
    await using implied = await open('')
    await subscribe(implied, 'topic:ranks')
    await using named = await open('')
    await subscribe(named, '*')
    await subscribe(named, 'topic:ranks')
    await using last = await open('')
    await subscribe(last, 'topic:ranks')
    await subscribe(last, 'global')
    const { eventId } = await server.post('/messages', { from_agent: 'a', topic: 'ranks', content: 'x' })
    expect(await implied.id(eventId)).toMatchObject({ channel: 'topic:ranks' })
    expect(await named.id(eventId)).toMatchObject({ channel: 'global' })
    expect(await last.id(eventId)).toMatchObject({ channel: 'topic:ranks' })
    for (const { messages } of [implied, named, last]) {
      expect(messages.filter(({ id, type }) => id === eventId && type === 'event')).toHaveLength(1)
    }
  })

  it('[W23] come on the channel that was joined first', async () => {
    const { boardId, attempt } = await makeWork(server)
    await using socket = await open('')
    await subscribe(socket, `attempt:${attempt.id}`)
    await subscribe(socket, `board:${boardId}`)
    const { eventId } = await appendLines(server, attempt.id, ['x'])
    await socket.id(eventId)
    expect(socket.messages.filter(({ id, type }) => id === eventId && type === 'event')).toMatchObject([
      { channel: `attempt:${attempt.id}`, event: 'attempt_log' },
      { channel: 'global', event: 'attempt.log.appended' },
    ])
  })
})

describe('subscribe', () => {
  it('[W24] is acknowledged by its id, or with subscribed, and the canonical name of the channel', async () => {
    const { boardId, card } = await makeWork(server)
    await using socket = await open()
    for (const [spelled, name] of [
      ['agents/ann', 'agent:ann'],
      ['sessions/s-1', 'session:s-1'],
      ['topics/t', 'topic:t'],
      [`card:${card.id}`, `issue:${card.id}`],
      ['shell:sh', 'shell:terminal:sh'],
      [`board:${boardId};full`, `board:${boardId}`],
      ['*', 'global'],
    ] as const) {
      expect(await subscribe(socket, spelled)).toEqual({
        type: 'ack',
        id: expect.any(String),
        success: true,
        channel: name,
        timestamp: expect.any(Number),
      })
      socket.send({ type: 'subscribe', channel: spelled, surplus: { ignored: true } })
      await socket.first(`subscribed ${name}`, ({ type, channel }) => type === 'subscribed' && channel === name)
      expect(socket.ofType('subscribed').at(-1)).toEqual({ type: 'subscribed', channel: name })
    }
  })

  it('[W25] [W26] is followed by the snapshot, exact at its id, and later events', async () => {
    const { boardId, attempt } = await makeWork(server)
    for (const view of ['', ';diff', ';full']) {
      await using socket = await open()
      const state = await boardState(server, boardId)
      await subscribe(socket, `board:${boardId}${view}`)
      await socket.first('the state', ({ event }) => event === 'state')
      expect(socket.messages.slice(2)).toEqual([
        expect.objectContaining({ type: 'ack' }),
        {
          type: 'event',
          id: (await server.get<{ cursor: string }>('/cursor')).cursor,
          channel: `board:${boardId}`,
          event: 'state',
          data: state,
          timestamp: expect.any(Number),
        },
      ])
      const { eventId } = await makeCard(server, boardId)
      const next = await socket.id(eventId)
      expect(next.event).toBe(view === ';full' ? 'state' : 'card_created')
    }
    await using others = await open()
    await subscribe(others, 'dashboard')
    await subscribe(others, 'metrics')
    await subscribe(others, `attempt:${attempt.id}`)
    expect(shown(others).slice(0, 2)).toEqual(['dashboard dashboard_overview', 'metrics metric.update'])
  })

  it('[W26] loses no event that is committed meanwhile, on the new channel or the others', async () => {
    const board = await makeBoard(server)
    // As many as the rate limit allows at once.
    const [ids, joins] = [[] as string[], 10]
    await using socket = await open('?types=card.created,card_created,state')
    const writing = (async () => {
      for (let n = 0; n < 60; n++) ids.push((await makeCard(server, board.id, { title: `${n}` })).eventId)
    })()
    for (let n = 0; n < joins; n++) {
      await subscribe(socket, `board:${board.id}`)
      await socket.ask({ type: 'unsubscribe', channel: `board:${board.id}` })
    }
    await writing
    await socket.id(ids.at(-1) ?? '')
    const onGlobal = socket.messages.filter(({ event }) => event === 'card.created').map(({ id }) => id)
    expect(onGlobal).toEqual(ids)
    // Each time it was joined: the state, then every later event without a gap.
    let held: number | null = null
    let states = 0
    for (const { type, event, data, id = '' } of socket.messages) {
      if (type === 'ack') held = null
      else if (event === 'state') {
        held = Object.keys(data.cards).length
        states += 1
        expect(ids[held - 1] ?? board.eventId).toBe(id)
      } else if (event === 'card_created' && held !== null) {
        expect(id).toBe(ids[held])
        held += 1
      }
    }
    expect(states).toBe(joins)
    const order = socket.messages.filter(({ type, event }) => type === 'event' && event !== 'hello')
    const positions = order.map(({ id = '' }) => positionOf(id))
    expect(positions).toEqual([...positions].sort((a, b) => a - b))
  })

  it('[W26] is acknowledged after lines that wait to be joined', async () => {
    const since = (await server.get<{ cursor: string }>('/cursor')).cursor
    await server.post('/topics/lines/events', { event: 'past', data: 1 })
    const changes = [
      { type: 'subscribe', channel: 'topic:none' },
      { type: 'subscribe', channel: 'topic:lines', since },
      { type: 'unsubscribe', channel: 'topic:none' },
      { type: 'unsubscribe', channel: 'agent:talker' },
    ]
    await using socket = await open()
    await subscribe(socket, 'agent:talker')
    for (const [n, change] of changes.entries()) {
      const { eventId } = await server.post('/agents/talker/output', { lines: [`${n}`] })
      const { id } = await socket.ask(change)
      const batch = socket.messages.findIndex((message) => message.id === eventId)
      expect(socket.messages[batch], JSON.stringify(socket.messages)).toMatchObject({
        event: 'output_batch',
        data: { lines: [`${n}`] },
      })
      expect(batch).toBeLessThan(socket.messages.findIndex((message) => message.id === id))
    }
    expect(socket.named('output_batch')).toHaveLength(changes.length)
  })

  it('[W30] [W32] to a channel that is held sends its snapshot again, and counts once', async () => {
    await using own = await startTestServer()
    const board = await makeBoard(own)
    await using socket = await open('?global=0', own)
    await subscribe(socket, `board:${board.id};full`)
    await subscribe(socket, `board:${board.id}`)
    await socket.until(() => socket.named('state').length === 2)
    expect((await stats(own)).channelStats).toEqual({ [`board:${board.id}`]: 1 })
    const { eventId } = await makeCard(own, board.id)
    // The view that was requested last.
    expect(await socket.id(eventId)).toMatchObject({ event: 'card_created' })
    await subscribe(socket, `board:${board.id};full`)
    const next = await makeCard(own, board.id)
    expect(await socket.id(next.eventId)).toMatchObject({ event: 'state' })
    expect(socket.messages.filter(({ id }) => id === next.eventId)).toHaveLength(1)
  })

  it('[W24] [W33] [W40] [W41] is refused for channels that cannot be joined', async () => {
    await using socket = await open()
    for (const [channel, code] of [
      ['nonsense', 'INVALID_CHANNEL'],
      ['', 'INVALID_CHANNEL'],
      ['board:', 'INVALID_CHANNEL'],
      ['board:a b', 'INVALID_CHANNEL'],
      ['global;full', 'INVALID_CHANNEL'],
      ['__proto__', 'INVALID_CHANNEL'],
      [`agent:${'a'.repeat(300)}`, 'INVALID_CHANNEL'],
      ['a'.repeat(60_000), 'INVALID_CHANNEL'],
      ['board:nope', 'INVALID_CHANNEL'],
      ['project:nope', 'INVALID_CHANNEL'],
      [7, 'INVALID_MESSAGE'],
      [undefined, 'INVALID_MESSAGE'],
      [['global'], 'INVALID_MESSAGE'],
    ] as const) {
      const answer = await socket.ask({ type: 'subscribe', channel })
      expect(answer, String(channel).slice(0, 50)).toEqual({
        type: 'ack',
        id: expect.any(String),
        success: false,
        error: expect.stringMatching(/^[A-Z][a-z ]+$/),
        message: expect.stringMatching(/\.$/),
        code,
        timestamp: expect.any(Number),
      })
      expect(answer.message.length).toBeLessThan(1_000)
    }
    socket.send({ type: 'subscribe', channel: 'nonsense' })
    const error = await socket.first('the error', ({ type }) => type === 'error')
    expect(Object.keys(error)).toEqual(['type', 'error', 'message', 'code', 'timestamp'])
    await expect(socket.ask({ type: 'subscribe', channel: 'attempt:of-tomorrow' })).resolves.toMatchObject({
      success: true,
    })
  })
})

describe('unsubscribe', () => {
  it('[W31] ends the events of the channel with the answer; a channel that is not held counts as left', async () => {
    await using socket = await open()
    await subscribe(socket, 'topic:a')
    await subscribe(socket, 'topic:b')
    expect(await socket.ask({ type: 'unsubscribe', channel: 'topics/a' })).toMatchObject({
      success: true,
      channel: 'topic:a',
    })
    await server.post('/topics/a/events', { event: 'unseen', data: 1 })
    const { eventId } = await server.post('/topics/b/events', { event: 'seen', data: 1 })
    await socket.id(eventId)
    expect(shown(socket)).toEqual(['topic:b seen'])
    socket.send({ type: 'unsubscribe', channel: 'topic:never' })
    await socket.first('the word', ({ type }) => type === 'unsubscribed')
    expect(socket.messages.at(-1)).toEqual({ type: 'unsubscribed', channel: 'topic:never' })
    expect(await socket.ask({ type: 'unsubscribe', channel: 'nonsense' })).toMatchObject({ code: 'INVALID_CHANNEL' })
  })

  it('[W31] [W33] keeps the socket open without any channel; it may join others', async () => {
    await using socket = await open('')
    await socket.ask({ type: 'unsubscribe', channel: '*' })
    const unseen = await makeBoard(server)
    await server.post('/agents', { id: 'to-everyone' })
    await socket.first('the word to everyone', ({ event }) => event === 'agent_registered')
    await subscribe(socket, `board:${unseen.id}`)
    await socket.first('the state', ({ event }) => event === 'state')
    expect(shown(socket)).toEqual(['* agent_registered', `board:${unseen.id} state`])
  })
})

describe('a board that is deleted', () => {
  it('[W33] is left by the socket, and may be joined again once it has been created again', async () => {
    const [one, two] = [await makeBoard(server), await makeBoard(server)]
    await using socket = await open()
    for (const board of [one, two]) await subscribe(socket, `board:${board.id}`)
    await deleteBoard(server, one.id)
    await socket.first('the end', ({ event }) => event === 'board_deleted')
    expect(await subscribe(socket, `board:${one.id}`)).toMatchObject({ success: false, code: 'INVALID_CHANNEL' })
    await makeBoard(server, one.id)
    await makeCard(server, one.id)
    await deleteBoard(server, two.id)
    await socket.until(() => socket.named('board_deleted').length === 2)
    await subscribe(socket, `board:${one.id}`)
    const card = await makeCard(server, one.id)
    await socket.id(card.eventId)
    expect(shown(socket).slice(2)).toEqual([
      `board:${one.id} board_deleted`,
      `board:${two.id} board_deleted`,
      `board:${one.id} state`,
      `board:${one.id} card_created`,
    ])
    expect(socket.closed).toBeNull()
  })
})

describe('a hundred channels', () => {
  it('[W32] are the limit, global included; one may be left for another, and joined again', async () => {
    // The rate limit is not the subject here.
    const rate = vi.spyOn(MessageRate.prototype, 'take').mockReturnValue('carry out')
    onTestFinished(() => rate.mockRestore())
    await using own = await startTestServer()
    await using socket = await open('', own)
    for (let n = 0; n < 99; n++) expect(await subscribe(socket, `topic:${n}`)).toMatchObject({ success: true })
    expect(await subscribe(socket, 'topic:one-more')).toMatchObject({ success: false, code: 'SUBSCRIPTION_LIMIT' })
    expect(await subscribe(socket, 'topics/42')).toMatchObject({ success: true })
    expect(await subscribe(socket, '*')).toMatchObject({ success: true })
    expect(await socket.ask({ type: 'auth', agent_id: 'ann' })).toMatchObject({ code: 'SUBSCRIPTION_LIMIT' })
    expect(await socket.ask({ type: 'auth', agent_id: null, session_id: null })).toMatchObject({ success: true })
    await socket.ask({ type: 'unsubscribe', channel: 'topic:7' })
    expect(await subscribe(socket, 'topic:one-more')).toMatchObject({ success: true })
    expect(await subscribe(socket, 'topic:7')).toMatchObject({ success: false, code: 'SUBSCRIPTION_LIMIT' })
    expect(Object.keys((await stats(own)).channelStats)).toHaveLength(100)
  })
})
