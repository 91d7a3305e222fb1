/** How streams of boards and agents open, and what follows. Rules Y1 to Y7, Y11 to Y13. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { applyEvent } from '../../shared/src/apply-event.ts'
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { appendLines, boardState, makeAttempt, makeBoard, makeCard, makeWork, positionOf } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const names = ({ frames }: Listener) => frames.map(({ event }) => event)

/** The state that results from the events of a board stream in the diff view. */
function folded({ frames }: Listener): BoardState {
  const [hello, state, ...rest] = frames
  expect([hello?.event, state?.event]).toEqual(['hello', 'state'])
  return rest.reduce<BoardState>(applyEvent, state?.data)
}

describe('a board stream', () => {
  it('[Y1] [Y3] opens with hello, state, and the newest attempt of every card, newest first', async () => {
    const board = await makeBoard(server)
    const cards = [await makeCard(server, board.id), await makeCard(server, board.id), await makeCard(server, board.id)]
    const [one, two, three] = cards.map(({ id }) => id) as [string, string, string]
    const older = await makeAttempt(server, one)
    await server.call('PATCH', `/attempts/${older.id}`, { status: 'failed', exitCode: 3, error: 'lost' })
    const second = await makeAttempt(server, two, { status: 'queued' })
    const third = await makeAttempt(server, three)
    await server.call('PATCH', `/attempts/${third.id}`, { status: 'failed', exitCode: 3, error: 'lost' })
    const newest = await makeAttempt(server, one)
    for (const view of ['full', 'diff']) {
      await using listener = await listen(server.url, `/sse?boardId=${board.id}&view=${view}&limit=1`)
      await listener.until('the statuses', () => listener.named('attempt_status').length === 3)
      expect(names(listener)).toEqual(['hello', 'state', 'attempt_status', 'attempt_status', 'attempt_status'])
      const statuses = listener.named('attempt_status').map(({ data }) => data)
      expect(statuses.map(({ attemptId }) => attemptId)).toEqual([newest.id, third.id, second.id])
      const ended = { endedAt: expect.stringMatching(/Z$/), exitCode: 3, error: 'lost' }
      const open = { endedAt: null, exitCode: null, error: null }
      expect(statuses).toEqual([
        {
          attemptId: newest.id,
          cardId: one,
          agent: newest.agent,
          status: 'running',
          previousStatus: 'queued',
          ...open,
          replayed: true,
        },
        {
          attemptId: third.id,
          cardId: three,
          agent: third.agent,
          status: 'failed',
          previousStatus: 'running',
          ...ended,
          replayed: true,
        },
        {
          attemptId: second.id,
          cardId: two,
          agent: second.agent,
          status: 'queued',
          previousStatus: null,
          ...open,
          replayed: true,
        },
      ])
    }
  })

  it('[Y2] state is the server’s state at its id', async () => {
    const { boardId, attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?boardId=${boardId}`)
    const { data, id } = await listener.frame('state')
    expect(data).toEqual(await boardState(server, boardId))
    expect(Object.keys(data)).toEqual(['boardId', 'columns', 'columnOrder', 'cards'])
    expect(id).toBe(attempt.eventId)
  })

  it('[Y4] the first change after a pause shows at once, and the last of many is not lost', async () => {
    const board = await makeBoard(server)
    const card = await makeCard(server, board.id)
    await using listener = await listen(server.url, `/sse?boardId=${board.id}`)
    await listener.frame('state')
    const from = listener.frames.length
    const began = performance.now()
    const first = await server.call('PATCH', `/cards/${card.id}`, { title: '0' })
    let last = first
    for (let change = 1; change <= 60; change++) {
      last = await server.call('PATCH', `/cards/${card.id}`, { title: `${change}` })
    }
    await listener.id(last.eventId)
    const elapsedMs = performance.now() - began
    const states = listener.frames.slice(from)
    expect(new Set(states.map(({ event }) => event))).toEqual(new Set(['state']))
    // Its id shows that it was rendered before the second change, which was requested when the first was answered.
    expect(states[0]?.id).toBe(first.eventId)
    expect(states.length).toBeLessThanOrEqual(Math.floor(elapsedMs / 99) + 2)
    expect(states.length).toBeLessThan(60)
    expect(states.at(-1)?.data.cards[card.id].title).toBe('60')
    expect(states.at(-1)?.data).toEqual(await boardState(server, board.id))
  })

  it('[Y4] every state is exact at its id, whenever the changes come', async () => {
    const board = await makeBoard(server)
    await using listener = await listen(server.url, `/sse?boardId=${board.id}`)
    const changes = Array.from({ length: 100 }, (_, n) => makeCard(server, board.id, { title: `${n}` }))
    const last = (await Promise.all(changes)).map(({ eventId }) => positionOf(eventId)).sort((a, b) => b - a)[0] ?? 0
    await listener.until('the last state', () => positionOf(listener.lastEventId ?? '') >= last)
    const before = positionOf(board.eventId)
    for (const { id, data } of listener.named('state')) {
      expect(Object.keys(data.cards)).toHaveLength(positionOf(id ?? '') - before)
    }
  })

  it('[Y4] a change of another board renders no state', async () => {
    const [board, other] = [await makeBoard(server), await makeBoard(server)]
    await using listener = await listen(server.url, `/sse?boardId=${board.id}`)
    await makeCard(server, other.id)
    const { eventId } = await makeCard(server, board.id)
    await listener.id(eventId)
    expect(names(listener)).toEqual(['hello', 'state', 'state'])
  })

  it('[Y5] [Y6] [Y7] shows the changes of cards and columns in the diff view, the rest in both', async () => {
    const { boardId, card, attempt } = await makeWork(server)
    await using full = await listen(server.url, `/sse?boardId=${boardId}`)
    await using diff = await listen(server.url, `/sse?boardId=${boardId}&view=diff`)
    const { body: column } = await server.call('POST', `/boards/${boardId}/columns`, { title: 'QA' })
    await server.call('PATCH', `/columns/${column.id}`, { title: 'Quality' })
    await server.call('DELETE', `/columns/${column.id}`)
    await server.call('PATCH', `/boards/${boardId}`, { name: 'New' })
    await server.call('PATCH', `/cards/${card.id}`, { title: 'Other', stage: 'TODO', assignedAgentId: 'claude' })
    await appendLines(server, attempt.id, ['line'])
    await server.post(`/boards/${boardId}/git/commits`, { shortSha: '3f2a9bc', subject: 'Resume' })
    const made = await makeCard(server, boardId)
    await server.call('DELETE', `/cards/${made.id}`)
    const { eventId } = await server.post(`/boards/${boardId}/git/pushes`, { remote: 'origin', branch: 'main' })
    await Promise.all([full.id(eventId), diff.id(eventId)])
    const both = ['board_updated', 'attempt_log', 'git_commit', 'git_push']
    expect(
      names(full)
        .slice(3)
        .filter((name) => name !== 'state'),
    ).toEqual(both)
    expect(names(diff).slice(3)).toEqual([
      'column_created',
      'column_updated',
      'column_deleted',
      'board_updated',
      'card_updated',
      'card_updated',
      'card_updated',
      'attempt_log',
      'git_commit',
      'card_created',
      'card_deleted',
      'git_push',
    ])
    expect(folded(diff)).toEqual(await boardState(server, boardId))
  })

  it('[Y13] misses nothing that is committed while it opens, and sees nothing twice', async () => {
    const board = await makeBoard(server)
    const cards = [await makeCard(server, board.id), await makeCard(server, board.id)]
    let changing = true
    const changes = (async () => {
      let last = ''
      for (let n = 0; changing; n++) {
        const card = cards[n % 2]!
        const answers = await Promise.all([
          server.call('POST', `/cards/${card.id}/move`, {
            columnKey: ['backlog', 'in_progress', 'review'][n % 3],
            index: 0,
          }),
          server.call('PATCH', `/cards/${card.id}`, { title: `${n}` }),
          n % 10 === 0 ? makeCard(server, board.id) : null,
        ])
        last = answers.map((answer) => answer?.eventId ?? '').sort((a, b) => positionOf(b) - positionOf(a))[0] ?? last
      }
      return last
    })()
    const diffs = await Promise.all(
      Array.from({ length: 30 }, () => listen(server.url, `/sse?boardId=${board.id}&view=diff&types=state,card_*`)),
    )
    const fulls = await Promise.all(Array.from({ length: 10 }, () => listen(server.url, `/sse?boardId=${board.id}`)))
    changing = false
    const last = positionOf(await changes)
    const state = await boardState(server, board.id)
    for (const diff of diffs) {
      await diff.until('the last change', () => positionOf(diff.lastEventId ?? '') >= last)
      const ids = diff.frames.flatMap(({ id }) => (id === undefined ? [] : [positionOf(id)]))
      const first = ids[0] ?? 0
      expect(ids).toEqual(Array.from({ length: ids.length }, (_, n) => first + n))
      expect(folded(diff)).toEqual(state)
      diff.close()
    }
    for (const full of fulls) {
      await full.until('the last state', () => positionOf(full.named('state').at(-1)?.id ?? '') >= last)
      expect(full.named('state').at(-1)?.data).toEqual(state)
      full.close()
    }
  })
})

describe('a channel stream', () => {
  it('[Y11] opens with the snapshots of its channels in order, and without statuses', async () => {
    const [one, two] = [await makeWork(server), await makeWork(server)]
    const channels = `agent:a,board:${two.boardId};full,dashboard,topic:t,board:${one.boardId},project:${one.boardId}`
    await using listener = await listen(server.url, `/sse?channels=${channels}`)
    const { eventId } = await appendLines(server, one.attempt.id, ['line'])
    await listener.id(eventId)
    expect(listener.frames.map(({ event, data }) => [event, data.channel])).toEqual([
      ['hello', '*'],
      ['state', `board:${two.boardId}`],
      ['dashboard_overview', 'dashboard'],
      ['state', `board:${one.boardId}`],
      ['attempt_log', `board:${one.boardId}`],
    ])
    expect(new Set(listener.frames.slice(0, 4).map(({ data }) => data.id)).size).toBe(1)
  })
})

describe('/events/AGENT', () => {
  it('[Y12] [S10] shows the output of the agent, bare, and nothing else', async () => {
    const { attempt, card } = await makeWork(server)
    await using listener = await listen(server.url, `/events/${attempt.agent}`)
    await using narrowed = await listen(server.url, `/events/${attempt.agent}?types=output,agent_assigned`)
    await server.post('/agents', { id: attempt.agent, label: 'Known' })
    await server.call('PATCH', `/cards/${card.id}`, { assignedAgentId: attempt.agent })
    const { eventId } = await appendLines(server, attempt.id, ['one', 'two'])
    expect(await listener.id(eventId)).toMatchObject({
      event: 'output_batch',
      data: { timestamp: expect.any(Number), lines: ['one', 'two'] },
    })
    expect(names(listener)).toEqual(['hello', 'output_batch'])
    expect(names(narrowed)).toEqual(['hello'])
  })

  it('[Y12] resumes, limits and refuses like other streams', async () => {
    const { attempt } = await makeWork(server)
    await appendLines(server, attempt.id, ['one', 'two'])
    await using listener = await listen(server.url, `/events/${attempt.agent}?since=${attempt.eventId}&limit=1`)
    await listener.untilClosed()
    expect(names(listener)).toEqual(['hello', 'output_batch'])
    expect((await fetch(`${server.url}/events/not%20one`)).status).toBe(400)
  })
})
