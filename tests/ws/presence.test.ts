/** Presence of agents with sockets. Rules PR1 to PR7. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Agent } from '../../shared/src/types/agents.ts'
import type { Overview } from '../../shared/src/types/dashboard.ts'
import type { Metrics } from '../../shared/src/types/metrics.ts'
import { createApiClient } from '../support/api.ts'
import { eventually, stats } from '../support/board.ts'
import { ChildServer } from '../support/child-server.ts'
import { newestId, withoutEvents } from '../support/http.ts'
import { readLog } from '../support/log-reader.ts'
import { clientFrame, OPCODE, RawSocket } from '../support/raw-socket.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

async function open(query = '?global=0', to: { readonly url: string } = server): Promise<SocketClient> {
  const socket = await SocketClient.open(to.url, `/ws${query}`)
  await socket.first('hello', ({ event }) => event === 'hello')
  return socket
}

const clientIdOf = ({ messages }: SocketClient | RawSocket): string => messages[0]?.clientId ?? ''

/** A socket that receives the presence events of an agent. */
async function watch(agentId: string, of: { readonly url: string } = server) {
  const socket = await open('?global=0', of)
  await socket.ask({ type: 'subscribe', channel: `agent:${agentId}` })
  const story = () =>
    socket.messages.flatMap(({ event, data, channel }) =>
      /^agent\.(dis)?connected$/.test(event ?? '')
        ? [[event, channel, data.agent_id, data.client_id, data.session_id]]
        : [],
    )
  return {
    socket,
    story,
    async until(count: number) {
      await socket.until(() => story().length >= count)
      return story()
    },
    [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
  }
}

const connected = (agent: string, client: string, session: string | null = null) => [
  'agent.connected',
  `agent:${agent}`,
  agent,
  client,
  session,
]
const disconnected = (agent: string, client: string, session: string | null = null) => [
  'agent.disconnected',
  `agent:${agent}`,
  agent,
  client,
  session,
]

describe('a socket that claims to be an agent', () => {
  it('[PR1] [PR7] may do so in its address, which joins no channel', async () => {
    await using watcher = await watch('addressed')
    await using stream = await listen(server.url, '/sse?channels=global')
    await using socket = await open('?agent_id=addressed&session_id=s-1&global=0')
    expect(await watcher.until(1)).toEqual([connected('addressed', clientIdOf(socket), 's-1')])
    const told = await stream.frame('agent.connected')
    expect(told.data.data).toEqual({ agent_id: 'addressed', client_id: clientIdOf(socket), session_id: 's-1' })
    await server.post('/messages', { from_agent: 'a', to_agent: 'addressed', content: 'unseen' })
    await socket.ask({ type: 'unsubscribe', channel: 'topic:none' })
    expect(socket.messages.map(({ type, event }) => event ?? type)).toEqual(['connected', 'hello', 'ack'])
    await using again = await open(`?since=earliest`)
    await again.id(told.id ?? '')
  })

  it('[PR2] may do so later: it is acknowledged, the channels are joined, the event is emitted', async () => {
    await using socket = await open()
    const answer = await socket.ask({ type: 'auth', agent_id: 'late', session_id: 's-2', token: 'not looked at' })
    expect(answer).toEqual({ type: 'ack', id: 'ask-1', success: true, timestamp: expect.any(Number) })
    const told = await socket.first('the word', ({ event }) => event === 'agent.connected')
    expect(told).toMatchObject({
      channel: 'agent:late',
      data: { agent_id: 'late', client_id: clientIdOf(socket), session_id: 's-2' },
    })
    await server.post('/messages', { from_agent: 'a', to_agent: 'late', content: 'hi' })
    await socket.first('its mail', ({ event }) => event === 'message.new')
    await server.post('/sessions', { id: 's-2' }).catch(() => undefined)
    await socket.ask({ type: 'unsubscribe', channel: 'session:s-2' })
    socket.send({ type: 'auth' })
    await socket.until(() => socket.ofType('ack').length === 3)
    expect(socket.ofType('ack').at(-1)).toEqual({ type: 'ack', success: true, timestamp: expect.any(Number) })
  })

  it('[PR2] with a session alone joins it, without an event', async () => {
    await using socket = await open()
    // Sockets of other tests may still be ending.
    const before = await newestId(server)
    await socket.ask({ type: 'auth', session_id: 's-3' })
    const log = await readLog(server.url, before, await newestId(server))
    expect(log.filter(({ data }) => data.client_id === clientIdOf(socket))).toEqual([])
    expect((await stats(server)).channelStats).toMatchObject({ 'session:s-3': 1 })
  })

  it('[PR2] is refused for an invalid id', async () => {
    await using socket = await open()
    await withoutEvents(server, async () => {
      for (const agent_id of ['', 'a b', '..', 'a'.repeat(201), 7, {}]) {
        expect(await socket.ask({ type: 'auth', agent_id })).toMatchObject({ success: false, code: 'INVALID_MESSAGE' })
      }
    })
  })

  it('[PR3] is one agent at a time: another agent or session ends the first, the same again emits nothing', async () => {
    await using one = await watch('one')
    await using two = await watch('two')
    await using socket = await open('?agent_id=one&global=0')
    const id = clientIdOf(socket)
    await one.until(1)
    await socket.ask({ type: 'auth', agent_id: 'one' })
    await socket.ask({ type: 'auth', agent_id: 'one', session_id: 's' })
    expect(await one.until(3)).toEqual([connected('one', id), disconnected('one', id), connected('one', id, 's')])
    await socket.ask({ type: 'auth', agent_id: 'two' })
    expect(await two.until(1)).toEqual([connected('two', id)])
    expect((await one.until(4)).at(-1)).toEqual(disconnected('one', id, 's'))
    const { eventId } = await socket.ask({ type: 'publish', channel: 'topic:x', event: 'message.new', data: 'x' })
    const { events } = await server.get<{ events: Array<{ data: { from_agent: string } }> }>(
      `/events?channels=topic:x&limit=1000`,
    )
    expect(events.at(-1)).toMatchObject({ id: eventId, data: { from_agent: 'two' } })
    socket.websocket.close()
    expect(await two.until(2)).toEqual([connected('two', id), disconnected('two', id)])
    expect(one.story()).toHaveLength(4)
  })
})

describe('an agent whose socket has ended', () => {
  it.each([
    [
      'closes',
      (peer: RawSocket) => peer.socket.end(clientFrame({ opcode: OPCODE.close, payload: Buffer.from([0x03, 0xe8]) })),
    ],
    ['ends its side', (peer: RawSocket) => peer.socket.end()],
    ['is cut', (peer: RawSocket) => peer.cut()],
    ['is destroyed', (peer: RawSocket) => peer.socket.destroy()],
    ['sends what is no frame', (peer: RawSocket) => peer.write(Buffer.from([0xff, 0xff, 0xff]))],
    ['sends too much at once', (peer: RawSocket) => peer.write(clientFrame({ payload: `"${'x'.repeat(70_000)}"` }))],
    [
      'sends too many',
      (peer: RawSocket) => {
        for (let n = 0; n < 230; n++) peer.send('{}')
      },
    ],
  ])('[PR4] one that %s is told of, once', async (way, leave) => {
    const agent = `gone-${way.replaceAll(' ', '-')}`
    await using watcher = await watch(agent)
    await using peer = await RawSocket.open(server.url, `/ws?agent_id=${agent}&global=0`)
    await watcher.until(1)
    const id = clientIdOf(peer)
    leave(peer)
    expect(await watcher.until(2)).toEqual([connected(agent, id), disconnected(agent, id)])
    peer.socket.destroy()
    // Another agent connects and disconnects; no more events of the first come in between.
    const other = await open(`?agent_id=${agent}&global=0`)
    await watcher.until(3)
    other.websocket.terminate()
    expect((await watcher.until(4)).slice(2)).toEqual([
      connected(agent, clientIdOf(other)),
      disconnected(agent, clientIdOf(other)),
    ])
  })

  it('[PR4] [W54] after it fell silent', async () => {
    await using own = await startTestServer({ heartbeatMs: 600 })
    await using watcher = await watch('silent', own)
    await using peer = await RawSocket.open(own.url, '/ws?agent_id=silent&global=0')
    expect(await watcher.until(2)).toEqual([
      connected('silent', clientIdOf(peer)),
      disconnected('silent', clientIdOf(peer)),
    ])
    expect(await peer.untilCloseCode()).toBe(4408)
  })

  it('[PR4] right after it opened, many times over', async () => {
    await using watcher = await watch('fleeting')
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const peer = await RawSocket.open(server.url, '/ws?global=0')
        peer.send({ type: 'auth', agent_id: 'fleeting' })
        // Some close before their message is read, some while it is carried out.
        if (n % 2 === 0) await new Promise(setImmediate)
        peer.cut()
      }),
    )
    await using last = await open('?agent_id=fleeting&global=0')
    await watcher.socket.first('the last', ({ data }) => data?.client_id === clientIdOf(last))
    last.websocket.close()
    await watcher.socket.until(
      () => watcher.story().at(-1)?.[3] === clientIdOf(last) && watcher.story().length % 2 === 0,
    )
    const open_ = new Set<unknown>()
    for (const [event, , , client] of watcher.story()) {
      if (event === 'agent.connected') open_.add(client)
      else expect(open_.delete(client)).toBe(true)
    }
    expect([...open_]).toEqual([])
  })

  it('[PR4] [W63] while its auth message was still waiting', async () => {
    await using watcher = await watch('unheard')
    await using peer = await RawSocket.open(server.url, '/ws?global=0')
    const publish = { type: 'publish', channel: 'topic:x', event: 'e', data: 1, id: 1 }
    const said = [...Array.from({ length: 15 }, () => publish), { type: 'auth', agent_id: 'unheard' }]
    peer.write(
      Buffer.concat([...said.map((one) => clientFrame({ payload: JSON.stringify(one) })), Buffer.from([0xff, 0xff])]),
    )
    expect(await peer.untilCloseCode()).toBe(1002)
    await using other = await open('?agent_id=unheard&global=0')
    other.websocket.terminate()
    await watcher.socket.first('its end', ({ event, data }) => {
      return event === 'agent.disconnected' && data.client_id === clientIdOf(other)
    })
    const comings = watcher.story().filter(([event]) => event === 'agent.connected')
    expect(watcher.story()).toHaveLength(2 * comings.length)
    // If the message had been carried out, its event would be here by now.
    expect(peer.frames.at(-1)?.opcode).toBe(OPCODE.close)
  })
})

describe('an agent with sockets', () => {
  it('[PR5] gets one event per socket and is online while it has one, also on the dashboard and in the metrics', async () => {
    await using own = await startTestServer()
    await own.post('/agents', { id: 'busy', label: 'Busy' })
    // The agent has been registered before, which alone does not make it present.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 * 60_000 })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    /** The agent's presence according to its resource, the dashboard and the metrics. */
    async function seen() {
      const agent = await own.get<Agent>('/agents/busy')
      const { agentStats } = await own.get<Overview>('/dashboard')
      const metrics = await own.get<Metrics>('/metrics/snapshot')
      return [agent.status, agentStats.find(({ agentId }) => agentId === 'busy')?.status, metrics.active_agents]
    }
    await using watcher = await watch('busy', own)
    expect(await seen()).toEqual(['offline', 'offline', 0])
    await using one = await open('?agent_id=busy&global=0', own)
    await using two = await open('?agent_id=busy&global=0', own)
    await watcher.until(2)
    expect(await seen()).toEqual(['online', 'online', 1])
    one.websocket.terminate()
    await watcher.until(3)
    expect(await seen()).toEqual(['online', 'online', 1])
    two.websocket.terminate()
    expect((await watcher.until(4)).slice(2)).toEqual([
      disconnected('busy', clientIdOf(one)),
      disconnected('busy', clientIdOf(two)),
    ])
    expect(await seen()).toEqual(['offline', 'offline', 0])
    await using stranger = await open('?agent_id=stranger&global=0', own)
    expect(stranger.closed).toBeNull()
    expect((await own.call('GET', '/agents/stranger')).status).toBe(404)
  })
})

describe('a server that stops', () => {
  it('[PR6] disconnects all agents first', async () => {
    await using own = await startTestServer()
    await using socket = await open('?agent_id=left&global=0', own)
    await using other = await RawSocket.open(own.url, '/ws?agent_id=deaf&global=0')
    await other.until('its opening', () => other.messages.length === 2)
    await own.restart()
    const { cursor } = await own.get<{ cursor: string }>('/cursor')
    const log = await readLog(own.url, 'earliest', cursor)
    const story = log.map(({ type, data }) => `${type} ${data.agent_id} ${data.client_id}`)
    expect(story.slice(0, 2)).toEqual([
      `agent.connected left ${clientIdOf(socket)}`,
      `agent.connected deaf ${clientIdOf(other)}`,
    ])
    expect(story.slice(2).sort()).toEqual([
      `agent.disconnected deaf ${clientIdOf(other)}`,
      `agent.disconnected left ${clientIdOf(socket)}`,
    ])
  })

  it('[PR6] without a shutdown leaves that to the next server, which does it before it listens', async () => {
    await using child = await ChildServer.start()
    using api = createApiClient(child.url)
    const socket = await open('?agent_id=orphan&session_id=s&global=0', child)
    const second = await open('?agent_id=orphan&global=0', child)
    const start = await api.get('/cursor')
    await second.ask({ type: 'auth', agent_id: 'renamed' })
    // It is acknowledged before others see it.
    await eventually('the new name', async () => {
      const { cursor } = await api.get('/cursor')
      const log = await readLog(child.url, start.cursor, cursor)
      return log.some(({ type, data }) => type === 'agent.connected' && data.agent_id === 'renamed')
    })
    const ids = [clientIdOf(socket), clientIdOf(second)]
    const before = await api.get('/cursor')
    await child.stop('SIGKILL')
    await socket.untilClosed()
    await child.start()
    const after = await api.get('/cursor')
    const log = await readLog(child.url, before.cursor, after.cursor)
    expect(log.map(({ type, data }) => [type, data])).toEqual([
      ['agent.disconnected', { agent_id: 'orphan', client_id: ids[0], session_id: 's' }],
      ['agent.disconnected', { agent_id: 'renamed', client_id: ids[1], session_id: null }],
    ])
    // A client that comes back is a new socket. After a clean shutdown there is nothing to clean up.
    const back = await open('?agent_id=orphan&global=0', child)
    expect(ids).not.toContain(clientIdOf(back))
    expect(await child.stop('SIGTERM')).toBe(0)
    expect((await back.untilClosed()).code).toBe(1001)
    await child.start()
    const end = await api.get('/cursor')
    const rest = await readLog(child.url, after.cursor, end.cursor)
    expect(rest.map(({ type, data }) => [type, data.client_id])).toEqual([
      ['agent.connected', clientIdOf(back)],
      ['agent.disconnected', clientIdOf(back)],
    ])
    expect(child.errors).toBe('')
  })
})
