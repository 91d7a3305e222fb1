/**
 * Clients written without this project: a bare socket, JSON.parse and a switch over the type. They come from earlier
 * systems and work here unchanged.
 */
import { expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { BoardState, Card } from '../../shared/src/types/kanban.ts'
import type { Message } from '../../shared/src/types/messages.ts'
import { boardState, makeBoard, makeCard, makeWork } from '../support/board.ts'
import { startTestServer } from '../support/server.ts'

// biome-ignore lint/suspicious/noExplicitAny: these clients have no types for what they receive.
type Anything = any

/** Connects as they do: an address and handlers. */
function connect(url: string, onOpen: (ws: WebSocket) => void, onMessage: (message: Anything) => void): WebSocket {
  const ws = new WebSocket(url.replace('http', 'ws'))
  ws.onopen = () => onOpen(ws)
  ws.onmessage = (event) => onMessage(JSON.parse(String(event.data)))
  onTestFinished(() => ws.close())
  return ws
}

it('[W20] [W24] [W34] [W35] [W39] an agent that listens to everything, messages another agent, and pings every 25 s', async () => {
  await using server = await startTestServer()
  const log: string[] = []
  const heard: Anything[] = []
  let clientId = ''
  let pongs = 0
  let publishedAs = ''

  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const ws = connect(
    `${server.url}/ws?agent_id=my-agent`,
    (socket) => {
      socket.send(JSON.stringify({ type: 'subscribe', channel: 'global', id: '1' }))
      socket.send(
        JSON.stringify({
          type: 'publish',
          channel: 'agents/other-agent',
          event: 'message.new',
          data: { from_agent: 'my-agent', to_agent: 'other-agent', content: { text: 'Hello' }, priority: 7 },
          id: '2',
        }),
      )
      setInterval(() => socket.send(JSON.stringify({ type: 'ping', timestamp: Date.now() })), 25_000)
    },
    (message) => {
      switch (message.type) {
        case 'connected':
          clientId = message.client_id
          break
        case 'ack':
          log.push(`${message.id} ${message.success ? 'ok' : message.error}`)
          if (message.id === '2') publishedAs = message.eventId
          break
        case 'pong':
          pongs += 1
          break
        case 'event':
          heard.push(message)
          break
        case 'error':
          log.push(`error ${message.code} ${message.message}`)
          break
        default:
          log.push(`unknown ${message.type}`)
      }
    },
  )
  await vi.waitFor(() => expect(log).toEqual(['1 ok', '2 ok']))
  await vi.waitFor(() => expect(heard.map(({ id }) => id)).toContain(publishedAs))
  const message = heard.find(({ id }) => id === publishedAs)
  expect(message).toMatchObject({
    channel: 'global',
    event: 'message.new',
    data: { from_agent: 'my-agent', to_agent: 'other-agent', content: { text: 'Hello' }, priority: 7 },
    timestamp: expect.any(Number),
  })
  expect(clientId).toMatch(/^[\w-]{20,}$/)
  // A minute passes, for the client alone.
  for (let n = 0; n < 2; n++) vi.advanceTimersByTime(25_000)
  await vi.waitFor(() => expect(pongs).toBe(2))
  const { messages } = await server.get<{ messages: Message[] }>('/agents/other-agent/messages')
  expect(messages).toMatchObject([{ from_agent: 'my-agent', content: { text: 'Hello' }, read_by: [] }])
  expect(ws.readyState).toBe(WebSocket.OPEN)
  expect(log).toEqual(['1 ok', '2 ok'])
})

it('[W24] [W31] an issue tracker that shows one issue, and the agent that works on it', async () => {
  await using server = await startTestServer()
  const { boardId, card, attempt } = await makeWork(server)
  const subscribed = new Set<string>()
  const issue: { status?: string; title?: string; agent?: string } = {}
  const output: string[] = []
  const unknown: string[] = []

  const ws = connect(
    `${server.url}/ws`,
    (socket) => {
      socket.send(JSON.stringify({ type: 'subscribe', channel: `issue:${card.id}` }))
      socket.send(JSON.stringify({ type: 'subscribe', channel: `agent:${attempt.agent}` }))
    },
    (message) => {
      if (message.type === 'subscribed') subscribed.add(message.channel)
      if (message.type === 'unsubscribed') subscribed.delete(message.channel)
      if (message.type === 'error') unknown.push(message.code)
      if (message.type !== 'event') return
      switch (message.event) {
        case 'issue_updated':
          Object.assign(issue, message.data.changes)
          break
        case 'status_changed':
          issue.status = message.data.newStatus
          break
        case 'agent_assigned':
          issue.agent = message.data.agentId
          break
        case 'output':
          output.push(message.data.content)
          break
        case 'output_batch':
          output.push(...message.data.lines)
          break
      }
    },
  )
  await vi.waitFor(() => expect([...subscribed]).toEqual([`issue:${card.id}`, `agent:${attempt.agent}`]))
  await server.call('PATCH', `/cards/${card.id}`, { title: 'A better title', assignedAgentId: attempt.agent })
  await server.call('POST', `/cards/${card.id}/move`, { columnKey: 'review' })
  await server.post(`/agents/${attempt.agent}/output`, { content: 'thinking' })
  await server.post(`/agents/${attempt.agent}/output`, { lines: ['$ npm test', 'ok'] })
  await vi.waitFor(() => expect(output).toEqual(['thinking', '$ npm test', 'ok']))
  expect(issue).toMatchObject({ title: 'A better title', status: 'review', agent: attempt.agent })
  ws.send(JSON.stringify({ type: 'unsubscribe', channel: `issue:${card.id}` }))
  await vi.waitFor(() => expect([...subscribed]).toEqual([`agent:${attempt.agent}`]))
  await server.call('PATCH', `/cards/${card.id}`, { title: 'Unseen' })
  await server.post(`/agents/${attempt.agent}/output`, { content: 'done' })
  await vi.waitFor(() => expect(output).toContain('done'))
  expect(issue.title).toBe('A better title')
  expect(unknown).toEqual([])
  expect(boardId).toBeTruthy()
})

it('[W1] [W10] [W13] [W14] a board that two people look at', async () => {
  await using server = await startTestServer()
  const board = await makeBoard(server)
  const before = await makeCard(server, board.id, { title: 'Was there' })

  /** A page that shows the last state and the results of its commands. */
  function page() {
    let next = 0
    const seen: { state?: BoardState; answers: Record<number, Anything>; errors: string[] } = {
      answers: {},
      errors: [],
    }
    const ws = connect(
      `${server.url}/ws?boardId=${board.id}`,
      (socket) => socket.send(JSON.stringify({ type: 'get_state' })),
      ({ type, payload }) => {
        if (type === 'state') seen.state = payload
        else if (type === 'ack') seen.answers[payload.id] = payload
        else if (type === 'error') seen.errors.push(payload.error)
        else if (type === 'ping') ws.send(JSON.stringify({ type: 'pong' }))
      },
    )
    function send(type: string, payload: object): number {
      next += 1
      ws.send(JSON.stringify({ type, payload, id: next }))
      return next
    }
    return { seen, send, ws }
  }
  const titles = ({ seen }: ReturnType<typeof page>) =>
    Object.values<Card>(seen.state?.cards ?? {}).map(({ title }) => title)

  const [ann, bob] = [page(), page()]
  await vi.waitFor(() => expect([titles(ann), titles(bob)]).toEqual([['Was there'], ['Was there']]))
  const columnId = ann.seen.state?.columnOrder[0]
  const asked = ann.send('create_card', { columnId, title: 'By Ann' })
  await vi.waitFor(() => expect(ann.seen.answers[asked]).toMatchObject({ success: true }))
  await vi.waitFor(() => expect([titles(ann), titles(bob)]).toEqual(Array(2).fill(['Was there', 'By Ann'])))
  bob.send('update_card', { cardId: before.id, title: 'Is there' })
  bob.send('move_card', { cardId: before.id, toColumnId: ann.seen.state?.columnOrder[2], toIndex: 0 })
  await vi.waitFor(() => expect(ann.seen.state?.cards[before.id]?.columnId).toBe(ann.seen.state?.columnOrder[2]))
  const refused = ann.send('delete_card', { cardId: 'not-there' })
  await vi.waitFor(() => {
    expect(ann.seen.answers[refused]).toMatchObject({ success: false, code: 'card_not_found' })
  })
  ann.ws.send(JSON.stringify({ type: 'delete_card', payload: { cardId: before.id } }))
  await vi.waitFor(() => expect([titles(ann), titles(bob)]).toEqual([['By Ann'], ['By Ann']]))
  expect(bob.seen.state).toEqual(await boardState(server, board.id))
  expect([ann.seen.errors, bob.seen.errors]).toEqual([[], []])
})
