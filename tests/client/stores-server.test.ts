/** Every store against a real server: its value equals the server's answer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Overview } from '../../shared/src/types/dashboard.ts'
import type { Session } from '../../shared/src/types/sessions.ts'
import type { Shell } from '../../shared/src/types/shells.ts'
import type { WorkflowRun, WorkflowStep } from '../../shared/src/types/workflows.ts'
import { createClient, type Hub } from '../../web/client/index.ts'
import { agent } from '../../web/client/stores/agent.ts'
import { session } from '../../web/client/stores/session.ts'
import { shell } from '../../web/client/stores/shell.ts'
import { workflowRun } from '../../web/client/stores/workflow-run.ts'
import {
  appendLines,
  boardState,
  deleteBoard,
  makeAttempt,
  makeBoard,
  makeCard,
  makeWork,
  stats,
} from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { until } from './support/until.ts'

let server: TestServer
let hub: Hub

beforeAll(async () => {
  server = await startTestServer()
  hub = createClient({ baseUrl: server.url, share: 'none' })
})
afterAll(async () => {
  hub.close()
  await server[Symbol.asyncDispose]()
})

/** Keeps a store open during a test. */
function reading(store: { subscribe(listener: () => void): () => void }): Disposable {
  const undo = store.subscribe(() => undefined)
  return { [Symbol.dispose]: undo }
}

test('[CB7] a mutation before the stores are loaded waits for them, and shows on a board that is being opened', async () => {
  const { id } = await makeBoard(server)
  const board = hub.board(id)
  using _ = reading(board)
  expect(board.get()).toEqual({ phase: 'loading', error: null, state: null, pending: 0 })
  const made = hub.mutate.createCard({ boardId: id, title: 'early' })
  await until(board, 'the guess', ({ pending }) => pending === 1)
  const { id: cardId } = await made
  expect((await until(board, 'the card', ({ state }) => !!state?.cards[cardId])).state).toEqual(
    await boardState(server, id),
  )
})

test('[CB2] a board equals the server’s, whatever happens to it', async () => {
  const { id } = await makeBoard(server)
  const board = hub.board(id)
  using _ = reading(board)
  await until(board, 'live', ({ phase }) => phase === 'live')
  const one = await makeCard(server, id, { title: 'one' })
  const two = await makeCard(server, id, { title: 'two', dependsOn: [one.id] })
  await server.post(`/cards/${one.id}/move`, { columnKey: 'done' })
  await server.call('PATCH', `/cards/${two.id}`, { title: 'second', labels: ['a'] })
  await makeAttempt(server, two.id)
  const column = await server.post<{ id: string }>(`/boards/${id}/columns`, { title: 'Later', index: 0 })
  await server.call('PATCH', `/columns/${column.id}`, { title: 'Much later', index: 2 })
  await server.call('DELETE', `/cards/${one.id}`)
  const truth = await boardState(server, id)
  expect(
    (await until(board, 'the last card', ({ state }) => !state?.cards[one.id] && !!state?.cards[two.id])).state,
  ).toEqual(truth)
})

test('[CB2] also after a restart of the server', async () => {
  await using server = await startTestServer()
  const { id } = await makeBoard(server)
  const hub = createClient({ baseUrl: server.url, share: 'none', backoff: { firstMs: 50, maxMs: 100 } })
  const board = hub.board(id)
  using _ = reading(board)
  await until(board, 'live', ({ phase }) => phase === 'live')
  await server.restart()
  const { id: cardId } = await makeCard(server, id)
  const value = await until(board, 'the card', ({ state, phase }) => phase === 'live' && !!state?.cards[cardId])
  expect(value.state).toEqual(await boardState(server, id))
  hub.close()
})

test('[CB6] a deleted board is gone, and the others go on', async () => {
  const [one, two] = [await makeBoard(server), await makeBoard(server)]
  const [first, second] = [hub.board(one.id), hub.board(two.id)]
  using _ = reading(first)
  using __ = reading(second)
  await until(first, 'live', ({ phase }) => phase === 'live')
  await until(second, 'live', ({ phase }) => phase === 'live')
  await deleteBoard(server, one.id)
  await until(first, 'gone', ({ phase }) => phase === 'gone')
  const { id } = await makeCard(server, two.id)
  await until(second, 'the card', ({ state, phase }) => phase === 'live' && !!state?.cards[id])
})

test('[CB6] a board that is created later comes with reconnect, with other boards or alone, and again after a deletion', async () => {
  const { id: other } = await makeBoard(server)
  for (const isAlone of [true, false]) {
    const name = `later-${isAlone}`
    const hub = createClient({ baseUrl: server.url, share: 'none' })
    using _ = isAlone ? undefined : reading(hub.board(other))
    const board = hub.board(name)
    using __ = reading(board)
    for (const title of ['one', 'two']) {
      await until(board, 'gone', ({ phase, error }) => phase === 'gone' && error !== null)
      await makeBoard(server, name)
      await makeCard(server, name, { title })
      hub.reconnect()
      const { state } = await until(board, 'live', ({ phase }) => phase === 'live')
      expect(Object.values(state?.cards ?? {}).map((card) => card.title)).toEqual([title])
      await deleteBoard(server, name)
    }
    hub.close()
  }
})

test('[CB3] a stream that is refused with 401 is an error', async () => {
  const refuse = async () => new Response(null, { status: 401 })
  const hub = createClient({ baseUrl: server.url, share: 'none', fetch: refuse })
  const board = hub.board('any')
  using _ = reading(board)
  const { error } = await until(board, 'the error', ({ phase }) => phase === 'error')
  expect(error).toMatchObject({ code: 'refused', status: 401 })
  hub.close()
})

test('[CB6] a board that never existed is gone, and the others go on', async () => {
  const { id } = await makeBoard(server)
  const [good, bad] = [hub.board(id), hub.board('nowhere')]
  using _ = reading(good)
  await until(good, 'live', ({ phase }) => phase === 'live')
  using __ = reading(bad)
  const { error } = await until(bad, 'gone', ({ phase }) => phase === 'gone')
  expect(error).toMatchObject({ code: 'refused', status: 404 })
  const card = await makeCard(server, id)
  await until(good, 'the card', ({ state, phase }) => phase === 'live' && !!state?.cards[card.id])
})

test('[CB1] one stream serves all stores, and a board’s events reach its attempts', async () => {
  const { boardId, attempt } = await makeWork(server)
  const stores = [
    hub.board(boardId),
    hub.attempt(attempt.id),
    hub.dashboard(),
    hub.metrics(),
    agent(hub, attempt.agent),
  ]
  const undo = stores.map((store) => store.subscribe(() => undefined))
  for (const store of stores) await until<{ phase: string }>(store, 'live', ({ phase }) => phase === 'live')
  expect((await stats(server)).connections.sse).toBe(1)
  await appendLines(server, attempt.id, ['hello'])
  await until(hub.attempt(attempt.id), 'the line', ({ lines }) => lines.at(-1)?.message === 'hello')
  await until(agent(hub, attempt.agent), 'the line', ({ output }) => output.at(-1)?.text === 'hello')
  for (const one of undo) one()
})

describe('an attempt', () => {
  test('[CB15] equals the server’s, has every line once, and is done at the end', async () => {
    const { attempt } = await makeWork(server)
    await appendLines(server, attempt.id, ['before'])
    const store = hub.attempt(attempt.id)
    using _ = reading(store)
    await until(store, 'live', ({ phase }) => phase === 'live')
    await appendLines(server, attempt.id, ['one', 'two'])
    await server.post(`/attempts/${attempt.id}/conversation`, { id: 'i', type: 'message', role: 'user', text: 'a' })
    await server.post(`/attempts/${attempt.id}/conversation`, { id: 'j', type: 'thinking', text: 'b' })
    await server.post(`/attempts/${attempt.id}/conversation`, { id: 'i', type: 'error', text: 'c' })
    await server.call('PUT', `/attempts/${attempt.id}/todos`, { items: [{ text: 'x', status: 'done' }] })
    await server.post(`/attempts/${attempt.id}/session`, { sessionId: 's1', worktreePath: '/w' })
    await server.post(`/attempts/${attempt.id}/pr`, {
      number: 1,
      url: 'https://example.com/1',
      state: 'open',
      draft: false,
    })
    expect(store.get().done).toBe(false)
    await server.call('PATCH', `/attempts/${attempt.id}`, { status: 'failed', exitCode: 3, error: 'no' })
    const value = await until(store, 'the end', ({ done }) => done)
    const truth = await server.get<{ attempt: object; todos: object; conversation: object }>(`/attempts/${attempt.id}`)
    expect({ attempt: value.attempt, todos: value.todos, conversation: value.conversation }).toEqual(truth)
    expect(value.lines).toEqual((await server.get<{ lines: object[] }>(`/attempts/${attempt.id}/logs`)).lines)
    expect(value.lineCount).toBe(3)
  })

  test('[CB15] keeps the last 1,000 lines, and counts all', async () => {
    const { attempt } = await makeWork(server)
    const store = hub.attempt(attempt.id)
    using _ = reading(store)
    await until(store, 'live', ({ phase }) => phase === 'live')
    const lines = (from: number) => Array.from({ length: 1_000 }, (_, n) => `line ${from + n}`)
    for (const from of [0, 1_000, 2_000]) await appendLines(server, attempt.id, lines(from))
    const value = await until(store, 'all lines', ({ lineCount }) => lineCount === 3_000)
    expect(value.lines.map(({ message }) => message)).toEqual(lines(2_000))
  })

  test('[CB15] lines that come while it is opened show once', async () => {
    const { attempt } = await makeWork(server)
    let printed = 0
    let isOver = false
    const printing = (async () => {
      while (!isOver) await appendLines(server, attempt.id, [`line ${printed++}`])
    })()
    for (let round = 0; round < 10; round++) {
      const hub = createClient({ baseUrl: server.url, share: 'none' })
      const store = hub.attempt(attempt.id)
      using _ = reading(store)
      const target = printed + 50
      const { lines } = await until(store, 'fifty more', (value) => value.lineCount >= target)
      expect(lines.map(({ message }) => message)).toEqual(lines.map((_, n) => `line ${printed0(lines) + n}`))
      hub.close()
    }
    isOver = true
    await printing

    function printed0(lines: ReadonlyArray<{ message: string }>): number {
      return Number(lines[0]?.message.split(' ')[1])
    }
  })
})

describe('an agent', () => {
  test('[CB19] every line shows once, however the stream joins them and whenever the store is opened', async () => {
    const id = 'printer'
    let printed = 0
    let isOver = false
    const printing = (async () => {
      while (!isOver) await server.post(`/agents/${id}/output`, { lines: [`line ${printed++}`] })
    })()
    for (let round = 0; round < 10; round++) {
      const hub = createClient({ baseUrl: server.url, share: 'none' })
      const store = agent(hub, id)
      using _ = reading(store)
      const target = printed + 100
      const { output } = await until(
        store,
        'a hundred more',
        ({ output }) => Number(output.at(-1)?.text.slice(5)) >= target,
      )
      const first = Number(output[0]?.text.slice(5))
      expect(output.map(({ text }) => text)).toEqual(output.map((_, n) => `line ${first + n}`))
      hub.close()
    }
    isOver = true
    await printing
  })

  test('[CB19] output becomes lines, and messages stay until they expire', async () => {
    const store = agent(hub, 'reader')
    await server.post('/messages', { from_agent: 'a', to_agent: 'reader', content: 'one' })
    using _ = reading(store)
    await until(store, 'live', ({ phase }) => phase === 'live')
    await server.post('/agents/reader/output', { content: 'a\r\nb\n' })
    await server.post('/agents/reader/output', { lines: ['c'] })
    await server.post('/messages', { from_agent: 'a', to_agent: 'reader', content: { two: 2 }, ttl_seconds: 1 })
    await server.post('/messages', { from_agent: 'a', content: 'to all' })
    await server.post('/messages', { from_agent: 'a', to_agent: 'other', content: 'not mine' })
    const value = await until(store, 'three', ({ messages, outputCount }) => messages.length === 3 && outputCount === 3)
    expect(value.output.map(({ text }) => text)).toEqual(['a', 'b', 'c'])
    expect(value.messages.map(({ content }) => content)).toEqual(['one', { two: 2 }, 'to all'])
    await until(store, 'its end', ({ messages }) => messages.length === 2)
  })
})

test('[CB16] a session equals the server’s, and shows when it is created', async () => {
  const id = 'sitting'
  const store = session(hub, id)
  using _ = reading(store)
  await until(store, 'gone', ({ phase }) => phase === 'gone')
  await server.post('/sessions', { id })
  await until(store, 'live', ({ phase }) => phase === 'live')
  await server.post(`/sessions/${id}/output`, {
    chunks: [{ content: 'a\u001b[1m' }, { content: '\n', type: 'stderr' }],
  })
  await server.call('PATCH', `/sessions/${id}`, { status: 'error', error: 'lost' })
  const { session: seen, messages } = await until(store, 'the end', ({ done }) => done)
  expect(seen).toEqual(await server.get<Session>(`/sessions/${id}`))
  expect(messages).toEqual((await server.get<{ chunks: object[] }>(`/sessions/${id}/output`)).chunks)
})

test('[CB17] a run and its steps equal the server’s, including skipped and cancelled steps', async () => {
  const { id } = await server.post<WorkflowRun>('/workflow-runs', { name: 'r' })
  const store = workflowRun(hub, id)
  using _ = reading(store)
  await until(store, 'live', ({ phase }) => phase === 'live')
  await server.call('PATCH', `/workflow-runs/${id}`, { status: 'running', currentStep: 'one' })
  const steps = `/workflow-runs/${id}/steps`
  const one = await server.post<WorkflowStep>(steps, { name: 'one', phase: 'build', status: 'running' })
  const two = await server.post<WorkflowStep>(steps, { name: 'two' })
  await server.call('PATCH', `${steps}/${one.id}`, { progress: { current: 1, total: 2 } })
  await server.call('PATCH', `${steps}/${one.id}`, { status: 'failed', error: 'no' })
  await server.call('PATCH', `${steps}/${two.id}`, { status: 'skipped' })
  await server.call('PATCH', `/workflow-runs/${id}`, { status: 'failed', error: 'no' })
  const truth = (await server.get<{ steps: WorkflowStep[] }>(steps)).steps
  const value = await until(store, 'the end', ({ done, steps }) => done && steps[1]?.status === 'skipped')
  expect(value.run).toEqual(await server.get<WorkflowRun>(`/workflow-runs/${id}`))
  expect(value.steps).toEqual(truth)
})

test('[CB18] a terminal equals the server’s, in chunks and in lines', async () => {
  const store = shell(hub, 'term')
  using _ = reading(store)
  await until(store, 'gone', ({ phase }) => phase === 'gone')
  await server.post('/shells', { id: 'term', command: 'ls' })
  await server.post('/shells/term/output', { chunks: [{ data: 'a\r' }, { data: '\nb' }, { data: 'c\nd' }] })
  await server.post('/shells/term/error', { error: 'oh' })
  await server.post('/shells/term/exit', { code: 2 })
  const value = await until(store, 'the end', ({ done, chunks }) => done && chunks.length === 3)
  expect(value.shell).toEqual(await server.get<Shell>('/shells/term'))
  expect(value.chunks).toEqual((await server.get<{ chunks: object[] }>('/shells/term/output')).chunks)
  expect(value.lines).toEqual(['a', 'bc', 'd'])
})

describe('the dashboard', () => {
  test('[CB13] follows the stream, and other ranges are read when it changes', async () => {
    const [week, ever] = [hub.dashboard(), hub.dashboard('all_time')]
    using _ = reading(week)
    using __ = reading(ever)
    const open = (await until(week, 'live', ({ phase }) => phase === 'live')).overview?.metrics.openCards ?? 0
    await until(ever, 'live', ({ phase }) => phase === 'live')
    const { id } = await makeBoard(server)
    await makeCard(server, id)
    for (const [store, preset] of [
      [week, 'last_7d'],
      [ever, 'all_time'],
    ] as const) {
      const value = await until(store, 'the card', ({ overview }) => overview?.metrics.openCards === open + 1)
      expect(value.overview?.timeRange.preset).toBe(preset)
      expect(value.updatedAt).toBe((value.overview as Overview).generatedAt)
    }
  })
})

test('[CB14] metrics show at once, and have a history', async () => {
  const store = hub.metrics()
  using _ = reading(store)
  const { metrics, history } = await until(store, 'two', ({ history }) => history.length >= 2)
  expect(metrics).toEqual(history.at(-1))
  expect(history.map(({ timestamp }) => timestamp)).toEqual(history.map(({ timestamp }) => timestamp).toSorted())
})
