/** Agents, profiles and the dashboard over HTTP. Rules T1 to T3, T6, T11, T12, T14, T31, T32. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { agent, profile } from '../../shared/src/types/agents.ts'
import { dashboardRange, overview } from '../../shared/src/types/dashboard.ts'
import { makeBoard, makeWork } from '../support/board.ts'
import { ask, expectProblem, newestId, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json: unknown) => ask(server, 'POST', path, { json })
const patch = (path: string, json: unknown) => ask(server, 'PATCH', path, { json })

describe('agents', () => {
  it('[T1] [T2] [T3] [T31] register with 201, and again with 200; fields left out stay', async () => {
    const told = { id: 'claude:1', label: 'Claude', kind: 'coder', capabilities: ['a'] }
    const made = await post('/agents', told)
    expect(made.status).toBe(201)
    expect(agent.parse(made.body)).toEqual({
      ...told,
      status: 'online',
      currentCardId: null,
      lastSeenAt: expect.any(String),
      createdAt: expect.any(String),
    })
    const again = await withoutEvents(server, () => post('/agents', { id: told.id }))
    expect([again.status, again.headers.get('Event-Id')]).toEqual([200, await newestId(server)])
    expect(again.body).toMatchObject(told)
    expect((await post('/agents', { id: told.id, label: null })).body).toMatchObject({ label: null, kind: 'coder' })
  })

  it('[T1] [T31] are listed and read with the card that they work on', async () => {
    const { card, attempt } = await makeWork(server)
    expectProblem(await ask(server, 'GET', `/agents/${attempt.agent}`), 404, 'agent_not_found')
    await post('/agents', { id: attempt.agent })
    const read = await ask(server, 'GET', `/agents/${attempt.agent}`)
    expect([read.status, agent.parse(read.body).status, read.body.currentCardId]).toEqual([200, 'working', card.id])
    const { agents } = z.strictObject({ agents: z.array(agent) }).parse((await ask(server, 'GET', '/agents')).body)
    expect(agents).toContainEqual(read.body)
    await patch(`/attempts/${attempt.id}`, { status: 'failed' })
    const idle = await ask(server, 'GET', `/agents/${attempt.agent}`)
    expect(idle.body).toMatchObject({ status: 'online', currentCardId: null })
  })

  it.each(['', ' ', 'a b', 'a\n', 'a\r\nevent: x', 'a\u0000', 'ä', '*', 'a/b', 'x'.repeat(201), 'a,b', '\ud800'])(
    '[T14] refuse the id %j',
    async (id) => {
      const reply = await withoutEvents(server, () => post('/agents', { id }))
      expectProblem(reply, 422, 'validation_failed')
      expect(reply.body.errors[0].path).toBe('id')
    },
  )

  it('[T6] refuse other fields, wrong types and too much', async () => {
    for (const [fields, path] of [
      [{ status: 'online' }, 'status'],
      [{ label: 1 }, 'label'],
      [{ label: 'x'.repeat(201) }, 'label'],
      [{ capabilities: 'edit' }, 'capabilities'],
      [{ capabilities: 7 }, 'capabilities'],
      [{ capabilities: JSON.parse(`${'['.repeat(101)}${']'.repeat(101)}`) }, 'capabilities'],
    ] as const) {
      expectProblem(await post('/agents', { id: 'b', ...fields }), 422, 'validation_failed', path)
    }
  })
})

describe('capabilities', () => {
  it.each([
    '["edit","run"]',
    '[]',
    '{}',
    '[1,null,{"a":[true]}]',
    '{"tools":["bash"],"limits":{"tokens":1e5,"none":null},"":"","constructor":1}',
    '{"__proto__":{"polluted":true},"a":{"__proto__":null}}',
    '["\\ud800\\u0000 \\u2028"]',
    'null',
  ])('[N8] are free JSON, returned unchanged: %s', async (text) => {
    const body = { raw: `{"id":"able","capabilities":${text}}` }
    const posted = await ask(server, 'POST', '/agents', body)
    const again = await ask(server, 'POST', '/agents', body)
    const read = await ask(server, 'GET', '/agents/able')
    const listed = await ask(server, 'GET', '/agents')
    const wanted = `"capabilities":${JSON.stringify(JSON.parse(text))},"status"`
    for (const reply of [posted, again, read, listed]) expect(reply.text).toContain(wanted)
    expect(again.headers.get('Event-Id'), 'the same again is no event').toBe(posted.headers.get('Event-Id'))
    expect(Object.prototype).not.toHaveProperty('polluted')
  })
})

describe('profiles', () => {
  it('[T1] [T2] [T3] [T31] are created, changed, listed and deleted', async () => {
    const { id: boardId } = await makeBoard(server)
    const given = { agent: 'a', name: 'Careful', config: { model: 'm', nested: [1, { b: null }] }, boardId }
    const made = await post('/agent-profiles', given)
    expect(made.status).toBe(201)
    expect(profile.parse(made.body)).toEqual({ id: expect.stringMatching(/^pro_[0-9a-f-]{36}$/), ...given })
    const { id } = made.body
    const changed = await patch(`/agent-profiles/${id}`, { name: 'Bold', config: {} })
    expect([changed.status, profile.parse(changed.body)]).toEqual([200, { ...made.body, name: 'Bold', config: {} }])
    const same = await withoutEvents(server, () => patch(`/agent-profiles/${id}`, { name: 'Bold' }))
    expect(same.headers.get('Event-Id')).toBe(changed.headers.get('Event-Id'))
    const gone = await ask(server, 'DELETE', `/agent-profiles/${id}`)
    expect([gone.status, gone.text, gone.headers.get('Event-Id')]).toEqual([204, '', await newestId(server)])
    expectProblem(await ask(server, 'DELETE', `/agent-profiles/${id}`), 404, 'profile_not_found')
    expectProblem(await patch(`/agent-profiles/${id}`, {}), 404, 'profile_not_found')
  })

  it('[T11] [T31] are for every board by default, and found by agent and by board', async () => {
    await using fresh = await startTestServer()
    const { id: boardId } = await makeBoard(fresh)
    const make = async (of: string, on: string | null) =>
      (await fresh.post<{ id: string }>('/agent-profiles', { agent: of, name: 'n', boardId: on })).id
    const [all, own, other] = [await make('a', null), await make('a', boardId), await make('b', null)]
    const list = async (query: string) => {
      const { body } = await ask(fresh, 'GET', `/agent-profiles${query}`)
      return z
        .strictObject({ profiles: z.array(profile) })
        .parse(body)
        .profiles.map(({ id }) => id)
        .sort()
    }
    expect(await list('')).toEqual([all, own, other].sort())
    expect(await list('?agent=a')).toEqual([all, own].sort())
    expect(await list('?agent=b')).toEqual([other])
    expect((await list(`?boardId=${boardId}`)).includes(own)).toBe(true)
    expectProblem(await ask(fresh, 'GET', '/agent-profiles?boardId=NO'), 400, 'bad_request')
  })

  it('[T6] refuse an unknown board, and a config that is not an object', async () => {
    for (const [fields, path] of [
      [{ boardId: 'none' }, 'boardId'],
      [{ config: [] }, 'config'],
      [{ name: '' }, 'name'],
      [{ id: 'pro_1' }, 'id'],
    ] as const) {
      const reply = await withoutEvents(server, () => post('/agent-profiles', { agent: 'a', name: 'n', ...fields }))
      expectProblem(reply, 422, 'validation_failed', path)
    }
  })
})

describe('GET /dashboard', () => {
  it.each(dashboardRange.options)('[T1] [T2] [T32] covers %s', async (range) => {
    const { status, body } = await ask(server, 'GET', `/dashboard?range=${range}`)
    expect(status).toBe(200)
    const { timeRange, metrics } = overview.parse(body)
    expect(timeRange.preset).toBe(range)
    expect(metrics.series.attemptsStarted.length).toBe(24)
  })

  it('[T32] counts what happened, by default in the last seven days', async () => {
    await using fresh = await startTestServer()
    const { boardId, card, attempt } = await makeWork(fresh)
    const before = overview.parse((await ask(fresh, 'GET', '/dashboard')).body)
    expect(before.timeRange.preset).toBe('last_7d')
    expect(before.metrics).toMatchObject({
      activeAttempts: 1,
      attemptsInRange: 1,
      successRateInRange: null,
      openCards: 1,
    })
    expect(before.activeAttempts).toMatchObject([
      { attemptId: attempt.id, cardId: card.id, boardId, status: 'running' },
    ])
    await fresh.call('PATCH', `/attempts/${attempt.id}`, { status: 'succeeded' })
    const after = overview.parse((await ask(fresh, 'GET', '/dashboard')).body)
    expect(after.metrics).toMatchObject({ activeAttempts: 0, successRateInRange: 1, reviewItemsCount: 1 })
    expect(after.inboxItems.review).toMatchObject([{ attemptId: attempt.id }])
    expect(after.projectSnapshots).toMatchObject([{ boardId, totalCards: 1, columnCardCounts: { review: 1 } }])
    expect(after.agentStats).toMatchObject([{ agentId: attempt.agent, attemptsSucceeded: 1, successRate: 1 }])
  })

  it('[T11] refuses an unknown range', async () => {
    expectProblem(await ask(server, 'GET', '/dashboard?range=last_year'), 400, 'bad_request')
    expectProblem(await ask(server, 'GET', '/dashboard?range='), 400, 'bad_request')
  })
})
