/** Events to everyone, over every way to get them. */
import { expect, onTestFinished, test } from 'vitest'
import { CONTROL } from '../../shared/src/protocol.ts'
import { SocketClient } from '../support/socket.ts'
import { SocketIoClient } from '../support/socketio.ts'
import { type Listener, listen } from '../support/stream.ts'
import { actingAs, bearer, startServerWithRights, tokenFor } from '../support/tokens.ts'

async function serve() {
  const server = await startServerWithRights({ hasSocketIo: true })
  onTestFinished(() => server[Symbol.asyncDispose]())
  const admin = actingAs(server, await tokenFor(['*']))
  await admin.post('/boards', { id: 'demo', name: 'Demo' })
  const { eventId: start } = await admin.post('/topics/news/events', { event: 'begin' })
  /** Of two agents; the last event is one that everybody may see. */
  async function happen(): Promise<string> {
    for (const id of ['one', 'two']) {
      await admin.post('/agents', { id })
      await admin.post('/agent-profiles', { agent: id, name: 'p' })
    }
    await admin.post('/agent-profiles', { agent: 'two', name: 'p', boardId: 'demo' })
    await admin.post('/messages', { from_agent: 'one', content: 'to everyone' })
    return (await admin.post('/topics/news/events', { event: 'end' })).eventId
  }
  return { server, start, happen }
}

interface Shown {
  readonly event: string
  /** null: posted without data. */
  readonly data: { readonly agent?: string } | null
}
const CONTROLS: ReadonlySet<string> = new Set(Object.values(CONTROL))
/** On a slow machine there is time for heartbeats. */
const isShown = ({ event }: { readonly event?: string }) => event !== undefined && !CONTROLS.has(event)
const shownOn = ({ frames }: Listener) => frames.filter(isShown).map(({ data }) => textOf(data))
const OF_ONE = ['agent_registered one', 'agent_profile one', 'message.new', 'end']
const textOf = ({ event, data }: Shown) => (data?.agent === undefined ? event : `${event} ${data.agent}`)

test('[RS2] are filtered in the same way live, replayed, over sockets, and in pages of the log', async () => {
  const { server, start, happen } = await serve()
  const headers = bearer(await tokenFor(['topic:news', 'agent:one']))
  const { url } = server
  await using live = await listen(url, '/sse?channels=topic:news', { headers })
  await using socket = await SocketClient.open(url, '/ws?channels=topic:news', { headers })
  await socket.first('hello', ({ event }) => event === 'hello')
  await using client = await SocketIoClient.open(url, ['websocket'], { extraHeaders: headers })
  await client.ask('subscribe', 'topic:news')
  const end = await happen()

  await using replayed = await listen(url, `/sse?channels=topic:news&since=${start}`, { headers })
  await using joining = await SocketClient.open(url, '/ws', { headers })
  await joining.ask({ type: 'subscribe', channel: 'topic:news', since: start })
  for (const listener of [live, replayed]) {
    await listener.id(end)
    expect(shownOn(listener)).toEqual(OF_ONE)
  }
  for (const one of [socket, joining]) {
    await one.until(() => one.named('end').length > 0)
    const events = one.messages.filter(({ type }) => type === 'event').filter(isShown) as unknown as Shown[]
    expect(events.map(textOf)).toEqual(OF_ONE)
  }
  await client.until(() => client.named('end').length > 0)
  const messages = client.messages.map(({ type, data }) => ({ event: type, data })).filter(isShown)
  expect(messages.map(textOf)).toEqual(OF_ONE)
  const page = await server.call<{ events: Shown[] }>(
    'GET',
    `/events?channels=topic:news&after=${start}`,
    undefined,
    headers,
  )
  expect(page.body.events.map(textOf)).toEqual(OF_ONE)
})

test('[RS2] a limit counts what is shown, and the board of a profile is a right to see it', async () => {
  const { server, start, happen } = await serve()
  await happen()
  const headers = bearer(await tokenFor(['board:demo', 'topic:news']))
  await using listener = await listen(server.url, `/sse?channels=topic:news&since=${start}&limit=2`, { headers })
  await listener.untilClosed()
  expect(shownOn(listener)).toEqual(['agent_profile two', 'message.new'])
})

test('[RS2] who may see everything gets everything', async () => {
  const { server, start, happen } = await serve()
  const end = await happen()
  const headers = bearer(await tokenFor(['*']))
  await using listener = await listen(server.url, `/sse?channels=topic:news&since=${start}`, { headers })
  await listener.id(end)
  expect(shownOn(listener)).toEqual([
    'agent_registered one',
    'agent_profile one',
    'agent_registered two',
    'agent_profile two',
    'agent_profile two',
    'message.new',
    'end',
  ])
})
