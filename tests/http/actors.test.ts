/** Who caused an event; K13 is stated in docs/protocol.md. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { listen } from '../support/stream.ts'
import { actingAs, startServerWithRights, tokenFor } from '../support/tokens.ts'

const PASSWORD = 'a password of these tests'

let server: TestServer
let tokens: Record<'sub' | 'bound' | 'both' | 'neither' | 'password', string>

beforeAll(async () => {
  server = await startServerWithRights({ token: PASSWORD })
  tokens = {
    sub: await tokenFor(['*'], ['*'], { sub: 'ann' }),
    bound: await tokenFor(['*'], ['*'], { agent_id: 'claude-1' }),
    both: await tokenFor(['*'], ['*'], { sub: 'line\u2028 "break"', agent_id: 'claude-1' }),
    neither: await tokenFor(['*']),
    password: PASSWORD,
  }
})
afterAll(() => server[Symbol.asyncDispose]())

const ACTORS = { sub: 'ann', bound: 'claude-1', both: 'line\u2028 "break"', neither: null, password: null }

describe('the actor of an event', () => {
  it('[K13] is the sub of its token, or the agent of a bound one, live, replayed and in GET /events', async () => {
    const reader = `token=${tokens.neither}`
    const topic = 'actors'
    await using live = await listen(server.url, `/sse?channels=topic:${topic}&${reader}`)
    await using socket = await SocketClient.open(server.url, `/ws?global=0&channels=topic:${topic}&${reader}`)
    const expected: Array<[id: string, actor: string | null]> = []
    for (const [name, actor] of Object.entries(ACTORS)) {
      const one = actingAs(server, tokens[name as keyof typeof tokens])
      const { eventId } = await one.post(`/topics/${topic}/events`, { event: 'said', data: name })
      expected.push([eventId, actor])
    }
    const [last] = expected.at(-1) ?? ['']
    await live.id(last)
    await socket.id(last)
    await using replayed = await listen(server.url, `/sse?channels=topic:${topic}&since=earliest&${reader}`)
    await replayed.id(last)
    const page = await actingAs(server, tokens.neither).call<{ events: Array<{ id: string; actor: string | null }> }>(
      'GET',
      `/events?channels=topic:${topic}`,
    )
    expect(page.body.events.map(({ id, actor }) => [id, actor])).toEqual(expected)
    for (const stream of [live, replayed]) {
      expect(stream.named('said').map(({ data }) => [data.id, data.actor])).toEqual(expected)
      for (const { data } of stream.frames.filter(({ event }) => event !== 'said')) expect('actor' in data).toBe(false)
    }
    const said = socket.messages.filter(({ event }) => event === 'said')
    expect(said.map(({ id, actor }) => [id, actor])).toEqual(expected)
  })

  it('[K13] is not in bare payloads and snapshots', async () => {
    const ann = actingAs(server, tokens.sub)
    const board = await ann.post<{ id: string }>('/boards', { name: 'Demo' })
    await using stream = await listen(server.url, `/sse?boardId=${board.id}&view=diff&token=${tokens.neither}`)
    const { eventId } = await ann.post(`/boards/${board.id}/cards`, { title: 'A card' })
    await stream.id(eventId)
    expect(stream.body).toContain('event: card_created')
    expect(stream.body).not.toContain('actor')
    const state = await ann.call('GET', `/boards/${board.id}`)
    expect(JSON.stringify(state.body)).not.toContain('"actor"')
  })
})
