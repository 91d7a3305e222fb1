/**
 * What listeners receive under random interleavings: mutations, connections that open, stall, read slowly and are cut, time
 * that passes, and a log that is trimmed.
 *
 *   U7   Within a stretch that no `gap` ended, a listener has got every event that its channels, view and types let
 *        through, once, in the order of the log, under the right names and channels.
 *   U8   Any two listeners have the events that both got in the same order.
 *   U9   Every `state` is the state of the board at its id.
 *   U10  When nothing happens any more, the last `state` of a `full` view is the state of the board, however the
 *        listener got there: the last change is never lost.
 *   U11  A listener gets a `gap` and a fresh start when something that it would have been shown was trimmed, never silence;
 *        and no gap for anything else.
 *   M10  What waits for a connection stays below 256 KiB and a page, unless a single frame is larger.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCursor } from '../../shared/src/cursor.ts'
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { createBoard } from '../../src/domain/boards.ts'
import { AGENTS, doWork, type Work, work } from '../support/board-work.ts'
import { difference, expectedSightings, foldLog, sightings } from '../support/comparing.ts'
import type { SeenEvent } from '../support/log-reader.ts'
import { bareOf, type Stretch } from '../support/received.ts'
import { type Listening, sightingsOf } from '../support/sights.ts'
import { type SimulatedListener, Simulation } from '../support/simulation.ts'
import { turnsFrom } from '../support/slow-reads.ts'

const BOARDS = ['left', 'right'] as const
const ROOM_BYTES = 256 * 1024
/** A few kilobytes fill the buffer of a connection. */
const HEAVY = 40

type Step =
  | { readonly does: 'work'; readonly work: readonly Work[] }
  | { readonly does: 'connect' | 'reconnect' | 'cut' | 'stall' | 'flow' | 'beat'; readonly who: number }
  | { readonly does: 'sip'; readonly who: number; readonly bytes: number }
  | { readonly does: 'turns'; readonly count: number }
  | { readonly does: 'pass'; readonly ms: number }
  | { readonly does: 'trim'; readonly keep: number }

const who = fc.nat(5)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ does: fc.constant('work' as const), work: fc.array(work, { minLength: 1, maxLength: 4 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constantFrom('connect', 'reconnect', 'cut', 'stall', 'flow', 'beat'), who }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('sip' as const), who, bytes: fc.nat(8_000) }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('turns' as const), count: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('pass' as const), ms: fc.constantFrom(30, 100, 160) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('trim' as const), keep: fc.nat(20) }) },
)

const channel = fc.constantFrom(
  'global',
  ...BOARDS.flatMap((id) => [`board:${id}`, `project:${id}`]),
  ...AGENTS.map((id) => `agent:${id}`),
)
const types = fc.option(
  fc.constantFrom(['card_*', 'state'], ['attempt_log', 'output_batch'], ['state'], ['issue_*', 'attempt.*']),
  {
    nil: undefined,
    freq: 4,
  },
)
const view = fc.constantFrom('full' as const, 'diff' as const)
const wish: fc.Arbitrary<{ listening: Listening; bare: boolean }> = fc
  .oneof(
    fc.record({
      listening: fc.record({ channels: fc.constant([`board:${BOARDS[0]}`]), view, types }),
      bare: fc.constant(true),
    }),
    fc.record({
      listening: fc.record({ channels: fc.uniqueArray(channel, { minLength: 1, maxLength: 4 }), view, types }),
      bare: fc.constant(false),
    }),
  )
  .map(({ listening: { types, ...listening }, bare }) => ({
    listening: types ? { ...listening, types } : listening,
    bare,
  }))

/** `turnsOfQuery`: how long each query takes. */
function whateverHappens(turnsOfQuery?: () => number) {
  return fc.asyncProperty(
    fc.array(wish, { minLength: 1, maxLength: 3 }),
    fc.array(fc.nat(2), { minLength: 3, maxLength: 6 }),
    fc.array(fc.array(step, { maxLength: 10 }), { maxLength: 8 }),
    async (wishes, choices, rounds) => {
      await using simulation = await Simulation.start(HEAVY, turnsOfQuery)
      for (const id of BOARDS) await simulation.store.transact((tx) => createBoard(tx, { id, name: id }))
      // Some have the same selection, and share their events.
      const listeners = choices.flatMap((choice) => {
        const chosen = wishes[choice % wishes.length]
        return chosen ? [simulation.listener(chosen.listening, chosen.bare)] : []
      })
      for (const steps of rounds) {
        for (const one of steps) await take(one, simulation, listeners)
        // A pause, in which listeners receive the last change.
        await simulation.quiesce(listeners)
        for (const listener of listeners) if (listener.isFlowing) await expectLastState(listener, simulation)
      }
      await simulation.settle(listeners)

      expect(simulation.errors).toEqual([])
      const states = new States(simulation.published)
      for (const listener of listeners) await expectRight(listener, simulation, states)
      expectSameOrder(listeners)
    },
  )
}

test(
  '[U7] [U8] [U9] [U10] [U11] listeners receive what the log and the database hold',
  {
    timeout: 120_000,
  },
  () => fc.assert(whateverHappens(), { numRuns: 400 }),
)

test('[U7] [U8] [U9] [U10] [U11] also when queries answer some turns later, while mutations go on', {
  timeout: 120_000,
}, () => {
  let n = 0
  return fc.assert(
    whateverHappens(() => (n++ * 7) % 5),
    { numRuns: 60 },
  )
})

async function take(one: Step, simulation: Simulation, listeners: readonly SimulatedListener[]): Promise<void> {
  const { store } = simulation
  switch (one.does) {
    case 'work':
      for (const piece of one.work) simulation.mutate((tx) => doWork(tx, piece, BOARDS))
      break
    case 'turns':
      await simulation.turns(one.count)
      break
    case 'pass':
      await simulation.pass(one.ms)
      break
    case 'trim':
      void store.transact((tx) => tx.trimLog({ maxAgeMs: Infinity, maxEvents: one.keep, maxBytes: Infinity }, 50))
      break
    case 'sip':
      listeners[one.who % listeners.length]?.sip(one.bytes)
      break
    default:
      listeners[one.who % listeners.length]?.[one.does]()
  }
}

async function expectRight(listener: SimulatedListener, simulation: Simulation, states: States): Promise<void> {
  const { received, listening, bare } = listener
  const named = JSON.stringify(listening)
  expect(received.faults, named).toEqual([])
  expect(received.lastEventId, named).toBe(simulation.cursor(simulation.store.head))
  for (const gap of received.gaps) expectLoss(bareOf(gap), listening, simulation)
  for (const stretch of received.stretches) {
    const expected = expectedSightings(within(simulation.published, stretch), listening, bare)
    const actual = sightings(stretch.frames, bare)
    // A stream without a start position begins with its first event.
    const due = stretch.start === undefined ? expected.slice(expected.length - actual.length) : expected
    expect(difference(actual, due), named).toBeNull()
    for (const frame of stretch.frames) {
      if (frame.event !== 'state') continue
      const state = bareOf(frame.text) as BoardState
      expect(state, `state at ${frame.seq}, ${named}`).toEqual(states.at(state.boardId, frame.seq))
    }
  }
  await expectLastState(listener, simulation)
}

/** There is a gap only for a trimmed event that would have been shown. */
function expectLoss(gap: { requested: string; oldest: string }, listening: Listening, simulation: Simulation): void {
  const named = `${JSON.stringify(listening)}: ${JSON.stringify(gap)}`
  const [requested = 0, oldest = 0] = [gap.requested, gap.oldest].map((id) => parseCursor(id)?.seq ?? 0)
  const last = simulation.published[oldest - 1]
  expect(oldest, named).toBeGreaterThan(requested)
  expect(oldest, named).toBeLessThanOrEqual(simulation.store.bounds.oldest)
  expect(last?.type, named).toBe('attempt.log.appended')
  expect(last && sightingsOf(last, listening).length, named).toBeGreaterThan(0)
}

async function expectLastState({ listening, received }: SimulatedListener, simulation: Simulation): Promise<void> {
  const named = JSON.stringify(listening)
  if (listening.view !== 'full' || (listening.types && !listening.types.includes('state'))) return
  for (const name of listening.channels.filter((channel) => channel.startsWith('board:'))) {
    const boardId = name.slice('board:'.length)
    const state = JSON.parse(JSON.stringify(await simulation.stateOf(boardId)))
    const all = received.stretches.flatMap(({ frames }) => frames)
    const last = all.findLast(({ event, text }) => event === 'state' && bareOf(text).boardId === boardId)
    expect(last && bareOf(last.text), `the last state, ${named}`).toEqual(state)
  }
}

/** The events that must be in a stretch. */
function within(published: readonly SeenEvent[], { start, reached }: Stretch): readonly SeenEvent[] {
  return published.filter(({ seq }) => seq > (start ?? 0) && seq <= reached)
}

function expectSameOrder(listeners: readonly SimulatedListener[]): void {
  const orders = listeners.map(
    ({ received }) =>
      new Map(received.stretches.flatMap(({ frames }) => frames.map(({ seq }) => seq)).map((seq, at) => [seq, at])),
  )
  for (const [index, one] of orders.entries()) {
    for (const other of orders.slice(index + 1)) {
      const common = [...one.keys()].filter((seq) => other.has(seq))
      const inOther = [...other.keys()].filter((seq) => one.has(seq))
      expect(common).toEqual(inOther)
    }
  }
}

/** The boards at every position, derived from the log alone. */
class States {
  readonly #published: readonly SeenEvent[]
  readonly #known = new Map<string, BoardState>()

  constructor(published: readonly SeenEvent[]) {
    this.#published = published
  }

  at(boardId: string, seq: number): BoardState {
    const key = `${boardId} ${seq}`
    let state = this.#known.get(key)
    if (!state) {
      state = foldLog(this.#published.slice(0, seq), boardId)
      this.#known.set(key, state)
    }
    return state
  }
}

test('[M10] the bytes pending for a stalled connection are bounded', async () => {
  await using simulation = await Simulation.start()
  await simulation.store.transact((tx) => createBoard(tx, { id: 'left', name: 'Left' }))
  const card = { kind: 'card', board: 0, a: 5, b: 0, big: false } as const
  const lines = { kind: 'lines', board: 0, a: 0, b: 9, big: true } as const
  for (const piece of [card, { ...card, kind: 'attempt' } as const])
    await simulation.store.transact((tx) => doWork(tx, piece, ['left']))
  const stalled = simulation.listener({ channels: ['board:left'], view: 'full' }, true)
  const healthy = simulation.listener({ channels: ['board:left'], view: 'full' }, true)
  for (const listener of [stalled, healthy]) listener.connect()
  await simulation.turns(3)
  stalled.stall()
  let most = 0
  for (let batch = 0; batch < 40; batch++) {
    await simulation.store.transact((tx) => doWork(tx, lines, ['left']))
    stalled.sip(batch === 20 ? ROOM_BYTES / 2 : 10)
    await simulation.turns(2)
    most = Math.max(most, stalled.pendingBytes)
  }
  const sent = healthy.received.stretch.frames.filter(({ event }) => event === 'attempt_log').length
  expect(sent).toBe(400)
  expect(most).toBeGreaterThan(ROOM_BYTES / 2)
  expect(most).toBeLessThanOrEqual(ROOM_BYTES + 128 * 1024)
  await simulation.settle([stalled, healthy])
  expect(stalled.received.faults).toEqual([])
  expect(sightings(stalled.received.stretch.frames, true)).toEqual(sightings(healthy.received.stretch.frames, true))
})

const lines = { kind: 'lines', board: 0, a: 0, b: 3, big: false } as const

/** A board with an attempt that prints lines. */
async function printing(simulation: Simulation): Promise<void> {
  await simulation.store.transact((tx) => createBoard(tx, { id: 'left', name: 'Left' }))
  for (const kind of ['card', 'attempt'] as const) {
    await simulation.store.transact((tx) => doWork(tx, { kind, board: 0, a: 5, b: 0, big: false }, ['left']))
  }
}

test('[U7] [U9] [U10] a listener catches up with a store that is slow, while events are committed in every turn', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), wish, fc.integer({ min: 0, max: 900 }), async (seed, { listening, bare }, missed) => {
      await using simulation = await Simulation.start(1, turnsFrom(seed, 6))
      await printing(simulation)
      await simulation.store.transact((tx) => createBoard(tx, { id: 'right', name: 'Right' }))
      const listener = simulation.listener(listening, bare)
      listener.connect()
      await simulation.quiesce([listener])
      listener.cut()
      for (let count = 0; count < missed; count += 4) {
        await simulation.store.transact((tx) => doWork(tx, lines, BOARDS))
      }
      listener.connect()
      let turn = 0
      for (; turn < MOST_TURNS_BEHIND && !(listener.isOpen && !listener.isBehind); turn++) {
        const kind = turn % 2 === 0 ? 'move' : 'edit'
        simulation.mutate((tx) => doWork(tx, { kind, board: 0, a: turn, b: turn, big: false }, BOARDS))
        if (turn % TURNS_PER_BATCH === 0) simulation.mutate((tx) => doWork(tx, lines, BOARDS))
        await simulation.turns(1)
      }
      expect(turn, JSON.stringify(listening)).toBeLessThan(MOST_TURNS_BEHIND)
      await simulation.settle([listener])
      expect(simulation.errors).toEqual([])
      await expectRight(listener, simulation, new States(simulation.published))
    }),
    { numRuns: 12 },
  )
})

/**
 * A store so slow reads five events in a turn: a page of some 300 takes up to 60 turns, in ten queries. Whoever commits as
 * many is never caught up with, so this commits one or two.
 */
const TURNS_PER_BATCH = 8
const MOST_TURNS_BEHIND = 1_000
