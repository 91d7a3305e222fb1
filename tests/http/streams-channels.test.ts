/** What shows on which channel, and how. Rules K1 to K9. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appendLines, makeAttempt, makeBoard, makeCard, makeWork, stats } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const names = ({ frames }: Listener) => frames.map(({ event }) => event)
/** Channel and name of every event after the opening. */
const shown = ({ frames }: Listener) =>
  frames.filter(({ event }) => !/^(hello|state)$/.test(event)).map(({ data }) => `${data.channel} ${data.event}`)

describe('names of channels', () => {
  it('[K2] [K3] both spellings are the same channel, and envelopes use the first', async () => {
    const { card, attempt } = await makeWork(server)
    const pairs = [
      [`issue:${card.id}`, `card:${card.id}`],
      [`agent:${attempt.agent}`, `agents/${attempt.agent}`],
      ['global', '*'],
    ] as const
    for (const [name, spelling] of pairs) {
      await using one = await listen(server.url, `/sse?channels=${name}`)
      await using other = await listen(server.url, `/sse?channels=${spelling}`)
      const { eventId } = await server.call('PATCH', `/cards/${card.id}`, { assignedAgentId: attempt.agent })
      await Promise.all([one.id(eventId), other.id(eventId)])
      expect(other.frames.slice(1)).toEqual(one.frames.slice(1))
      for (const { data } of one.frames.slice(1)) expect(data.channel).toBe(name)
      await server.call('PATCH', `/cards/${card.id}`, { assignedAgentId: null })
    }
  })

  it('[K2] count as one channel', async () => {
    await using listener = await listen(
      server.url,
      '/sse?channels=topics/t,topic:t,shell:s,shell:terminal:s,sessions/x,session:x',
    )
    const { channelStats } = await stats(server)
    expect(channelStats).toEqual({ 'topic:t': 1, 'shell:terminal:s': 1, 'session:x': 1 })
    expect(names(listener)).toEqual(['hello'])
  })
})

describe('envelopes', () => {
  it('[K4] [K5] wrap every event, with the id reached for those that are not stored', async () => {
    const { boardId, attempt } = await makeWork(server)
    await using listener = await listen(server.url, `/sse?channels=board:${boardId};full,attempt:${attempt.id}`)
    const { eventId } = await makeCard(server, boardId)
    await listener.id(eventId)
    await server.post('/agents', { id: attempt.agent })
    await listener.frame('agent_registered')
    for (const { data, event, text, id } of listener.frames) {
      const actor = ['hello', 'state'].includes(event) ? [] : ['actor']
      expect(Object.keys(data)).toEqual(['channel', 'event', 'data', 'timestamp', ...actor, 'id'])
      expect(data.event).toBe(event)
      expect(Math.abs(data.timestamp - Date.now())).toBeLessThan(60_000)
      expect(id ?? data.id).toBe(data.id)
      expect(text).toBe(JSON.stringify(data))
    }
    expect(listener.frames.map(({ data }) => [data.channel, data.event, data.id])).toEqual([
      ['*', 'hello', attempt.eventId],
      [`board:${boardId}`, 'state', attempt.eventId],
      [`board:${boardId}`, 'state', eventId],
      ['*', 'agent_registered', listener.lastEventId],
    ])
  })
})

describe('an event on several channels', () => {
  it('[K6] shows once per name, on the channel that was named first', async () => {
    const { boardId, attempt, card } = await makeWork(server)
    const [board, one, issue, project] = [
      `board:${boardId}`,
      `attempt:${attempt.id}`,
      `issue:${card.id}`,
      `project:${boardId}`,
    ]
    await using a = await listen(server.url, `/sse?channels=${board},${one},${issue},${project}`)
    await using b = await listen(server.url, `/sse?channels=${project},${one},${issue},${board}`)
    await appendLines(server, attempt.id, ['line'])
    const { eventId } = await server.call('PATCH', `/cards/${card.id}`, { title: 'Other' })
    await Promise.all([a.id(eventId), b.id(eventId)])
    expect(shown(a)).toEqual([`${board} attempt_log`, `${board} card_updated`, `${issue} issue_updated`])
    expect(shown(b)).toEqual([`${one} attempt_log`, `${board} card_updated`, `${project} issue_updated`])
  })

  it('[K6] shows once when it has its domain name on another channel too', async () => {
    const { boardId } = await makeWork(server)
    await using a = await listen(server.url, `/sse?channels=global,project:${boardId}`)
    await using b = await listen(server.url, `/sse?channels=project:${boardId},global`)
    const bare = { operation: 'rebase', ok: true, details: null }
    const { eventId } = await server.post(`/boards/${boardId}/git/operations`, { operation: 'rebase', ok: true })
    await Promise.all([a.id(eventId), b.id(eventId)])
    expect(a.frames.slice(1).map(({ data }) => [data.channel, data.data])).toEqual([['global', { boardId, ...bare }]])
    expect(b.frames.slice(1).map(({ data }) => [data.channel, data.data])).toEqual([[`project:${boardId}`, bare]])
  })

  it('[K7] is sent as consecutive SSE events, the last of them with the id', async () => {
    const { boardId, attempt, card } = await makeWork(server)
    const channels = `board:${boardId},agent:claude,global,issue:${card.id}`
    await using live = await listen(server.url, `/sse?channels=${channels}`)
    const { eventId } = await server.call('PATCH', `/cards/${card.id}`, { assignedAgentId: 'claude' })
    await live.id(eventId)
    await using replayed = await listen(server.url, `/sse?channels=${channels}&since=${attempt.eventId}`)
    await replayed.id(eventId)
    for (const listener of [live, replayed]) {
      const frames = listener.frames.filter(({ event }) => !/^(hello|state)$/.test(event))
      expect(new Set(frames.map(({ event }) => event))).toEqual(
        new Set(['card_updated', 'agent_assigned', 'card.assigned']),
      )
      expect(frames).toHaveLength(3)
      expect(frames.map(({ id }) => id)).toEqual([undefined, undefined, eventId])
      expect(frames.map(({ data }) => data.id)).toEqual([eventId, eventId, eventId])
      expect(frames.find(({ event }) => event === 'agent_assigned')?.data.channel).toBe('agent:claude')
    }
  })
})

describe('the channels of a board', () => {
  it('[K3] project: and issue: show the card as an issue', async () => {
    const board = await makeBoard(server)
    const card = await makeCard(server, board.id)
    await using project = await listen(server.url, `/sse?channels=project:${board.id}`)
    await using issue = await listen(server.url, `/sse?channels=issue:${card.id}`)
    await makeCard(server, board.id, { title: 'another' })
    await server.call('PATCH', `/cards/${card.id}`, { title: 'Other' })
    await server.call('PATCH', `/cards/${card.id}`, { stage: 'TODO' })
    await server.call('PATCH', `/cards/${card.id}`, { assignedAgentId: 'claude' })
    await server.call('POST', `/cards/${card.id}/move`, { columnKey: 'review' })
    await server.call('POST', `/cards/${card.id}/move`, { columnKey: 'review', index: 0 })
    await server.post(`/boards/${board.id}/git/operations`, { operation: 'rebase', ok: false, details: { at: 'main' } })
    await server.post(`/boards/${board.id}/files/changes`, { changes: [{ path: 'a.ts', kind: 'modified' }] })
    const attempt = await makeAttempt(server, card.id, { agent: 'claude' })
    const { eventId } = await server.call('DELETE', `/cards/${card.id}`)
    await Promise.all([project.id(eventId), issue.id(eventId)])
    const own = [
      ['issue_updated', { issueId: card.id, changes: { title: 'Other' } }],
      ['stage_changed', { issueId: card.id, oldStage: null, newStage: 'TODO' }],
      ['agent_assigned', { issueId: card.id, agentId: 'claude' }],
      ['status_changed', { issueId: card.id, oldStatus: 'backlog', newStatus: 'review' }],
    ]
    const started = ['agent_started', { agentId: 'claude', issueId: card.id, stage: 'TODO' }]
    const moved = ['status_changed', { issueId: card.id, oldStatus: 'review', newStatus: 'in_progress' }]
    const deleted = ['issue_deleted', { issueId: card.id }]
    const payloads = ({ frames }: Listener) => frames.slice(1).map(({ data }) => [data.event, data.data])
    expect(payloads(issue)).toEqual([...own, started, moved, deleted])
    expect(payloads(project)).toEqual([
      ['issue_created', { issueId: expect.any(String), issue: expect.objectContaining({ title: 'another' }) }],
      ...own,
      ['git.operation.completed', { operation: 'rebase', ok: false, details: { at: 'main' } }],
      ['file.changed', { path: 'a.ts', kind: 'modified' }],
      moved,
      deleted,
    ])
    expect(attempt.status).toBe('running')
  })

  it('[K3] attempt: and agent: show the work', async () => {
    const board = await makeBoard(server)
    const card = await makeCard(server, board.id, { assignedAgentId: 'agent-of-work' })
    const attempt = await makeAttempt(server, card.id, { agent: 'agent-of-work', status: 'queued' })
    await using work = await listen(server.url, `/sse?channels=attempt:${attempt.id}`)
    await using agent = await listen(server.url, '/sse?channels=agent:agent-of-work')
    await server.call('PATCH', `/attempts/${attempt.id}`, { status: 'running' })
    await appendLines(server, attempt.id, ['line'])
    await server.call('PUT', `/attempts/${attempt.id}/todos`, { items: [{ text: 'Test', status: 'open' }] })
    await server.post(`/attempts/${attempt.id}/session`, { sessionId: 's-1' })
    const { eventId } = await server.call('PATCH', `/attempts/${attempt.id}`, { status: 'failed' })
    await work.id(eventId)
    expect(shown(work).map((text) => text.split(' ')[1])).toEqual([
      'attempt_status',
      'attempt_started',
      'attempt_log',
      'attempt_todos',
      'attempt_session',
      'attempt_status',
    ])
    await agent.frame('output_batch')
    expect(shown(agent)).toEqual(['agent:agent-of-work agent_started', 'agent:agent-of-work output_batch'])
  })

  it('[K8] [K9] global shows everything under its domain name, with the whole payload', async () => {
    await using listener = await listen(server.url, '/sse?channels=global')
    const { boardId, card, attempt } = await makeWork(server)
    await appendLines(server, attempt.id, ['line'])
    const { eventId } = await server.post('/agents', { id: 'known', label: 'Known' })
    await listener.id(eventId)
    expect(shown(listener)).toEqual([
      'global board.created',
      'global card.created',
      'global attempt.queued',
      'global attempt.status.changed',
      'global attempt.started',
      'global card.moved',
      'global attempt.log.appended',
      '* agent_registered',
      'global agent.registered',
    ])
    const ids = { boardId, cardId: card.id, agentId: attempt.agent, attemptId: attempt.id }
    expect((await listener.frame('attempt.log.appended')).data.data).toEqual({
      ...ids,
      level: 'info',
      message: 'line',
      ts: expect.any(String),
    })
    expect(listener.frames.at(-1)?.data.data).toEqual({ agentId: 'known', agent: 'known', label: 'Known' })
  })
})
