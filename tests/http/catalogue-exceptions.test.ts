/** Exceptions to the catalogue's table: events that do not show, or show differently. Rules CAT12 to CAT19. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Card, Column } from '../../shared/src/types/kanban.ts'
import { makeAttempt, makeBoard, makeCard } from '../support/board.ts'
import { type Observation, observe } from '../support/observing.ts'
import { boardWithCard, type Happened, NOWHERE, newAgentId, type Scene, send } from '../support/scenarios/scenario.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

type Ids = Partial<Omit<Scene, 'act'>> & { boardId: string }

/** What listeners see of a request that commits `sequence`; `act` answers its `Event-Id`. */
function watch(ids: Ids, sequence: readonly string[], act: () => Promise<{ eventId: string }>): Promise<Observation> {
  const happen = async (): Promise<Happened> => ({ eventId: (await act()).eventId, sequence, full: {}, shows: {} })
  return observe(server, sequence[0] ?? '', async () => ({ ...NOWHERE, ...ids, act: happen }))
}

/** Names and payloads of SSE events on a channel stream. */
function told(text: string): unknown[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => {
    const { event, data } = JSON.parse(json ?? '')
    return [event, data]
  })
}

describe('moves of cards', () => {
  it('[CAT12] within a column do not change a status', async () => {
    const { boardId, cardId } = await boardWithCard(server)
    await makeCard(server, boardId)
    const seen = await watch({ boardId, cardId }, ['card.moved'], () =>
      send(server, 'POST', `/cards/${cardId}/move`, { columnKey: 'backlog', index: 1 }),
    )
    expect(seen.live.board.names).toEqual(['card_moved'])
    expect(seen.live.project.names).toEqual([])
    expect(seen.live.issue.names).toEqual([])
    expect(seen.replayed.project?.names).toEqual([])
  })

  it('[CAT12] to the card’s own place emit nothing', async () => {
    const { boardId, cardId } = await boardWithCard(server)
    const seen = await watch({ boardId, cardId }, [], () =>
      send(server, 'POST', `/cards/${cardId}/move`, { columnKey: 'backlog', index: 5 }),
    )
    expect(seen.live.global.names).toEqual([])
    expect((await server.get<Card>(`/cards/${cardId}`)).revision).toBe(1)
  })

  it('[CAT13] name the titles of columns without a key', async () => {
    const columns = [{ title: 'To do' }, { title: 'Doing', key: 'doing' }, { title: 'Ready, or "so"' }]
    const board = await server.post<{ id: string; columns: Column[] }>('/boards', { name: 'Titles', columns })
    const { id: cardId } = await makeCard(server, board.id)
    const seen = await watch({ boardId: board.id, cardId }, ['card.moved'], () =>
      send(server, 'POST', `/cards/${cardId}/move`, { columnId: board.columns[2]?.id }),
    )
    expect(told(seen.live.issue.bytesOf(seen.id))).toEqual([
      ['status_changed', { issueId: cardId, oldStatus: 'To do', newStatus: 'Ready, or "so"' }],
    ])
  })
})

describe('assignments', () => {
  it('[CAT14] that are removed show on the issue, and on no agent', async () => {
    const { boardId, cardId } = await boardWithCard(server)
    const agentId = newAgentId()
    await send(server, 'PATCH', `/cards/${cardId}`, { assignedAgentId: agentId })
    const seen = await watch({ boardId, cardId, agentId }, ['card.assigned'], () =>
      send(server, 'PATCH', `/cards/${cardId}`, { assignedAgentId: null }),
    )
    expect(told(seen.live.issue.bytesOf(seen.id))).toEqual([['agent_assigned', { issueId: cardId, agentId: null }]])
    expect(seen.live.agent.names).toEqual([])
  })

  it('[CAT14] of a new card are a separate event, with the revision of the card', async () => {
    const { id: boardId } = await makeBoard(server)
    const agentId = newAgentId()
    const seen = await watch({ boardId, agentId }, ['card.created', 'card.assigned'], () =>
      send(server, 'POST', `/boards/${boardId}/cards`, { title: 'Given', assignedAgentId: agentId }),
    )
    expect(seen.live.agent.names).toEqual(['agent_assigned'])
    expect(seen.live.board.names).toEqual(['card_created', 'card_updated'])
    const [, updated] = told(seen.live.board.bytesOf(seen.happened.eventId))[0] as [string, { revision: number }]
    expect(updated.revision).toBe(1)
  })
})

describe('a change of several kinds', () => {
  it('[CAT15] is one event for each, all with the same revision and time', async () => {
    const { boardId, cardId } = await boardWithCard(server)
    const agentId = newAgentId()
    const sequence = ['card.updated', 'card.stage.changed', 'card.assigned']
    const seen = await watch({ boardId, cardId, agentId }, sequence, () =>
      send(server, 'PATCH', `/cards/${cardId}`, { title: 'All', stage: 'TODO', assignedAgentId: agentId }),
    )
    expect(seen.live.global.names).toEqual(sequence)
    expect(seen.live.issue.names).toEqual(['issue_updated', 'stage_changed', 'agent_assigned'])
    const [at] = [(await server.get<Card>(`/cards/${cardId}`)).updatedAt]
    const revisions = ['card.updated', 'card.stage.changed', 'card.assigned'].map((_, index) => {
      const [epoch, seq] = seen.id.split('-')
      const [frame] = told(seen.live.board.bytesOf(`${epoch}-${Number(seq) + index}`)) as [[string, Card]]
      return [frame[1].revision, frame[1].updatedAt]
    })
    expect(revisions).toEqual([
      [2, at],
      [2, at],
      [2, at],
    ])
  })

  it('[CAT15] without effect emits nothing', async () => {
    const { boardId, cardId, card } = await boardWithCard(server, { labels: ['a'] })
    const same = { title: card.title, labels: ['a'], stage: null, assignedAgentId: null, dependsOn: [] }
    const seen = await watch({ boardId, cardId }, [], () => send(server, 'PATCH', `/cards/${cardId}`, same))
    expect(seen.live.global.names).toEqual([])
  })
})

describe('an attempt', () => {
  it('[CAT16] created as running shows as queued, changed and started, and moves its card', async () => {
    const { boardId, cardId, column } = await boardWithCard(server)
    const agentId = newAgentId()
    const sequence = ['attempt.queued', 'attempt.status.changed', 'attempt.started', 'card.moved']
    const seen = await watch({ boardId, cardId, agentId }, sequence, () =>
      send(server, 'POST', `/cards/${cardId}/attempts`, { agent: agentId, status: 'running' }),
    )
    expect(seen.live.global.names).toEqual(sequence)
    expect(seen.live.board.names).toEqual(['attempt_status', 'attempt_status', 'attempt_started', 'card_moved'])
    const [[, moved]] = told(seen.live.board.bytesOf(seen.happened.eventId)) as [[string, { toColumnId: string }]]
    expect(moved.toColumnId).toBe(column.in_progress)
    expect(told(seen.live.issue.bytesOf(seen.happened.eventId))).toEqual([
      ['status_changed', { issueId: cardId, oldStatus: 'backlog', newStatus: 'in_progress' }],
    ])
  })

  it('[CAT16] that succeeds moves its card to review; one that fails does not', async () => {
    for (const [status, sequence] of [
      ['succeeded', ['attempt.status.changed', 'card.moved']],
      ['failed', ['attempt.status.changed']],
    ] as const) {
      const { boardId, cardId } = await boardWithCard(server)
      const { id: attemptId } = await makeAttempt(server, cardId)
      const seen = await watch({ boardId, cardId, attemptId }, sequence, () =>
        send(server, 'PATCH', `/attempts/${attemptId}`, { status }),
      )
      expect(seen.live.global.names).toEqual(sequence)
    }
  })

  it('[CAT17] has its lines on /events/AGENT, bare and joined, and nothing else', async () => {
    const { cardId } = await boardWithCard(server)
    const agentId = newAgentId()
    await using listener = await listen(server.url, `/events/${agentId}`)
    const { id } = await makeAttempt(server, cardId, { agent: agentId })
    const lines = [{ message: 'one' }, { message: 'two\n' }, { message: '' }]
    const { eventId } = await send(server, 'POST', `/attempts/${id}/logs`, { lines })
    const { data } = await listener.id(eventId)
    const payload = { timestamp: data.timestamp, lines: ['one', 'two\n', ''] }
    expect(listener.body.split('\n\n').slice(1).join('\n\n')).toBe(
      `event: output_batch\ndata: ${JSON.stringify(payload)}\nid: ${eventId}\n\n`,
    )
  })
})

describe('events to everyone', () => {
  it('[CAT18] come from an agent that changes its registration, and from no other', async () => {
    const { boardId } = await boardWithCard(server)
    const id = newAgentId()
    const told = { id, label: 'L', kind: 'coder', capabilities: ['a', 'b'] }
    await send(server, 'POST', '/agents', told)
    const again = await watch({ boardId }, [], () => send(server, 'POST', '/agents', told))
    expect(again.live.global.names).toEqual([])
    const less = await watch({ boardId }, [], () => send(server, 'POST', '/agents', { id }))
    expect(less.live.global.names).toEqual([])
    const other = await watch({ boardId }, ['agent.registered'], () =>
      send(server, 'POST', '/agents', { id, kind: null }),
    )
    expect(other.live.global.names).toEqual(['agent_registered', 'agent.registered'])
  })

  it('[CAT18] announce a profile that was changed or deleted, with the label of its agent', async () => {
    const { boardId } = await boardWithCard(server)
    const agent = newAgentId()
    const { id: profileId } = await server.post<{ id: string }>('/agent-profiles', { agent, name: 'One' })
    const changed = await watch({ boardId }, ['agent.profile.changed'], () =>
      send(server, 'PATCH', `/agent-profiles/${profileId}`, { name: 'Two' }),
    )
    expect(told(changed.live.topic.bytesOf(changed.id))).toEqual([
      ['agent_profile', { kind: 'updated', profileId, agent, label: null }],
    ])
    const deleted = await watch({ boardId }, ['agent.profile.changed'], () =>
      send(server, 'DELETE', `/agent-profiles/${profileId}`),
    )
    expect(told(deleted.live.topic.bytesOf(deleted.id))).toEqual([
      ['agent_profile', { kind: 'deleted', profileId, agent, label: null }],
    ])
  })
})

describe('optional fields', () => {
  it('[CAT19] that were not given are absent, not null', async () => {
    const { boardId } = await boardWithCard(server)
    const summary = { added: 0, modified: 0, deleted: 0, untracked: 0, staged: 0 }
    const status = { branch: 'main', ahead: 0, behind: 0, hasUncommitted: false, summary }
    const seen = await watch({ boardId }, ['git.status.changed'], () =>
      send(server, 'POST', `/boards/${boardId}/git/status`, { ...status, attemptId: null }),
    )
    expect(told(seen.live.board.bytesOf(seen.id))).toEqual([['git_status', status]])
    const changes = [
      { path: 'a', kind: 'created' },
      { path: 'b', kind: 'deleted' },
    ]
    const files = await watch({ boardId }, ['file.changed', 'file.changed'], () =>
      send(server, 'POST', `/boards/${boardId}/files/changes`, { changes }),
    )
    expect(told(files.live.project.bytesOf(files.happened.eventId))).toEqual([['file.changed', changes[1]]])
    expect(files.live.project.names).toEqual(['file.changed', 'file.changed'])
  })
})
