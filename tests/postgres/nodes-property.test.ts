/**
 * Several nodes on one database, as clients see them that reach another node with every request and every connection, as
 * through a proxy. Random mutations on all nodes at once, some of them refused, and listeners that are cut and stalled at
 * any moment and come back to any node with their last id. Rules N2a to N3a of docs/nodes.md.
 *
 * `BOARDCAST_TEST_RUNS=50` checks more often; fast-check prints the seed of a failure.
 */
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseCursor } from '../../shared/src/cursor.ts'
import type { BoardState } from '../../shared/src/types/kanban.ts'
import type { Hub } from '../../web/client/index.ts'
import { createApiClient, spreadOver } from '../support/api.ts'
import { BoardWriters } from '../support/board-writers.ts'
import type { ChildServer } from '../support/child-server.ts'
import { TestCluster } from '../support/cluster.ts'
import { difference, expectedSightings, fold, foldLog, sightings } from '../support/comparing.ts'
import { CutListener } from '../support/cut-listener.ts'
import { allReach, hubOver, LibraryListener, type Listener, TransportListener } from '../support/delivery/listeners.ts'
import { BOARD, CHANNELS, Load } from '../support/delivery/load.ts'
import { Road } from '../support/delivery/road.ts'
import { Truth } from '../support/delivery/truth.ts'
import { readLog, type SeenEvent } from '../support/log-reader.ts'
import { type NodeServers, startNodes } from '../support/node-servers.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { chooseRuns, chooseSeed, createRandom, type Random } from '../support/random.ts'
import { bareOf } from '../support/received.ts'
import type { TestServer } from '../support/server.ts'

const WRITERS = ['ann', 'bob', 'cid']

type Step =
  | { readonly does: 'write'; readonly mutations: number }
  | { readonly does: 'flood' }
  | { readonly does: 'look' }
  | { readonly does: 'connect' | 'cut' | 'pause' | 'resume'; readonly who: number; readonly bytes: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ does: fc.constant('write' as const), mutations: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ does: 'flood' as const }) },
  { weight: 4, arbitrary: fc.constant({ does: 'look' as const }) },
  {
    weight: 12,
    arbitrary: fc.record({
      does: fc.constantFrom('connect', 'connect', 'cut', 'cut', 'pause', 'resume'),
      who: fc.nat(5),
      bytes: fc.nat(150_000),
    }),
  },
)

const wish = fc.record({
  channels: fc.uniqueArray(fc.constantFrom('global', 'board', 'project', ...WRITERS), { minLength: 1, maxLength: 4 }),
  view: fc.constantFrom('full' as const, 'diff' as const),
  gzip: fc.boolean(),
})

/** What a GET of a board answered. */
interface Sight {
  readonly state: BoardState
  readonly cursor: string
}

let postgres: PostgresServer

describe.skipIf(!hasPostgres())('several nodes', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  test.each([
    ['postgres', 3, 6],
    ['poll', 2, 4],
  ] as const)(
    '[N2a] [N2b] [N2c] [N3a] whichever node a listener comes back to, it has the whole log and the state: doorbell %s, %i nodes',
    { timeout: 60_000 + 15_000 * chooseRuns(6) },
    async (kind, count, runs) => {
      await using nodes = await startNodes(postgres, count, { doorbell: { kind } })
      let run = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(wish, { minLength: 2, maxLength: 5 }),
          fc.array(step, { minLength: 5, maxLength: 30 }),
          fc.nat(),
          (wishes, steps, seed) => round(nodes, `b${++run}`, { wishes, steps, seed }),
        ),
        // Sockets behave differently each time, so shrinking would not help.
        { numRuns: chooseRuns(runs), endOnFailure: true },
      )
    },
  )

  test('[N2a] [N3a] over every transport and with the client library, through nodes in processes of their own', {
    timeout: 180_000,
  }, async () => {
    const seed = chooseSeed()
    const random = createRandom(seed)
    const cluster = await TestCluster.create(postgres)
    const env = { BOARDCAST_HEARTBEAT_MS: '300', BOARDCAST_SOCKETIO: '1' }
    const nodes = await Promise.all(['a', 'b', 'c'].map((node) => cluster.start(node, env)))
    using api = spreadOver(
      nodes.map(({ url }) => createApiClient(url)),
      random,
    )
    const load = new Load({ api, server: nodes[0] as ChildServer, random })
    await load.prepare()
    const { cursor: start } = await api.get('/cursor')
    const listeners = await listenersOn(nodes, start, random)
    await using boards = await boardsOn(nodes, random)
    try {
      load.begin(4)
      for (let step = 0; step < 60; step++) {
        const road = random.pick([...listeners.map((one) => one.road), ...boards.roads])
        const dice = random.below(10)
        if (dice < 6) road?.cut()
        else if (dice < 8) road?.stall()
        else for (const one of listeners) one.road.resume()
        await new Promise((resolve) => setTimeout(resolve, random.below(80)))
      }
      await load.end()
      for (const road of [...listeners.map((one) => one.road), ...boards.roads]) road.resume()
      const { state, cursor } = await api.get(`/boards/${BOARD}`)
      await allReach(listeners, cursor, `seed ${seed}`)
      const truth = new Truth(api)
      for (const listener of listeners) {
        expect(listener.faults, `seed ${seed}, ${listener.name}`).toEqual([])
        expect(await truth.fault(listener, start), `seed ${seed}`).toBeNull()
      }
      for (const board of boards.stores) {
        await expect.poll(() => board.get().state, { timeout: 20_000, message: `seed ${seed}` }).toEqual(state)
      }
    } finally {
      for (const listener of listeners) {
        listener.close()
        await listener.road[Symbol.asyncDispose]()
      }
    }
  })
})

interface Plan {
  readonly wishes: ReadonlyArray<{
    readonly channels: readonly string[]
    readonly view: 'full' | 'diff'
    readonly gzip: boolean
  }>
  readonly steps: readonly Step[]
  readonly seed: number
}

/** Everything happens on a board of this round. */
async function round(
  { servers, database }: NodeServers,
  boardId: string,
  { wishes, steps, seed }: Plan,
): Promise<void> {
  const random = createRandom(seed)
  using api = spreadOver(
    servers.map(({ url }) => createApiClient(url)),
    random,
  )
  const { cursor: since } = await api.get('/cursor')
  await api.call('POST', '/boards', { id: boardId, name: 'Demo' })
  const listeners = wishes.map(
    ({ channels, view, gzip }) =>
      new CutListener({
        url: () => random.pick(servers)?.url ?? '',
        listening: { channels: channels.map((channel) => named(channel, boardId)), view },
        gzip,
      }),
  )
  const sights: Promise<Sight>[] = []
  const writers = await BoardWriters.begin({ api, boardId, seed, names: WRITERS, isShared: true })
  for (const one of steps) {
    if (one.does === 'write') writers.write(one.mutations)
    else if (one.does === 'flood') writers.flood()
    else if (one.does === 'look') sights.push(api.get(`/boards/${boardId}`))
    else listeners[one.who % listeners.length]?.[one.does](one.bytes)
    await new Promise(setImmediate)
  }
  await writers.done()
  expect([...writers.answers.keys()].filter((status) => status >= 500)).toEqual([])

  const { state, cursor } = await sightOfAll(servers, boardId)
  const log = await sameLog(servers, since, cursor)
  for (const sight of await Promise.all(sights)) {
    expect(foldLog(after(log, sight.cursor), boardId, sight.state), `since ${sight.cursor}`).toEqual(state)
  }
  for (const listener of listeners) {
    await listener.reach(seqOf(cursor))
    await listener.untilState(state)
    await listener.close()
    expectWhole(listener, log, state)
  }
  await expectSound(state, database)
}

function named(channel: string, boardId: string): string {
  if (channel === 'global') return channel
  return WRITERS.includes(channel) ? `agent:agent-${channel}` : `${channel}:${boardId}`
}

/** What all nodes answer. */
async function sightOfAll(nodes: readonly TestServer[], boardId: string): Promise<Sight> {
  const [first, ...others] = await Promise.all(nodes.map(({ get }) => get<Sight>(`/boards/${boardId}`)))
  if (!first) throw new Error('there is no node')
  for (const other of others) expect(other).toEqual(first)
  return first
}

/** What all nodes show of the log; its sequence numbers have no hole. */
async function sameLog(nodes: readonly TestServer[], since: string, cursor: string): Promise<SeenEvent[]> {
  const [first = [], ...others] = await Promise.all(nodes.map(({ url }) => readLog(url, since, cursor)))
  for (const other of others) expect(other).toEqual(first)
  const seqs = first.map(({ seq }) => seq)
  expect(seqs).toEqual(Array.from({ length: seqOf(cursor) - seqOf(since) }, (_, n) => seqOf(since) + 1 + n))
  return first
}

function expectWhole({ received, listening }: CutListener, log: readonly SeenEvent[], state: BoardState): void {
  const named = JSON.stringify(listening)
  expect([received.faults, received.gaps], named).toEqual([[], []])
  const { start = 0, frames, reached } = received.stretch
  expect(reached, named).toBe(log.at(-1)?.seq)
  const due = log.filter(({ seq }) => seq > start)
  expect(difference(sightings(frames, false), expectedSightings(due, listening, false)), named).toBeNull()
  const board = `board:${state.boardId}`
  if (listening.view !== 'diff' || !listening.channels.includes(board)) return
  const ofBoard = frames.filter(({ text }) => JSON.parse(text).channel === board)
  const folded = fold(ofBoard.map(({ event, text }) => ({ event, text: JSON.stringify(bareOf(text)) })))
  expect(folded, named).toEqual(state)
}

/** What mutations that run one after the other keep: places, tickets, and one active attempt for each card. */
async function expectSound({ boardId, columns, cards }: BoardState, database: string): Promise<void> {
  const placed = Object.values(columns).flatMap(({ cardIds }) => cardIds)
  expect(placed.toSorted()).toEqual(Object.keys(cards).sort())
  const ofBoard = (query: string) => postgres.query(query.replace('$board', `'${boardId}'`), database)
  const places = await ofBoard(
    `SELECT column_id, count(*) AS cards, count(DISTINCT position) AS places, min(position) AS first,
       max(position) AS last FROM cards WHERE board_id = $board GROUP BY column_id`,
  )
  for (const { cards, places: different, first, last } of places.rows) {
    expect([different, Number(first), Number(last)]).toEqual([cards, 0, Number(cards) - 1])
  }
  const tickets = await ofBoard('SELECT ticket_key AS key FROM cards WHERE board_id = $board')
  expect(new Set(tickets.rows.map(({ key }) => key)).size).toBe(placed.length)
  const active = await ofBoard(
    `SELECT card_id FROM attempts WHERE board_id = $board AND status IN ('queued', 'running', 'stopping')
     GROUP BY card_id HAVING count(*) > 1`,
  )
  expect(active.rows).toEqual([])
}

function after(log: readonly SeenEvent[], cursor: string): SeenEvent[] {
  return log.filter(({ seq }) => seq > seqOf(cursor))
}

function seqOf(cursor: string): number {
  return parseCursor(cursor)?.seq ?? Number.NaN
}

async function listenersOn(nodes: readonly ChildServer[], start: string, random: Random): Promise<Listener[]> {
  const situation = { random, up: () => Promise.resolve() }
  const road = () => Road.to(() => random.pick(nodes)?.port ?? 0)
  const listeners: Listener[] = []
  // Long polling needs a proxy that sends all requests of a client to one node.
  for (const kind of ['sse', 'sse gzip', 'ws', 'ws global', 'socketio'] as const) {
    for (let n = 0; n < 2; n++) {
      const channel = random.pick(CHANNELS) ?? 'global'
      listeners.push(new TransportListener(kind, channel, start, await road(), situation))
    }
  }
  for (const transport of ['fetch', 'eventsource', 'ws'] as const) {
    const named = transport === 'eventsource' ? CHANNELS.filter((name) => !/^topic|^global/.test(name)) : CHANNELS
    const channels = named.filter(() => random.chance(0.5))
    if (channels.length === 0) channels.push('agent:ann')
    listeners.push(new LibraryListener(transport, channels, start, await road()))
  }
  return listeners
}

/** The board of the load as the client library keeps it, over each transport. */
async function boardsOn(nodes: readonly ChildServer[], random: Random) {
  const roads: Road[] = []
  const hubs: Hub[] = []
  for (const transport of ['fetch', 'eventsource', 'ws'] as const) {
    const road = await Road.to(() => random.pick(nodes)?.port ?? 0)
    roads.push(road)
    hubs.push(hubOver(road, transport))
  }
  const stores = hubs.map((hub) => hub.board(BOARD))
  // A store follows its board while somebody looks at it.
  for (const store of stores) store.subscribe(() => {})
  return {
    roads,
    stores,
    async [Symbol.asyncDispose]() {
      for (const hub of hubs) hub.close()
      for (const road of roads) await road[Symbol.asyncDispose]()
    },
  }
}
