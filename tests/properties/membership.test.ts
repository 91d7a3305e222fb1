/**
 * Joining and leaving channels at any moment, turn by turn: random mutations, and sockets that join, leave, stall, read
 * slowly, are cut and reconnect. Every message of every connection is compared with the log (tests/support/membership.ts).
 *
 *   W23  What shows under one name on several channels says the one that was named first; `global` that was not named is
 *        the last.
 *   W26  A change of channels takes effect at a moment when everything up to it has been told; the channels that were held
 *        before miss nothing by it and repeat nothing.
 *   W27  With `since` the past of that channel is told alone, in order, and joins the present without a seam.
 *   W28  A full view gets a state after it.
 *   W29  A `since` that cannot be honoured: a gap, and the snapshot.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCursor } from '../../shared/src/cursor.ts'
import { createBoard } from '../../src/domain/boards.ts'
import { postTopicEvent } from '../../src/domain/topics.ts'
import { AGENTS, doWork, type Work, work } from '../support/board-work.ts'
import { foldLog } from '../support/comparing.ts'
import type { SeenEvent } from '../support/log-reader.ts'
import { Membership, type Told } from '../support/membership.ts'
import { SimulatedSocket } from '../support/simulated-socket.ts'
import { Simulation } from '../support/simulation.ts'
import { turnsFrom } from '../support/slow-reads.ts'
import type { SocketMessage } from '../support/socket.ts'

const BOARDS = ['left', 'right'] as const
/** A few kilobytes fill the buffer of a connection. */
const HEAVY = 40
const GONE = '00000000-1'
/** A read takes 12 turns at most, and a change some reads. */
const MOST_TURNS_OF_CHANGES = 1_000

/** An event of a topic has one name wherever it shows. */
interface Talk {
  readonly kind: 'talk'
  readonly a: number
}

type Step =
  | { readonly does: 'work'; readonly work: ReadonlyArray<Work | Talk> }
  | { readonly does: 'join'; readonly who: number; readonly channel: string; readonly since: number | 'gap' | null }
  | { readonly does: 'leave'; readonly who: number; readonly channel: string }
  | { readonly does: 'reconnect' | 'stall' | 'flow' | 'beat'; readonly who: number }
  | { readonly does: 'sip'; readonly who: number; readonly bytes: number }
  | { readonly does: 'turns'; readonly count: number }
  | { readonly does: 'pass'; readonly ms: number }

const who = fc.nat(2)
const channel = fc.constantFrom(
  'global',
  ...BOARDS.flatMap((id) => [`board:${id}`, `board:${id};full`, `project:${id}`]),
  ...AGENTS.map((id) => `agent:${id}`),
  ...AGENTS.map((id) => `agent:${id}`),
  'topic:talk',
)
/** Much of it is output of agents, which is held back to be joined. */
const piece = fc.oneof(
  { weight: 5, arbitrary: work },
  { weight: 4, arbitrary: work.map((one) => ({ ...one, kind: 'lines' as const })) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('talk' as const), a: fc.nat(9) }) },
)
/** How many ids back on all connections of the socket; most often none. */
const since = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 4, arbitrary: fc.nat(60) },
  { weight: 1, arbitrary: fc.constant('gap' as const) },
)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ does: fc.constant('work' as const), work: fc.array(piece, { minLength: 1, maxLength: 4 }) }),
  },
  { weight: 6, arbitrary: fc.record({ does: fc.constant('join' as const), who, channel, since }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('leave' as const), who, channel }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constantFrom('reconnect', 'stall', 'flow', 'flow', 'beat'), who }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('sip' as const), who, bytes: fc.nat(8_000) }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('turns' as const), count: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('pass' as const), ms: fc.constantFrom(30, 100, 160) }) },
)

/** How long a read of the store takes: mostly no turn at all, as with SQLite; else a few, a different number each time. */
const slowness = fc.oneof(
  { weight: 7, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.nat().map((seed) => turnsFrom(seed)) },
)

test('[W23] [W26] [W27] [W28] [W29] joining and leaving loses nothing and repeats nothing', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
      fc.array(step, { maxLength: 60 }),
      slowness,
      async (withGlobal, steps, turns) => {
        await using simulation = await Simulation.start(HEAVY, turns)
        await begin(simulation)
        const sockets = withGlobal.map((hasGlobal) => new SimulatedSocket(simulation, hasGlobal))
        for (const socket of sockets) socket.connect()
        for (const one of steps) await take(one, simulation, sockets)
        for (const socket of sockets) socket.flow()
        await simulation.quiesce(sockets)
        await Promise.all(sockets.map((socket) => socket.settled()))
        await simulation.settle(sockets)
        expect(simulation.errors).toEqual([])
        for (const socket of sockets) {
          for (const transcript of socket.transcripts) {
            const { held } = follow(transcript, simulation.published, socket.hasGlobal)
            if (transcript === socket.transcripts.at(-1)) await expectPresent(transcript, held, simulation)
          }
        }
      },
    ),
    { numRuns: 400 },
  )
})

/** Two boards, with a card that an agent works on. */
async function begin({ store }: Simulation): Promise<void> {
  for (const [board, id] of BOARDS.entries()) {
    await store.transact((tx) => createBoard(tx, { id, name: id }))
    for (const kind of ['card', 'attempt'] as const) {
      await store.transact((tx) => doWork(tx, { kind, board, a: 5, b: board, big: false }, BOARDS))
    }
  }
}

async function take(one: Step, simulation: Simulation, sockets: readonly SimulatedSocket[]): Promise<void> {
  const socket = 'who' in one ? sockets[one.who % sockets.length] : undefined
  switch (one.does) {
    case 'work':
      for (const piece of one.work) {
        simulation.mutate(
          (tx): Promise<unknown> =>
            piece.kind === 'talk'
              ? postTopicEvent(tx, 'talk', { event: 'said', data: piece.a })
              : doWork(tx, piece, BOARDS),
        )
      }
      break
    case 'join': {
      const { since } = one
      const cursor = typeof since === 'number' ? simulation.cursor(socket?.cursor(since) ?? 0) : GONE
      socket?.join(one.channel, since === null ? undefined : cursor)
      break
    }
    case 'leave':
      socket?.leave(one.channel)
      break
    case 'turns':
      await simulation.turns(one.count)
      break
    case 'pass':
      await simulation.pass(one.ms)
      break
    case 'sip':
      socket?.sip(one.bytes)
      break
    default:
      socket?.[one.does]()
  }
}

/** Fails when a connection received something that it should not have received, or not at that time. */
function follow(transcript: readonly SocketMessage[], log: readonly SeenEvent[], hasGlobal: boolean): Membership {
  const [hello] = transcript
  const membership = new Membership(log, parseCursor(hello?.id ?? '')?.seq ?? 0, hasGlobal)
  for (const [at, message] of transcript.entries()) {
    const told = toldBy(message)
    const fault = told && membership.take(told)
    if (fault) {
      const seen = transcript.slice(Math.max(0, at - 8), at + 3).map((one) => JSON.stringify(one).slice(0, 160))
      expect.fail(`${fault}; held ${membership.held}\n${seen.join('\n')}`)
    }
    if (message.joined) expectOpening(message, transcript.slice(at + 1))
    if (message.event === 'state') {
      const { boardId } = message.data
      const seq = parseCursor(message.id ?? '')?.seq ?? 0
      expect(message.data, `state of ${boardId} at ${seq}`).toEqual(foldLog(log.slice(0, seq), boardId))
    }
    if (message.event && message.channel === 'global') {
      const { type, data } = log[(parseCursor(message.id ?? '')?.seq ?? 0) - 1] ?? {}
      expect(message.data).toEqual(type === 'topic.event' ? data.data : data)
    }
  }
  return membership
}

/** What must follow the answer to a subscribe immediately, as far as it was received. */
function expectOpening({ joined, since }: SocketMessage, [first, second]: readonly SocketMessage[]): void {
  const isBoard = joined.startsWith('board:')
  const snapshot = since === GONE ? second : first
  if (since === GONE && first) expect([first.event, first.data.reason]).toEqual(['gap', 'epoch'])
  if (isBoard && (since === undefined || since === GONE) && snapshot) {
    expect([snapshot.channel, snapshot.event]).toEqual([joined.split(';')[0], 'state'])
  }
}

function toldBy(message: SocketMessage): Told | null {
  if (message.joined) {
    const { since } = message
    return {
      kind: 'joined',
      channel: message.joined,
      since: since === GONE ? undefined : parseCursor(since ?? '')?.seq,
    }
  }
  if (message.left) return { kind: 'left', channel: message.left }
  const { id = '', channel = '', event = '', data } = message
  const seq = parseCursor(id)?.seq ?? 0
  if (event === 'gap') return null
  if (event === 'hello' || event === 'heartbeat' || event === 'state') return { kind: 'reached', seq }
  return { kind: 'event', seq, channel, event, lines: event === 'output_batch' && data.lines }
}

/** A socket that has received everything ends with the newest id, and its full views with the current board. */
async function expectPresent(
  transcript: readonly SocketMessage[],
  held: readonly string[],
  simulation: Simulation,
): Promise<void> {
  const last = transcript.at(-1)
  expect([last?.event, last?.id]).toEqual(['heartbeat', simulation.cursor(simulation.store.head)])
  for (const name of held.filter((channel) => channel.endsWith(';full'))) {
    const boardId = name.slice('board:'.length, -';full'.length)
    const state = transcript.findLast(({ event, data }) => event === 'state' && data.boardId === boardId)
    expect(state?.data, `the last state of ${boardId}`).toEqual(
      JSON.parse(JSON.stringify(await simulation.stateOf(boardId))),
    )
  }
}

describe('in particular', () => {
  const lines = { kind: 'lines', board: 0, a: 0, b: 4, big: false } as const

  /** The agent of the attempt on the left board. */
  const AGENT = `agent:${AGENTS[0]}`

  async function open(simulation: Simulation, ...channels: readonly string[]): Promise<SimulatedSocket> {
    const socket = new SimulatedSocket(simulation, false)
    socket.connect()
    for (const channel of channels) socket.join(channel)
    await simulation.quiesce([socket])
    return socket
  }

  async function expectExact(simulation: Simulation, sockets: readonly SimulatedSocket[]): Promise<void> {
    await simulation.settle(sockets)
    for (const { transcripts } of sockets) {
      for (const transcript of transcripts) follow(transcript, simulation.published, false)
    }
  }

  const lineBatches = (socket: SimulatedSocket) =>
    socket.transcripts.flat().filter(({ event }) => event === 'output_batch')

  test.each(['join', 'leave'] as const)(
    '[W26] lines that wait to be joined are delivered before a %s takes effect',
    async (does) => {
      await using simulation = await Simulation.start()
      await begin(simulation)
      const socket = await open(simulation, AGENT, 'topic:other')
      await simulation.store.transact((tx) => doWork(tx, lines, BOARDS))
      socket[does]('topic:other')
      await socket.settled()
      expect(lineBatches(socket).map(({ data }) => data.lines.length)).toEqual([5])
      await expectExact(simulation, [socket])
    },
  )

  test('[W26] a new member of a channel does not get the lines that wait for earlier members', async () => {
    await using simulation = await Simulation.start()
    await begin(simulation)
    const early = await open(simulation, AGENT)
    const late = await open(simulation)
    await simulation.store.transact((tx) => doWork(tx, lines, BOARDS))
    late.join(AGENT)
    await late.settled()
    await expectExact(simulation, [early, late])
    expect([early, late].map((socket) => lineBatches(socket).length)).toEqual([1, 0])
  })

  test('[W27] an event that is committed while the snapshot of a resumed channel is rendered', async () => {
    await using simulation = await Simulation.start(1, () => 2)
    await begin(simulation)
    const socket = await open(simulation)
    const commit = (kind: 'card' | 'lines') =>
      simulation.store.transact((tx) => doWork(tx, { kind, board: 0, a: 0, b: 0, big: false }, BOARDS))
    for (let turns = 0; turns < 40; turns++) {
      // Nobody follows the board, so its snapshot is not kept.
      await commit('card')
      await simulation.quiesce([socket])
      socket.join('board:left;full', simulation.cursor(simulation.store.head))
      await simulation.turns(turns)
      // It does not change the snapshot, which is exact after it, too.
      await commit('lines')
      await socket.settled()
      socket.leave('board:left')
      await simulation.quiesce([socket])
    }
    await expectExact(simulation, [socket])
  })

  test('[W26] a socket that catches up leaves a channel after what was committed before, lines that wait to be joined included', async () => {
    await using simulation = await Simulation.start(1, () => 2)
    await begin(simulation)
    const socket = await open(simulation)
    for (let turns = 0; turns < 40; turns++) {
      socket.join(AGENT)
      await simulation.quiesce([socket])
      await simulation.store.transact((tx) => postTopicEvent(tx, 'talk', { event: 'past', data: turns }))
      socket.join('topic:talk', simulation.cursor(simulation.store.head - 1))
      await simulation.turns(turns)
      await simulation.store.transact((tx) => doWork(tx, lines, BOARDS))
      socket.leave(AGENT)
      await simulation.quiesce([socket])
      expect(lineBatches(socket), `after ${turns} turns`).toHaveLength(turns + 1)
      socket.leave('topic:talk')
      await simulation.quiesce([socket])
    }
    await expectExact(simulation, [socket])
  })

  test('[W26] [W27] [W29] a change takes effect with a store that is slow, while events are committed in every turn', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.boolean(),
        fc.array(fc.record({ channel, since, leaves: fc.nat(3) }), { minLength: 1, maxLength: 5 }),
        async (seed, hasGlobal, changes) => {
          await using simulation = await Simulation.start(1, turnsFrom(seed, 6))
          await begin(simulation)
          const socket = new SimulatedSocket(simulation, hasGlobal)
          socket.connect()
          await simulation.quiesce([socket])
          for (let batch = 0; batch < 10; batch++) {
            await simulation.store.transact((tx) => doWork(tx, lines, BOARDS))
          }
          for (const { channel, since, leaves } of changes) {
            const cursor = typeof since === 'number' ? simulation.cursor(socket.cursor(since)) : GONE
            socket.join(channel, since === null ? undefined : cursor)
            if (leaves === 0) socket.leave(channel)
          }
          let isSettled = false
          void socket.settled().then(() => {
            isSettled = true
          })
          let turn = 0
          for (; turn < MOST_TURNS_OF_CHANGES && !(isSettled && !socket.isBehind); turn++) {
            const kind = (['lines', 'move', 'lines', 'edit'] as const)[turn % 4] ?? 'lines'
            simulation.mutate((tx) => doWork(tx, { ...lines, kind, a: turn, b: turn % 5 }, BOARDS))
            await simulation.turns(1)
          }
          expect(turn, JSON.stringify(changes)).toBeLessThan(MOST_TURNS_OF_CHANGES)
          await simulation.settle([socket])
          expect(simulation.errors).toEqual([])
          for (const transcript of socket.transcripts) {
            const { held } = follow(transcript, simulation.published, hasGlobal)
            await expectPresent(transcript, held, simulation)
          }
        },
      ),
      { numRuns: 12 },
    )
  })

  test('[W23] [W30] a channel that is subscribed to again keeps its rank', async () => {
    await using simulation = await Simulation.start()
    await begin(simulation)
    const socket = await open(simulation, 'project:left', AGENT, 'project:left')
    await simulation.store.transact((tx) => doWork(tx, { kind: 'assign', board: 0, a: 4, b: 0, big: false }, BOARDS))
    await expectExact(simulation, [socket])
    const assigned = socket.transcripts.flat().filter(({ event }) => event === 'agent_assigned')
    expect(assigned.map(({ channel }) => channel)).toEqual(['project:left'])
  })

  test('[W27] a connection ends when events of a replay in progress are trimmed', async () => {
    await using simulation = await Simulation.start()
    await begin(simulation)
    const socket = await open(simulation)
    const manyLines = () => simulation.store.transact((tx) => doWork(tx, { ...lines, b: 9, big: true }, BOARDS))
    for (let batch = 0; batch < 12; batch++) await manyLines()
    socket.join(AGENT, simulation.cursor(1))
    socket.stall()
    // The peer accepts the acknowledgement, and then the first page waits.
    while (socket.pendingBytes < 10_000) {
      await simulation.turns(1)
      socket.sip(500)
    }
    await simulation.store.transact((tx) => tx.trimLog({ maxAgeMs: Infinity, maxEvents: 5, maxBytes: Infinity }, 1_000))
    for (let sips = 0; sips < 20 && !socket.isEnded; sips++) {
      socket.sip(50_000)
      await simulation.turns(2)
    }
    expect(socket.isEnded).toBe(true)
    // What it receives when it reconnects with its id of the channel.
    const last = lineBatches(socket).at(-1)?.id
    expect(last).toBeDefined()
    socket.reconnect()
    socket.join(AGENT, last)
    await simulation.quiesce([socket])
    const reasons = socket.transcripts.at(-1)?.filter(({ event }) => event === 'gap')
    expect(reasons?.map(({ data }) => data.reason)).toEqual(['trimmed'])
  })

  test('[W27] a replay that does not fit is sent in pieces, as the peer accepts them', async () => {
    await using simulation = await Simulation.start()
    await begin(simulation)
    const socket = await open(simulation)
    for (let batch = 0; batch < 12; batch++) {
      await simulation.store.transact((tx) => doWork(tx, { ...lines, b: 9, big: true }, BOARDS))
    }
    socket.join(AGENT, simulation.cursor(1))
    socket.stall()
    for (let sips = 0; sips < 100; sips++) {
      await simulation.turns(2)
      socket.sip(7_000)
    }
    await expectExact(simulation, [socket])
    expect(lineBatches(socket).flatMap(({ data }) => data.lines)).toHaveLength(120)
  })
})
