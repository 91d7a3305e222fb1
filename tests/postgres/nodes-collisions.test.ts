/**
 * The same thing asked of several nodes at the same moment: it happens once, as if one node had been asked by several
 * clients. Rules N6a to N6c of docs/nodes.md.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HEADER } from '../../shared/src/protocol.ts'
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { type NodeServers, startNodes } from '../support/node-servers.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import type { Answer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { actingAs, SECRET, tokenFor } from '../support/tokens.ts'

const ROUNDS = 8

describe.skipIf(!hasPostgres())('several nodes at the same moment', () => {
  let postgres: PostgresServer
  let nodes: NodeServers
  beforeAll(async () => {
    postgres = await PostgresServer.start()
    nodes = await startNodes(postgres, 3)
    await nodes.servers[0].post('/boards', { id: 'demo', name: 'Demo' })
  })
  afterAll(async () => {
    await nodes?.[Symbol.asyncDispose]()
    await postgres?.[Symbol.asyncDispose]()
  })

  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape.
  type Asked = Answer<any>
  type Request = readonly [method: string, path: string, body?: unknown, headers?: Record<string, string>]

  /** Every request to every node, all of them at once. */
  function ask(...requests: readonly Request[]): Promise<Asked[]> {
    return Promise.all(requests.flatMap((request) => nodes.servers.map((server) => server.call(...request))))
  }

  const statuses = (answers: readonly Asked[]) => answers.map(({ status }) => status).toSorted((a, b) => a - b)
  const any = (n: number) => nodes.servers[n % 3] ?? nodes.servers[0]

  const newCard = (n: number) =>
    any(n).post<{ id: string }>('/boards/demo/cards', { title: `card ${n}`, columnKey: 'backlog' })

  async function eventsAfter(cursor: string): Promise<Array<{ event: string; data: { cardId?: string } }>> {
    const { events } = await any(0).get<{ events: Array<{ event: string; data: { cardId?: string } }> }>(
      `/events?after=${cursor}&limit=1000`,
    )
    return events
  }

  const cursorNow = async () => (await any(0).get<{ cursor: string }>('/cursor')).cursor

  test('[N6a] one Idempotency-Key has one effect, one answer and one Event-Id', async () => {
    const { id: card } = await newCard(0)
    const { id: attempt } = await any(1).post<{ id: string }>(`/cards/${card}/attempts`, { agent: 'ann' })
    const posts: ReadonlyArray<readonly [path: string, body: (n: number) => object]> = [
      ['/boards/demo/cards', (n) => ({ title: `once ${n}` })],
      ['/boards', (n) => ({ name: `Once ${n}` })],
      [`/attempts/${attempt}/logs`, (n) => ({ message: `once ${n}` })],
      ['/messages', (n) => ({ from_agent: 'ann', to_agent: 'bob', content: `once ${n}` })],
      ['/tasks', (n) => ({ name: `once ${n}` })],
      ['/topics/talk/events', (n) => ({ event: 'said', data: { n } })],
    ]
    for (let n = 0; n < ROUNDS; n++) {
      for (const [path, bodyOf] of posts) {
        const before = await cursorNow()
        const headers = { [HEADER.idempotencyKey]: randomUUID() }
        const answers = await ask(['POST', path, bodyOf(n), headers], ['POST', path, bodyOf(n), headers])
        const [first] = answers
        expect(first?.status).toBeLessThan(300)
        for (const { status, body, eventId } of answers) {
          expect([path, status, body, eventId]).toEqual([path, first?.status, first?.body, first?.eventId])
        }
        const replayed = answers.filter(({ headers }) => headers.get(HEADER.idempotencyReplayed) === 'true')
        expect([path, replayed.length]).toEqual([path, answers.length - 1])
        expect([path, (await eventsAfter(before)).length]).toEqual([path, 1])
      }
    }
  })

  test('[N6a] another body under the key is refused on every node, as on one', async () => {
    for (let n = 0; n < ROUNDS; n++) {
      const before = await cursorNow()
      const headers = { [HEADER.idempotencyKey]: randomUUID() }
      const answers = await Promise.all(
        nodes.servers.map(({ call }, node) => call('POST', '/boards/demo/cards', { title: `of ${node}` }, headers)),
      )
      expect(statuses(answers)).toEqual([201, 422, 422])
      for (const { status, body } of answers) if (status === 422) expect(body.code).toBe('idempotency_mismatch')
      expect(await eventsAfter(before)).toHaveLength(1)
    }
  })

  test('[N6b] a ticket of any node works on any, once in all', async () => {
    await using guarded = await startNodes(postgres, 3, { jwtSecrets: [SECRET] })
    const token = await tokenFor(['*'])
    for (let n = 0; n < ROUNDS; n++) {
      const maker = guarded.servers[n % 3] ?? guarded.servers[0]
      const { ticket } = await actingAs(maker, token).post<{ ticket: string }>('/tickets', {})
      const found = await Promise.all(
        guarded.servers.flatMap(({ url }) => [streamStatus(url, ticket), socketStatus(url, ticket)]),
      )
      expect(found.toSorted((a, b) => a - b)).toEqual([200, 401, 401, 401, 401, 401])
    }
  })

  test('[N6c] one attempt, one deletion, one board of a name, one change of a revision: the others are refused', async () => {
    for (let n = 0; n < ROUNDS; n++) {
      const { id } = await newCard(n)
      expect(statuses(await ask(['POST', `/cards/${id}/attempts`, { agent: 'ann' }]))).toEqual([201, 409, 409])
      const { revision } = await any(n).get<{ revision: number }>(`/cards/${id}`)
      const edits = nodes.servers.map((server, node) =>
        server.call('PATCH', `/cards/${id}`, { title: `changed by ${node}`, ifRevision: revision }),
      )
      expect(statuses(await Promise.all(edits))).toEqual([200, 409, 409])
      const move = { columnKey: 'review', ifRevision: revision + 1 }
      expect(statuses(await ask(['POST', `/cards/${id}/move`, move]))).toEqual([200, 409, 409])
      expect(statuses(await ask(['DELETE', `/cards/${id}`]))).toEqual([204, 404, 404])
      expect(statuses(await ask(['POST', '/boards', { id: `board-${n}`, name: 'One' }]))).toEqual([201, 409, 409])
    }
  })

  test('[N6c] cards that wait for each other are refused, as on one node', async () => {
    for (let n = 0; n < ROUNDS; n++) {
      const [one, other] = [await newCard(n), await newCard(n + 1)]
      const answers = await Promise.all([
        any(n).call('PATCH', `/cards/${one.id}`, { dependsOn: [other.id] }),
        any(n + 1).call('PATCH', `/cards/${other.id}`, { dependsOn: [one.id] }),
      ])
      expect(statuses(answers)[0]).toBe(200)
      expect(statuses(answers)[1]).toBeGreaterThanOrEqual(400)
    }
  })

  test('[N6c] cards that are created and moved get places and ticket keys of their own', async () => {
    await any(0).post('/boards', { id: 'places', name: 'Places' })
    const cards = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        any(n).post<{ id: string }>('/boards/places/cards', { title: `card ${n}`, columnKey: 'backlog', index: 0 }),
      ),
    )
    const moves = cards.flatMap(({ id }, n) => [
      any(n).post(`/cards/${id}/move`, { columnKey: 'review', index: n % 3 }),
      any(n + 1).post(`/cards/${id}/move`, { columnKey: n % 2 === 0 ? 'done' : 'review', index: 0 }),
    ])
    await Promise.all(moves)
    const { state } = await any(2).get<{ state: BoardState }>('/boards/places')
    const placed = Object.values(state.columns).flatMap(({ cardIds }) => cardIds)
    expect(placed.toSorted()).toEqual(cards.map(({ id }) => id).toSorted())
    const numbers = Object.values(state.cards).map(({ ticketKey }) => Number(ticketKey.split('-').at(-1)))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1))
  })
})

async function streamStatus(url: string, ticket: string): Promise<number> {
  const ending = new AbortController()
  const { status } = await fetch(`${url}/sse?channels=global&ticket=${ticket}`, { signal: ending.signal })
  ending.abort()
  return status
}

async function socketStatus(url: string, ticket: string): Promise<number> {
  await using socket = await SocketClient.open(url, `/ws?ticket=${ticket}`)
  return socket.refused ?? 200
}
