/** Credentials that lapse while a connection is open, with tokens that have a few seconds left. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { startTestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { SocketIoClient } from '../support/socketio.ts'
import { Listener, listen } from '../support/stream.ts'
import { actingAs, bearer, seconds, startServerWithRights, tokenFor } from '../support/tokens.ts'

/** Tokens count for 5 s longer than they say. */
const LEEWAY_S = 5
const HOUR_S = 3_600

/** A token that lapses in `leftS` seconds, rounded down, and when it does. */
async function lapsingIn(leftS: number, subscribe: readonly string[], more: object = {}) {
  const exp = seconds(leftS - LEEWAY_S)
  const expiresAt = new Date((exp + LEEWAY_S) * 1_000)
  return { token: await tokenFor(subscribe, subscribe, { exp, ...more }), expiresAt }
}

async function serve() {
  const server = await startServerWithRights({ hasSocketIo: true, maxStreams: 1_000 })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const admin = actingAs(server, await tokenFor(['*']))
  await admin.post('/boards', { id: 'demo', name: 'Demo' })
  return { server, admin }
}

const names = (listener: Listener) => listener.frames.map(({ event }) => event)

test('[RS11] a stream warns, says that the credential has lapsed, and ends; asking again is 401 token_expired', async () => {
  const { server } = await serve()
  const { token, expiresAt } = await lapsingIn(2, ['*'])
  const streams = ['/sse?boardId=demo&view=diff', '/sse?channels=topic:news', '/sse', '/events/coder'].map(
    (path) => new Listener(server.url, path, { headers: bearer(token) }),
  )
  for (const listener of streams) {
    await listener.untilClosed()
    expect(listener.ended).toBe(true)
    expect(names(listener).slice(-2)).toEqual(['auth_expiring', 'auth_expired'])
    expect(names(listener)[0]).toBe('hello')
    const data = listener.frames.slice(-2).map(({ data }) => data.data ?? data)
    expect(data).toEqual([{ expiresAt: expiresAt.toISOString() }, {}])
    // Neither has an id: a listener that is behind has not been sent everything.
    expect(listener.frames.slice(-2).map(({ id }) => id)).toEqual([undefined, undefined])
  }
  expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime())
  const again = new Listener(server.url, '/sse?channels=topic:news', { headers: bearer(token) })
  await again.until('the refusal', () => again.body.includes('token_expired'))
  expect(again.status).toBe(401)
  again.close()
})

test('[RS11] every socket is warned, and closed with 4401; asking again is 401', async () => {
  const { server } = await serve()
  const { token, expiresAt } = await lapsingIn(2, ['*'])
  const paths = ['/ws?boardId=demo', '/ws', '/ws/dashboard']
  const clients = await Promise.all(
    paths.map((path) => SocketClient.open(server.url, path, { headers: bearer(token) })),
  )
  for (const [index, client] of clients.entries()) {
    expect(await client.untilClosed()).toEqual({ code: 4401, reason: 'The credential has lapsed' })
    const controls = client.messages
      .slice(-2)
      .map((message) => [message.event ?? message.type, message.data ?? message.payload])
    expect(controls).toEqual([
      ['auth_expiring', { expiresAt: expiresAt.toISOString() }],
      ['auth_expired', {}],
    ])
    await using again = await SocketClient.open(server.url, paths[index] ?? '', { headers: bearer(token) })
    expect(again.refused).toBe(401)
  }
})

test('[RS11] a client of Socket.IO reconnects by itself, with a new token if it has one', async () => {
  const { server, admin } = await serve()
  const tokens = [(await lapsingIn(2, ['topic:news'])).token, await tokenFor(['topic:news'])]
  const auth = (give: (data: object) => void) => give({ token: tokens.shift() ?? 'no more' })
  const options = { auth, reconnection: true, reconnectionDelay: 20 }
  await using client = await SocketIoClient.open(server.url, ['websocket'], options as never)
  await client.until(() => client.named('auth_expired').length === 1)
  expect(client.named('auth_expiring')).toHaveLength(1)
  await client.until(() => client.socket.connected && client.ends.length === 1)
  await client.ask('subscribe', 'topic:news')
  await admin.post('/topics/news/events', { event: 'still_here' })
  await client.until(() => client.named('still_here').length === 1)
  expect(tokens).toEqual([])
})

describe('a channel socket', () => {
  test('[RS12] that is given a new token keeps its place, past the end of the old one', async () => {
    const { server, admin } = await serve()
    const { token, expiresAt } = await lapsingIn(2, ['topic:news'])
    await using client = await SocketClient.open(server.url, '/ws?channels=topic:news', { headers: bearer(token) })
    await client.first('the warning', ({ event }) => event === 'auth_expiring')
    const next = await lapsingIn(HOUR_S, ['topic:news'])
    expect(await client.ask({ type: 'auth', token: next.token })).toMatchObject({ success: true })
    const sent: string[] = []
    while (Date.now() < expiresAt.getTime() + 500) {
      sent.push((await admin.post('/topics/news/events', { event: 'tick' })).eventId)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await client.first('the last tick', ({ id, event }) => event === 'tick' && id === sent.at(-1))
    expect(client.named('tick').map(({ id }) => id)).toEqual(sent)
    expect([client.closed, client.named('auth_expired')]).toEqual([null, []])
    // Nothing was joined or left.
    expect(client.messages.filter(({ type }) => type.includes('subscribed'))).toEqual([])
  })

  test('[RS11] [RS12] lapses with the new token', async () => {
    const { server } = await serve()
    await using client = await SocketClient.open(server.url, '/ws', { headers: bearer(await tokenFor(['topic:news'])) })
    const { token, expiresAt } = await lapsingIn(2, ['topic:news'])
    await client.ask({ type: 'auth', token })
    expect((await client.untilClosed()).code).toBe(4401)
    expect(client.named('auth_expiring').map(({ data }) => data)).toEqual([{ expiresAt: expiresAt.toISOString() }])
    expect(client.named('auth_expired')).toHaveLength(1)
  })

  test('[RS12] leaves the channels that the new token does not allow, and what concerns agents that it does not show', async () => {
    const { server, admin } = await serve()
    await using client = await SocketClient.open(server.url, '/ws?channels=board:demo,topic:news', {
      headers: bearer(await tokenFor(['*'])),
    })
    expect(await client.ask({ type: 'auth', token: await tokenFor(['topic:*']) })).toMatchObject({ success: true })
    const left = client.messages.filter(({ type }) => type === 'unsubscribed').map(({ channel }) => channel)
    expect(left).toEqual(['board:demo', 'global'])
    const at = client.messages.length
    await admin.post('/boards/demo/cards', { title: 'A card' })
    await admin.post('/agents', { id: 'coder' })
    await admin.post('/topics/news/events', { event: 'after' })
    await client.first('the event after', ({ event }) => event === 'after')
    expect(client.messages.slice(at).map(({ event }) => event)).toEqual(['after'])
    expect(await client.ask({ type: 'subscribe', channel: 'board:demo' })).toMatchObject({ code: 'FORBIDDEN' })
  })

  test('[RS12] may do from then on what the new token allows', async () => {
    const { server } = await serve()
    await using client = await SocketClient.open(server.url, '/ws', { headers: bearer(await tokenFor(['topic:news'])) })
    expect(await client.ask({ type: 'subscribe', channel: 'board:demo' })).toMatchObject({ code: 'FORBIDDEN' })
    await client.ask({ type: 'auth', token: await tokenFor(['board:demo'], ['agent:coder']) })
    expect(await client.ask({ type: 'subscribe', channel: 'board:demo' })).toMatchObject({ success: true })
    const heartbeat = { type: 'publish', channel: 'agent:coder', event: 'agent.heartbeat', data: {} }
    expect(await client.ask(heartbeat)).toMatchObject({ success: true })
  })

  test('[RS12] keeps its credential if the new one is refused', async () => {
    const { server, admin } = await serve()
    const own = (more: object = {}) => tokenFor(['topic:news', 'agent:*'], ['*'], { sub: 'me', ...more })
    await using client = await SocketClient.open(server.url, '/ws?channels=topic:news&agent_id=coder', {
      headers: bearer(await own()),
    })
    const refused = [
      ['garbage', 'UNAUTHENTICATED'],
      [await own({ exp: seconds(-60) }), 'TOKEN_EXPIRED'],
      [await own({ sub: 'another' }), 'FORBIDDEN'],
      [await own({ agent_id: 'another' }), 'FORBIDDEN'],
    ] as const
    for (const [token, code] of refused) {
      expect(await client.ask({ type: 'auth', token })).toMatchObject({ success: false, code })
    }
    // One that may not subscribe to what it names at the same time.
    const narrow = await tokenFor(['topic:news'], [], { sub: 'me' })
    expect(await client.ask({ type: 'auth', token: narrow, agent_id: 'coder' })).toMatchObject({ code: 'FORBIDDEN' })
    const { eventId } = await client.ask({ type: 'publish', channel: 'topic:news', event: 'still_here', data: {} })
    await client.first('the event', ({ id, event }) => id === eventId && event === 'still_here')
    expect((await admin.call('GET', '/cursor')).status).toBe(200)
  })

  test('[RS12] is told that a message without a token renews nothing', async () => {
    const { server } = await serve()
    await using client = await SocketClient.open(server.url, '/ws', { headers: bearer(await tokenFor(['topic:news'])) })
    for (const token of [undefined, null]) {
      expect(await client.ask({ type: 'auth', token })).toMatchObject({ success: false, code: 'INVALID_MESSAGE' })
    }
    await using open = await startTestServer()
    await using free = await SocketClient.open(open.url, '/ws')
    expect(await free.ask({ type: 'auth' })).toMatchObject({ success: true })
  })

  test.each([
    ['is left', ['topic:other'], false],
    ['continues without loss', ['topic:big', 'topic:other'], true],
  ])('[RS12] a channel whose past is being sent %s', async (_, patterns, isKept) => {
    const { server, admin } = await serve()
    const ids: string[] = []
    const text = 'x'.repeat(50_000)
    for (let n = 0; n < 60; n++) {
      ids.push((await admin.post('/topics/big/events', { event: 'big', data: { n, text } })).eventId)
    }
    await using client = await SocketClient.open(server.url, '/ws?global=0', {
      headers: bearer(await tokenFor(['topic:*'])),
    })
    const joined = client.ask({ type: 'subscribe', channel: 'topic:big', since: 'earliest' })
    const renewed = client.ask({ type: 'auth', token: await tokenFor(patterns) })
    expect([await joined, await renewed]).toMatchObject([{ success: true }, { success: true }])
    const last = await admin.post('/topics/other/events', { event: 'after' })
    await client.ask({ type: 'subscribe', channel: 'topic:other', since: ids.at(-1) })
    await client.first('the last event', ({ id }) => id === last.eventId)
    const got = client.named('big').map(({ id }) => id)
    const atLeaving = client.messages.findIndex(({ type }) => type === 'unsubscribed')
    if (isKept) {
      expect([got, atLeaving]).toEqual([ids, -1])
      return
    }
    expect(got).toEqual(ids.slice(0, got.length))
    expect(got.length).toBeLessThan(ids.length)
    expect(client.messages[atLeaving]).toMatchObject({ channel: 'topic:big' })
    expect(client.messages.slice(atLeaving).filter(({ event }) => event === 'big')).toEqual([])
    const ofAdmin = bearer(await tokenFor(['*'], [], { boardcast: { admin: true } }))
    const { channelStats } = (await (await fetch(`${server.url}/stats`, { headers: ofAdmin })).json()) as {
      channelStats: object
    }
    expect(Object.keys(channelStats)).toEqual(['topic:other'])
  })
})

test('[RS13] a stream that is opened again with a new token and the cursor loses nothing', async () => {
  const { server, admin } = await serve()
  const sent: string[] = []
  const isOver = { value: false }
  const writing = (async () => {
    while (!isOver.value) sent.push((await admin.post('/topics/news/events', { event: 'tick' })).eventId)
  })()
  const got: string[] = []
  let cursor: string | undefined
  for (const left of [2, 2, HOUR_S]) {
    const { token } = await lapsingIn(left, ['topic:news'])
    const headers = { ...bearer(token), ...(cursor && { 'Last-Event-ID': cursor }) }
    await using listener = await listen(server.url, '/sse?channels=topic:news', { headers })
    if (left === HOUR_S) {
      isOver.value = true
      await writing
      await listener.id(sent.at(-1) ?? '')
    } else await listener.untilClosed()
    got.push(...listener.named('tick').map(({ id }) => id ?? ''))
    cursor = listener.lastEventId
  }
  expect(got).toEqual(sent.slice(-got.length))
  expect(got.length).toBeGreaterThan(10)
})
