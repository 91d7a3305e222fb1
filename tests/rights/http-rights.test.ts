/** Rights over HTTP beyond the matrix: lists, look-ups, what is open and what is not. Rules in docs/security.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeScene, type Scene } from '../support/rights-scene.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'
import { actingAs, bearer, SECRET, tokenFor } from '../support/tokens.ts'

let server: TestServer
let scene: Scene
let loose: Scene
beforeAll(async () => {
  server = await startTestServer({ jwtSecrets: [SECRET] })
  scene = await makeScene(server)
  loose = await makeScene(server, { isLoose: true })
})
afterAll(() => server[Symbol.asyncDispose]())

type Lists = Record<string, ReadonlyArray<Record<string, unknown>>>

async function ids(patterns: readonly string[], path: string): Promise<unknown[]> {
  const { status, body } = await actingAs(server, await tokenFor(patterns, [])).call<Lists>('GET', path)
  expect(status).toBe(200)
  return Object.values(body)[0]?.map(({ id, task_id }) => id ?? task_id) ?? []
}

describe('[RI3] a list', () => {
  it.each([
    ['/boards', (s: Scene) => s.board, (s: Scene) => [[`board:${s.board}`], [`board:${s.board}*`]]],
    ['/agents', (s: Scene) => s.agent, (s: Scene) => [[`agent:${s.agent}`], [`agents/${s.agent}`]]],
    [
      '/agent-profiles',
      (s: Scene) => s.profile,
      (s: Scene) => [[`agent:${s.agent}`], ...(s === loose ? [] : [[`board:${s.board}`]])],
    ],
    ['/sessions', (s: Scene) => s.session, (s: Scene) => [[`session:${s.session}`]]],
    ['/tasks', (s: Scene) => s.task, (s: Scene) => [[s === loose ? 'global' : `session:${s.session}`]]],
    ['/workflow-runs', (s: Scene) => s.run, (s: Scene) => [[`workflow:run:${s.run}`], [boardOr(s)]]],
    ['/shells', (s: Scene) => s.shell, (s: Scene) => [[`shell:${s.shell}`], [boardOr(s)]]],
  ] as const)('%s has what the subject may see, case by case', async (path, idOf, rightsOf) => {
    const all = await ids(['*'], path)
    for (const one of [scene, loose]) {
      expect(all).toContain(idOf(one))
      for (const patterns of rightsOf(one)) expect(await ids(patterns, path), patterns.join()).toEqual([idOf(one)])
    }
    expect(await ids([], path)).toEqual([])
    expect(await ids(['board:SCENE*', 'agent:SCENE*', 'session:SCENE*', 'shell:SCENE*', 'dashboard'], path)).toEqual([])
    const every = ['board:*', 'agent:*', 'session:*', 'shell:*', 'workflow:*', 'global']
    expect(await ids(every, path)).toEqual(all)
  })

  it('counts what the subject may see to its limit, and filters by bytes', async () => {
    const admin = actingAs(server, await tokenFor(['*']))
    for (const id of ['L-a', 'L-B', 'L-b', 'L-b1', 'l-b', 'L-c']) await admin.post('/sessions', { id })
    expect(await ids(['session:L-b*', 'session:l-b'], '/sessions?limit=2')).toEqual(['l-b', 'L-b1'])
    expect(await ids(['session:L-b*'], '/sessions')).toEqual(['L-b1', 'L-b'])
    const many = Array.from({ length: 300 }, (_, n) => `session:m${n}*`)
    expect(await ids(many, '/sessions')).toEqual([])
    expect(await ids([...many, 'session:L-c*'], '/sessions')).toEqual(['L-c'])
  })

  function boardOr({ board }: Scene): string {
    return board === loose.board ? 'global' : `board:${board}`
  }
})

it('[RI4] an agent names only a card that the subject may see', async () => {
  const cardOf = async (...patterns: string[]) => {
    const one = actingAs(server, await tokenFor([`agent:${scene.agent}`, ...patterns], []))
    const { body } = await one.call('GET', `/agents/${scene.agent}`)
    const listed = (await one.call<Lists>('GET', '/agents')).body.agents?.[0]
    expect(listed).toEqual(body)
    return [body.status, body.currentCardId]
  }
  expect(await cardOf()).toEqual(['working', null])
  expect(await cardOf(`board:${loose.board}`)).toEqual(['working', null])
  expect(await cardOf(`board:${scene.board}`)).toEqual(['working', scene.card])
  expect(await cardOf(`issue:${scene.card}`)).toEqual(['working', scene.card])
})

describe('[RI9] operations', () => {
  it('are for administrators, whatever their channels; health is open, without channels', async () => {
    const token = await tokenFor(['*'])
    const admin = await tokenFor([], [], { boardcast: { admin: true } })
    await using _stream = await listen(server.url, `/sse?channels=board:${scene.board}&token=${token}`)
    const get = (path: string, headers = {}) => fetch(server.url + path, { headers })
    for (const path of ['/stats', '/metrics']) {
      expect((await get(path)).status).toBe(401)
      expect((await get(path, bearer(token))).status).toBe(403)
      expect((await get(path, bearer(admin))).status).toBe(200)
    }
    for (const path of ['/health', '/health/live', '/health/ready']) {
      for (const headers of [{}, bearer('garbage'), bearer(token)]) {
        const answer = await get(path, headers)
        expect(answer.status).toBe(200)
        expect(await answer.text()).not.toContain(scene.name)
      }
    }
    const health = (await (await get('/health', bearer(admin))).json()) as { channelStats: object }
    expect(Object.keys(health.channelStats)).toEqual([`board:${scene.board}`])
  })
})

it('[RI10] paths without a route are refused like all others, and not found with a token', async () => {
  for (const method of ['GET', 'POST', 'PATCH']) {
    for (const path of ['/nothing', '/boards/x/nothing', '/cursor/x']) {
      const stranger = await server.call(method, path)
      expect([stranger.status, stranger.body.code]).toEqual([401, 'unauthenticated'])
      const known = await server.call(method, path, undefined, bearer(await tokenFor([])))
      expect([known.status, known.body.code]).toEqual([404, 'not_found'])
    }
  }
})

it('[RI1] a board without an id needs a right to all boards, and the refusal says so', async () => {
  const { call } = actingAs(server, await tokenFor(['board:one']))
  expect((await call('POST', '/boards', { name: 'Any' })).body.detail).toContain('to publish on global or board:*.')
})

it('[RI8] an Idempotency-Key belongs to its subject', async () => {
  const topic = scene.topic
  const post = async (more: object, key = 'the-key') => {
    const token = await tokenFor([`topic:${topic}`], [`topic:${topic}`], more)
    const headers = { 'Idempotency-Key': key }
    const answer = await actingAs(server, token).call('POST', `/topics/${topic}/events`, { event: 'said' }, headers)
    return [answer.eventId, answer.headers.get('Idempotency-Replayed')]
  }
  const [first] = await post({ sub: 'ann' })
  expect(await post({ sub: 'ann', exp: 4_000_000_000 })).toEqual([first, 'true'])
  for (const other of [{ sub: 'bob' }, { agent_id: 'ann' }, {}]) {
    const [id, replayed] = await post(other)
    expect([id === first, replayed]).toEqual([false, null])
  }
})

it('[RI2] a fault in the body is reported only to whoever may change the thing', async () => {
  const ask = async (patterns: string[], path = `/cards/${scene.card}`) => {
    const answer = await actingAs(server, await tokenFor(['*'], patterns)).call('PATCH', path, { nonsense: 1 })
    return [answer.status, answer.body.code]
  }
  expect(await ask([`board:${loose.board}`])).toEqual([403, 'forbidden'])
  expect(await ask([`board:${loose.board}`], '/cards/unknown')).toEqual([403, 'forbidden'])
  expect(await ask([`board:${scene.board}`])).toEqual([422, 'validation_failed'])
})

it('[RI2] a message is read by whoever may see it, and everyone may see one to everyone', async () => {
  const admin = actingAs(server, await tokenFor(['*']))
  const { message_id } = await admin.post<{ message_id: string }>('/messages', { from_agent: 'ann', content: 'to all' })
  const reader = actingAs(server, await tokenFor(['agent:reader'], ['agent:reader']))
  const read = (id: string) => reader.call('POST', `/messages/${id}/read`, { agent_id: 'reader' })
  expect((await read(message_id)).status).toBe(200)
  expect((await read(scene.message)).status).toBe(403)
})

it('[RI6] a profile does not tell the label of an agent that its author may not know', async () => {
  const admin = actingAs(server, await tokenFor(['*']))
  await admin.post('/agents', { id: loose.agent, label: 'A secret' })
  const labelIn = async (patterns: string[]) => {
    const one = actingAs(server, await tokenFor([`board:${scene.board}`, ...patterns]))
    const profile = { agent: loose.agent, name: 'x', boardId: scene.board }
    const { eventId } = await one.post('/agent-profiles', profile)
    const { body } = await admin.call<Lists>('GET', '/events?types=agent.profile.changed&limit=1000')
    const data = body.events?.find(({ id, channel }) => id === eventId && channel === 'global')?.data
    return (data as { label: string | null }).label
  }
  expect(await labelIn([])).toBe(null)
  expect(await labelIn([`agent:${loose.agent}`])).toBe('A secret')
})

it('[RI6] a cycle of dependencies names only cards that the subject may know', async () => {
  const admin = actingAs(server, await tokenFor(['*']))
  const path = `/boards/${scene.board}/cards`
  const first = await admin.post<{ id: string; ticketKey: string }>(path, { title: 'first' })
  const hidden = await admin.post<{ id: string; ticketKey: string }>(path, { title: 'hidden', dependsOn: [first.id] })
  const last = await admin.post<{ id: string; ticketKey: string }>(path, { title: 'last', dependsOn: [hidden.id] })
  const ask = async (...patterns: string[]) => {
    const one = actingAs(server, await tokenFor(patterns))
    const { status, body } = await one.call('PATCH', `/cards/${first.id}`, { dependsOn: [last.id] })
    return [status, body.code, String(body.detail).includes(hidden.ticketKey)]
  }
  expect(await ask(`board:${scene.board}`)).toEqual([422, 'dependency_cycle', true])
  expect(await ask(`issue:${first.id}`, `issue:${last.id}`)).toEqual([422, 'dependency_cycle', false])
})

it('[RI3] a thing cannot be moved to where the subject may not publish', async () => {
  const session = actingAs(server, await tokenFor([`session:${scene.session}`]))
  for (const session_id of [loose.session, null]) {
    expect((await session.call('PATCH', `/tasks/${scene.task}`, { session_id })).status).toBe(403)
  }
  const agent = actingAs(server, await tokenFor([`agent:${loose.agent}`]))
  const moved = await agent.call('PATCH', `/agent-profiles/${loose.profile}`, { agent: scene.agent })
  expect(moved.status).toBe(403)
  const { body } = await actingAs(server, await tokenFor(['*'])).call<Lists>('GET', `/agent-profiles`)
  expect(body.profiles?.find(({ id }) => id === loose.profile)?.agent).toBe(loose.agent)
})
